"""Every table of the metadata database. Importing this package registers all of them."""

from models import (
    alerting,
    assistant,
    attachments,
    branches,
    detection,
    identity,
    ingest,
    metrics,
    plan,
    plan_drifts,
    plan_entities,
    preferences,
    projects,
    reconciliation,
    saved_views,
    scans,
)

__all__ = [
    "alerting",
    "assistant",
    "attachments",
    "branches",
    "detection",
    "identity",
    "ingest",
    "metrics",
    "plan",
    "plan_drifts",
    "plan_entities",
    "preferences",
    "projects",
    "reconciliation",
    "saved_views",
    "scans",
]
