"""The plan as one surface: what is in it, how it is kept in step with scans, and how people change it."""

from __future__ import annotations

from app.plan.branch_scope import main_branch_id
from app.plan.service.catalogue import (
    DEFAULT_PAGE,
    LARGEST_PAGE,
    SCAN_DESCRIPTION,
    count_events,
    events_by_id,
    get_event,
    list_event_types,
    list_events,
    plan_identities,
    planned_names,
    sync_observed_events,
    touch_last_seen,
)

__all__ = [
    "DEFAULT_PAGE",
    "LARGEST_PAGE",
    "SCAN_DESCRIPTION",
    "count_events",
    "events_by_id",
    "get_event",
    "list_event_types",
    "list_events",
    "main_branch_id",
    "plan_identities",
    "planned_names",
    "sync_observed_events",
    "touch_last_seen",
]
