"""Every table of the metadata database. Importing this package registers all of them."""

from models import attachments, branches, detection, identity, metrics, plan, plan_drifts, plan_entities, projects, scans

__all__ = [
    "attachments",
    "branches",
    "detection",
    "identity",
    "metrics",
    "plan",
    "plan_drifts",
    "plan_entities",
    "projects",
    "scans",
]
