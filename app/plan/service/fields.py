"""Fields of event types with their data contracts (contract 2.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, NotFound
from app.plan import repository
from app.plan.branch_scope import BranchScope, readable_branch, writable_branch
from app.plan.drafts import FieldChanges, FieldDraft
from app.plan.repository import definitions as rows
from app.plan.rules import check_field, checked_name
from app.plan.service.changes import apply_changes
from app.plan.service.plan_rules import check_field_names
from app.plan.service.trail import note, note_many
from app.plan.views import FieldView
from app.plan.vocabulary import FieldType, Sensitivity
from models.plan import EventType
from models.plan_entities import FieldDefinition

_MAY_BE_EMPTY = frozenset(
    {"enum_options", "contract_required_max_null_rate", "contract_regex", "contract_min_value", "contract_max_value"}
)


def list_fields(session: Session, actor: Actor, slug: str, event_type_id: str, *, branch: str | None = None) -> list[FieldView]:
    """The event type's fields in their order. Errors: NotFound, BadRequest as `readable_branch`."""
    event_type = find_event_type(session, readable_branch(session, actor, slug, branch), event_type_id)
    return [view_of(field) for field in _fields(session, event_type)]


def sensitive_names(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> frozenset[str]:
    """Names, case-folded, that some field on main or on the branch labels with a sensitivity. Errors: as `readable_branch`."""
    branches = {readable_branch(session, actor, slug, one).branch_id for one in (None, branch)}
    types = [row.id for one in branches for row in repository.event_types_by_name(session, one).values()]
    fields = rows.fields_of(session, types).values()
    return frozenset(field.name.casefold() for some in fields for field in some if field.sensitivity != Sensitivity.NONE)


def create_field(
    session: Session, actor: Actor, slug: str, event_type_id: str, draft: FieldDraft, *, branch: str | None = None
) -> FieldView:
    """A field. Editors and owners. Errors: NotFound, InvalidInput for parts that do not fit, Conflict for a taken name."""
    scope = writable_branch(session, actor, slug, branch)
    event_type = find_event_type(session, scope, event_type_id)
    if any(field.name == draft.name for field in _fields(session, event_type)):
        raise Conflict(f"The event type has a field named {draft.name}")
    check_field_names(session, scope.project.id, [draft.name])
    field = field_row(event_type.id, draft)
    rows.add(session, field)
    note(session, actor, scope, "field.create", field.id, name=field.name, event_type_id=event_type.id)
    return view_of(field)


def bulk_create_fields(
    session: Session, actor: Actor, slug: str, event_type_id: str, drafts: Sequence[FieldDraft], *, branch: str | None = None
) -> list[FieldView]:
    """Append the fields whose names are not there yet and return all fields; doing it again changes nothing.

    Editors and owners. Errors: NotFound, InvalidInput.
    """
    scope = writable_branch(session, actor, slug, branch)
    event_type = find_event_type(session, scope, event_type_id)
    present = _fields(session, event_type)
    names = {field.name for field in present}
    check_field_names(session, scope.project.id, (draft.name for draft in drafts if draft.name not in names))
    next_order = max((field.order for field in present), default=-1) + 1
    added: list[FieldDefinition] = []
    for draft in drafts:
        if draft.name not in names:
            names.add(draft.name)
            added.append(field_row(event_type.id, replace(draft, order=next_order + len(added))))
    rows.add(session, *added)
    if added:
        note_many(session, actor, scope, "field.bulk_create", [field.id for field in added], event_type_id=event_type.id)
    return [view_of(field) for field in _fields(session, event_type)]


def reorder_fields(
    session: Session, actor: Actor, slug: str, event_type_id: str, field_ids: Sequence[str], *, branch: str | None = None
) -> list[FieldView]:
    """Put the named fields first, in this order, and return all; unknown ids are ignored. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    event_type = find_event_type(session, scope, event_type_id)
    present = {field.id: field for field in _fields(session, event_type)}
    named = [field_id for field_id in dict.fromkeys(field_ids) if field_id in present]
    complete = [*named, *(field_id for field_id in present if field_id not in set(named))]
    for place, field_id in enumerate(complete):
        present[field_id].order = place
    session.flush()
    note_many(session, actor, scope, "field.reorder", named, event_type_id=event_type.id)
    return [view_of(present[field_id]) for field_id in complete]


def update_field(
    session: Session,
    actor: Actor,
    slug: str,
    event_type_id: str,
    field_id: str,
    changes: FieldChanges,
    *,
    branch: str | None = None,
) -> FieldView:
    """Change the attributes that `changes` holds. Editors and owners. Errors: NotFound, InvalidInput."""
    scope = writable_branch(session, actor, slug, branch)
    field = _find(session, scope, event_type_id, field_id)
    changed = apply_changes(field, changes, may_be_empty=_MAY_BE_EMPTY)
    check_field(field)
    if changed:
        rows.add(session, field)
        note(session, actor, scope, "field.update", field.id, name=field.name, changed=changed)
    return view_of(field)


def delete_field(
    session: Session, actor: Actor, slug: str, event_type_id: str, field_id: str, *, branch: str | None = None
) -> None:
    """Delete the field with its values and the relations through it. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    field = _find(session, scope, event_type_id, field_id)
    note(session, actor, scope, "field.delete", field.id, name=field.name, event_type_id=event_type_id)
    rows.delete(session, field)


def find_event_type(session: Session, scope: BranchScope, event_type_id: str) -> EventType:
    """The branch's event type. Errors: NotFound."""
    event_type = rows.event_type_of_branch(session, scope.branch_id, event_type_id)
    if event_type is None:
        raise NotFound("Event type not found")
    return event_type


def field_row(event_type_id: str, draft: FieldDraft) -> FieldDefinition:
    """The row that the draft becomes. InvalidInput when its parts do not fit each other."""
    checked_name(draft.name)
    options = None if draft.enum_options is None else list(draft.enum_options)
    now = SYSTEM_CLOCK.now()
    values = {**asdict(draft), "enum_options": options, "created_at": now, "updated_at": now}
    field = FieldDefinition(event_type_id=event_type_id, **values)
    check_field(field)
    return field


def view_of(field: FieldDefinition) -> FieldView:
    """The row as others see it."""
    return FieldView(
        id=field.id,
        event_type_id=field.event_type_id,
        name=field.name,
        display_name=field.display_name,
        field_type=FieldType(field.field_type),
        is_required=field.is_required,
        enum_options=field.enum_options,
        description=field.description,
        order=field.order,
        sensitivity=Sensitivity(field.sensitivity),
        contract_required_max_null_rate=field.contract_required_max_null_rate,
        contract_regex=field.contract_regex,
        contract_min_value=field.contract_min_value,
        contract_max_value=field.contract_max_value,
        contract_max_bad_rate=field.contract_max_bad_rate,
    )


def _fields(session: Session, event_type: EventType) -> list[FieldDefinition]:
    return rows.fields_of(session, [event_type.id]).get(event_type.id, [])


def _find(session: Session, scope: BranchScope, event_type_id: str, field_id: str) -> FieldDefinition:
    event_type = find_event_type(session, scope, event_type_id)
    field = rows.field_of(session, event_type.id, field_id)
    if field is None:
        raise NotFound("Field not found")
    return field
