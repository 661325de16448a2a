"""Events made, changed and deleted one at a time (contract 2.1 to 2.3)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, NotFound
from app.plan.branch_scope import BranchScope, writable_branch
from app.plan.drafts import EventChanges, EventDraft
from app.plan.repository import definitions
from app.plan.repository import events as rows
from app.plan.rules import checked_breakdown_columns, checked_name, checked_tags
from app.plan.service.event_creation import insert_drafts
from app.plan.service.event_details import details_by_id
from app.plan.service.event_rules import check_identities, check_owner
from app.plan.service.event_values import History, moment_text, replace_field_values, replace_meta_values, replace_tags
from app.plan.service.plan_rules import check_event_names
from app.plan.service.trail import note
from app.plan.views import EventDetail
from models.plan import Event
from models.plan_entities import EventChange


def create_event(session: Session, actor: Actor, slug: str, draft: EventDraft, *, branch: str | None = None) -> EventDetail:
    """An event at the end of the branch's order. Editors and owners.

    Errors: NotFound for an unknown event type, InvalidInput for values that do not fit, Conflict when the name is taken.
    """
    scope = writable_branch(session, actor, slug, branch)
    (event_id,) = insert_drafts(session, actor, scope, [draft])
    note(session, actor, scope, "event.create", event_id, name=draft.name, event_type_id=draft.event_type_id)
    return details_by_id(session, scope.branch_id, [event_id])[0]


def update_event(
    session: Session,
    actor: Actor,
    slug: str,
    event_id: str,
    changes: EventChanges,
    *,
    branch: str | None = None,
    expected_updated_at: datetime | None = None,
) -> EventDetail:
    """Change the attributes that `changes` holds; tags and values replace the whole list. Editors and owners.

    With `expected_updated_at` somebody's change since that state is a Conflict that says who made it; without it the last
    writer wins. Errors: also NotFound, InvalidInput, and Conflict when the name is taken.
    """
    scope = writable_branch(session, actor, slug, branch)
    event = _find(session, scope, event_id)
    if expected_updated_at is not None and event.updated_at != expected_updated_at:
        raise Conflict(_changed_meanwhile(session, event))
    moved: list[str] = []
    history: History = []
    _change_attributes(session, scope, event, changes, history, moved)
    if (tags := changes.get("tags")) is not None:
        history += replace_tags(session, event, checked_tags(tags))
    if (field_values := changes.get("field_values")) is not None:
        history += replace_field_values(session, event, field_values)
    if (meta_values := changes.get("meta_values")) is not None:
        history += replace_meta_values(session, event, meta_values)
    if history or moved:
        event.updated_at = now = SYSTEM_CLOCK.now()
        definitions.add(session, event, *(_change(actor, event, now, *entry) for entry in history))
        changed = [name for name, _, _ in history] + moved
        note(session, actor, scope, "event.update", event.id, name=event.name, changed=changed)
    return details_by_id(session, scope.branch_id, [event.id])[0]


def delete_event(session: Session, actor: Actor, slug: str, event_id: str, *, branch: str | None = None) -> None:
    """Delete the event with its values, photos and history. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    event = _find(session, scope, event_id)
    note(session, actor, scope, "event.delete", event.id, name=event.name)
    definitions.delete(session, event)


def _find(session: Session, scope: BranchScope, event_id: str) -> Event:
    found = rows.events_of_branch(session, scope.branch_id, [event_id])
    if event_id not in found:
        raise NotFound("Event not found")
    return found[event_id][0]


def _changed_meanwhile(session: Session, event: Event) -> str:
    latest = next(iter(rows.changes_of(session, event.id)), None)
    # Attributes without a history line change too; only a line of that very moment tells who it was.
    who = latest[1] if latest and latest[0].created_at == event.updated_at else None
    return f"This event was changed by {who or 'somebody else'} at {event.updated_at.isoformat()}"


def _change(
    actor: Actor, event: Event, now: datetime, field_name: str, old_value: str | None, new_value: str | None
) -> EventChange:
    return EventChange(
        event_id=event.id, user_id=actor.user_id, field_name=field_name, old_value=old_value, new_value=new_value, created_at=now
    )


def _change_attributes(
    session: Session, scope: BranchScope, event: Event, changes: EventChanges, history: History, moved: list[str]
) -> None:
    """Set the plain attributes; `moved` gains those that the history of an event does not show."""
    name = changes.get("name")
    if name is not None and name != event.name:
        renamed = (event.event_type_id, checked_name(name))
        check_event_names(session, scope.project.id, [name])
        check_identities(session, scope, [renamed], except_id=event.id, is_name_identity=event.source_name is None)
        history.append(("name", event.name, name))
        event.name = name
    description, status = changes.get("description"), changes.get("status")
    if description is not None and description != event.description:
        history.append(("description", event.description, description))
        event.description = description
    if status is not None and status != event.status:
        history.append(("status", event.status, status.value))
        event.status = status.value
    if "sunset_at" in changes and changes["sunset_at"] != event.sunset_at:
        history.append(("sunset_at", moment_text(event.sunset_at), moment_text(changes["sunset_at"])))
        event.sunset_at = changes["sunset_at"]
    if "owner_id" in changes and changes["owner_id"] != event.owner_id:
        check_owner(session, changes["owner_id"])
        event.owner_id = changes["owner_id"]
        moved.append("owner_id")
    reviewed, columns = changes.get("reviewed"), changes.get("metric_breakdown_columns")
    if reviewed is not None and reviewed != event.reviewed:
        event.reviewed = reviewed
        moved.append("reviewed")
    if columns is not None and (tidy := checked_breakdown_columns(columns)) != event.metric_breakdown_columns:
        event.metric_breakdown_columns = tidy
        moved.append("metric_breakdown_columns")
