"""Many events changed at once, and their order (contract 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.ids import new_id
from app.plan.branch_scope import BranchScope, writable_branch
from app.plan.drafts import BulkChanges, EventDraft
from app.plan.repository import events as rows
from app.plan.service.event_creation import insert_drafts
from app.plan.service.event_details import details_by_id
from app.plan.service.event_rules import check_owner
from app.plan.service.event_values import moment_text
from app.plan.service.trail import note, note_many
from app.plan.views import EventDetail
from app.plan.vocabulary import MoveDirection
from models.plan import Event
from models.plan_entities import EventChange


def bulk_create_events(
    session: Session, actor: Actor, slug: str, drafts: Sequence[EventDraft], *, branch: str | None = None
) -> list[EventDetail]:
    """Make all the events, in their order, or none. Editors and owners. Errors: as `create_event`."""
    scope = writable_branch(session, actor, slug, branch)
    ids = insert_drafts(session, actor, scope, drafts)
    if ids:
        note_many(session, actor, scope, "event.bulk_create", ids)
    return details_by_id(session, scope.branch_id, ids)


def bulk_delete_events(session: Session, actor: Actor, slug: str, event_ids: Sequence[str], *, branch: str | None = None) -> None:
    """Delete all the events. Editors and owners. Errors: NotFound when one is missing on the branch; then all stay."""
    scope = writable_branch(session, actor, slug, branch)
    ids = list(_found(session, scope, event_ids))
    rows.delete_events(session, ids)
    note_many(session, actor, scope, "event.bulk_delete", ids)


def bulk_update_events(
    session: Session, actor: Actor, slug: str, event_ids: Sequence[str], changes: BulkChanges, *, branch: str | None = None
) -> None:
    """Set the same attributes in all the events. Editors and owners.

    Errors: InvalidInput when nothing is to be set; NotFound when an event is missing on the branch, then all stay as they are.
    """
    scope = writable_branch(session, actor, slug, branch)
    values = {name: value for name, value in asdict(changes).items() if value is not None}
    if not values:
        raise InvalidInput("Give at least one of status, sunset_at, owner_id and reviewed")
    check_owner(session, changes.owner_id)
    events = _found(session, scope, event_ids)
    now = SYSTEM_CLOCK.now()
    history: list[tuple[str, str, str | None, str | None]] = []
    for event in events.values():
        if changes.status is not None and changes.status != event.status:
            history.append((event.id, "status", event.status, changes.status.value))
        if changes.sunset_at is not None and changes.sunset_at != event.sunset_at:
            history.append((event.id, "sunset_at", moment_text(event.sunset_at), moment_text(changes.sunset_at)))
    if changes.status is not None:
        values["status"] = changes.status.value
    rows.update_events(session, list(events), {**values, "updated_at": now})
    rows.insert_rows(
        session,
        EventChange,
        [
            {
                "id": new_id(),
                "event_id": event_id,
                "user_id": actor.user_id,
                "field_name": field_name,
                "old_value": old_value,
                "new_value": new_value,
                "created_at": now,
            }
            for event_id, field_name, old_value, new_value in history
        ],
    )
    note_many(session, actor, scope, "event.bulk_update", list(events), changed=sorted(values))


def reorder_events(
    session: Session, actor: Actor, slug: str, event_ids: Sequence[str], *, branch: str | None = None
) -> list[EventDetail]:
    """Put the events first, in this order; those not named follow in the order they had. Editors and owners.

    Returns the named events. Errors: NotFound when one is missing on the branch.
    """
    scope = writable_branch(session, actor, slug, branch)
    named = list(dict.fromkeys(event_ids))
    places = dict(rows.ordering(session, scope.branch_id))
    if any(event_id not in places for event_id in named):
        raise NotFound("Event not found")
    chosen = set(named)
    complete = [*named, *(event_id for event_id in places if event_id not in chosen)]
    rows.set_order(session, {key: place for place, key in enumerate(complete) if places[key] != place})
    note_many(session, actor, scope, "event.reorder", named)
    return details_by_id(session, scope.branch_id, named)


def move_event(
    session: Session,
    actor: Actor,
    slug: str,
    event_id: str,
    direction: MoveDirection,
    visible_event_ids: Sequence[str] | None = None,
    *,
    branch: str | None = None,
) -> EventDetail:
    """Change places with the neighbour among the visible events, all of the branch when None; past an end nothing happens.

    Editors and owners. Errors: NotFound.
    """
    scope = writable_branch(session, actor, slug, branch)
    places = dict(rows.ordering(session, scope.branch_id))
    if event_id not in places:
        raise NotFound("Event not found")
    if len(set(places.values())) < len(places):  # equal places cannot be changed with each other
        numbered = {key: place for place, key in enumerate(places)}
        rows.set_order(session, {key: place for key, place in numbered.items() if places[key] != place})
        places = numbered
    chosen = places.keys() if visible_event_ids is None else set(visible_event_ids)
    visible = [key for key in places if key in chosen]
    neighbour = _neighbour(visible, event_id, direction)
    if neighbour is not None:
        rows.set_order(session, {event_id: places[neighbour], neighbour: places[event_id]})
        note(session, actor, scope, "event.move", event_id, direction=direction.value)
    return details_by_id(session, scope.branch_id, [event_id])[0]


def _neighbour(visible: Sequence[str], event_id: str, direction: MoveDirection) -> str | None:
    if event_id not in visible:
        return None
    at = visible.index(event_id) + (-1 if direction is MoveDirection.UP else 1)
    return visible[at] if 0 <= at < len(visible) else None


def _found(session: Session, scope: BranchScope, event_ids: Sequence[str]) -> dict[str, Event]:
    wanted = list(dict.fromkeys(event_ids))
    found = rows.events_of_branch(session, scope.branch_id, wanted)
    if len(found) < len(wanted):
        raise NotFound("Event not found")
    return {event_id: found[event_id][0] for event_id in wanted}
