"""Merging events by the group rules of a scan (contract 4.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from app.plan import repository
from app.plan.branch_scope import main_branch_id
from app.plan.contracts import EventStatus, GroupableEvent, identity_of
from app.plan.repository import grouping as rows

# Progress of a plan event; retirement is no progress and never wins.
_PROGRESS = (
    EventStatus.DRAFT,
    EventStatus.IN_REVIEW,
    EventStatus.READY_FOR_DEV,
    EventStatus.IMPLEMENTED,
    EventStatus.LIVE,
)


def groupable_events(session: Session, project_id: str, event_type_id: str | None = None) -> list[GroupableEvent]:
    """Main's events that are not archived, of one event type when it is named; main is held until the transaction ends."""
    branch_id = main_branch_id(session, project_id)
    repository.lock_branch(session, branch_id)
    found = rows.events_with_values(session, branch_id, event_type_id, without_status=EventStatus.ARCHIVED.value)
    return [
        GroupableEvent(event.id, event.event_type_id, event.source_name or event.name, values, json_fields)
        for event, values, json_fields in found
    ]


def merge_events(session: Session, event_type_id: str, name: str, event_ids: Sequence[str], replaced: Mapping[str, str]) -> str:
    """Make one event of that name out of the events; its id.

    The event that has the name already stays, else the first of them takes it. What hangs on the others moves to it where it has
    nothing of its own; its status is the furthest of all, its scanned values of `replaced` fields are those texts. The others stay
    until `delete_merged`, so that their counts can be moved first.
    """
    identity = identity_of("", name)[1]
    events = rows.events_of(session, event_ids)
    target = rows.events_named(session, event_type_id, identity) or events[0]
    progress = [_PROGRESS.index(EventStatus(event.status)) for event in (target, *events) if event.status in _PROGRESS]
    if target.status in _PROGRESS:
        target.status = _PROGRESS[max(progress)].value
    for event in events:
        if event.id != target.id:
            rows.move_parts(session, event.id, target.id)
            if event.last_seen_at is not None:
                target.last_seen_at = max(event.last_seen_at, target.last_seen_at or event.last_seen_at)
    target.name = target.source_name = identity
    session.flush()
    rows.replace_values(session, target.id, dict(replaced))
    return target.id


def delete_merged(session: Session, event_ids: Sequence[str]) -> None:
    """Delete events whose content has moved."""
    rows.delete_events(session, event_ids)
