"""Every table of the metadata database. Importing this package registers all of them."""

from models import (
    alerting,
    attachments,
    branches,
    detection,
    identity,
    metrics,
    plan,
    plan_drifts,
    plan_entities,
    projects,
    reconciliation,
    saved_views,
    scans,
)

__all__ = [
    "alerting",
    "attachments",
    "branches",
    "detection",
    "identity",
    "metrics",
    "plan",
    "plan_drifts",
    "plan_entities",
    "projects",
    "reconciliation",
    "saved_views",
    "scans",
]
