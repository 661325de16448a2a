"""Pages about the plan. Importing this package registers them."""

from app.plan.pages import (
    branch,
    branches,
    catalogue,
    event,
    event_type,
    event_types,
    meta_fields,
    plan_rules,
    relations,
    revisions,
    transfer,
    variables,
)

__all__ = [
    "branch",
    "branches",
    "catalogue",
    "event",
    "event_type",
    "event_types",
    "meta_fields",
    "plan_rules",
    "relations",
    "revisions",
    "transfer",
    "variables",
]
