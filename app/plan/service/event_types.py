"""Event types: the schemas that events share (contract 2.5)."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import Conflict
from app.plan.branch_scope import readable_branch, writable_branch
from app.plan.drafts import EventTypeChanges, EventTypeDraft
from app.plan.repository import definitions as rows
from app.plan.rules import checked_name
from app.plan.service import fields
from app.plan.service.changes import apply_changes
from app.plan.service.trail import note
from app.plan.views import EventTypeDetail
from models.plan import EventType
from models.plan_entities import FieldDefinition


def list_event_type_details(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> list[EventTypeDetail]:
    """The branch's event types in their order, each with its fields; at most 1000. Errors: as `readable_branch`."""
    found = rows.event_types(session, readable_branch(session, actor, slug, branch).branch_id)
    definitions = rows.fields_of(session, [row.id for row in found])
    return [_view(row, definitions.get(row.id, [])) for row in found]


def get_event_type(session: Session, actor: Actor, slug: str, event_type_id: str, *, branch: str | None = None) -> EventTypeDetail:
    """One event type of the branch. Errors: NotFound, BadRequest as `readable_branch`."""
    row = fields.find_event_type(session, readable_branch(session, actor, slug, branch), event_type_id)
    return _loaded(session, row)


def create_event_type(
    session: Session, actor: Actor, slug: str, draft: EventTypeDraft, *, branch: str | None = None
) -> EventTypeDetail:
    """An event type with its fields; a field whose order is 0 takes its place in the list. Editors and owners.

    Errors: Conflict for a name taken on the branch or a field named twice, InvalidInput for parts of a field that do not fit.
    """
    scope = writable_branch(session, actor, slug, branch)
    names = [field.name for field in draft.field_definitions]
    if rows.is_event_type_name_taken(session, scope.branch_id, checked_name(draft.name)):
        raise Conflict(f"An event type named {draft.name} exists")
    if len(set(names)) < len(names):
        raise Conflict("Two of the fields have the same name")
    row = EventType(
        project_id=scope.project.id,
        branch_id=scope.branch_id,
        name=draft.name,
        display_name=draft.display_name,
        description=draft.description,
        color=draft.color,
        order=draft.order,
    )
    rows.add(session, row)
    placed = [replace(field, order=field.order or place) for place, field in enumerate(draft.field_definitions)]
    rows.add(session, *(fields.field_row(row.id, field) for field in placed))
    note(session, actor, scope, "event_type.create", row.id, name=row.name, fields=names)
    return _loaded(session, row)


def update_event_type(
    session: Session, actor: Actor, slug: str, event_type_id: str, changes: EventTypeChanges, *, branch: str | None = None
) -> EventTypeDetail:
    """Change the attributes that `changes` holds; the name stays. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    row = fields.find_event_type(session, scope, event_type_id)
    changed = apply_changes(row, changes)
    if changed:
        rows.add(session, row)
        note(session, actor, scope, "event_type.update", row.id, name=row.name, changed=changed)
    return _loaded(session, row)


def delete_event_type(session: Session, actor: Actor, slug: str, event_type_id: str, *, branch: str | None = None) -> None:
    """Delete the event type with its fields, events and relations. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    row = fields.find_event_type(session, scope, event_type_id)
    note(session, actor, scope, "event_type.delete", row.id, name=row.name)
    rows.delete(session, row)


def _loaded(session: Session, row: EventType) -> EventTypeDetail:
    return _view(row, rows.fields_of(session, [row.id]).get(row.id, []))


def _view(row: EventType, definitions: list[FieldDefinition]) -> EventTypeDetail:
    return EventTypeDetail(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        display_name=row.display_name,
        description=row.description,
        color=row.color,
        order=row.order,
        created_at=row.created_at,
        updated_at=row.updated_at,
        field_definitions=[fields.view_of(field) for field in definitions],
    )
