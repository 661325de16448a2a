"""Every query on the plan. Callers name the project or the branch; nothing here decides."""

from __future__ import annotations

from app.plan.repository.catalogue import (
    MAIN,
    adopt,
    advance_last_seen,
    branch_of_project,
    count_events,
    event_names,
    event_type_names,
    event_types_by_name,
    event_types_with_counts,
    events_by_id,
    find_main_branch,
    highest_order,
    identity_rows,
    insert_events,
    known_events,
    lock_branch,
    page_of_events,
)

__all__ = [
    "MAIN",
    "adopt",
    "advance_last_seen",
    "branch_of_project",
    "count_events",
    "event_names",
    "event_type_names",
    "event_types_by_name",
    "event_types_with_counts",
    "events_by_id",
    "find_main_branch",
    "highest_order",
    "identity_rows",
    "insert_events",
    "known_events",
    "lock_branch",
    "page_of_events",
]
