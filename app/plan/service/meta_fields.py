"""Meta fields: what a project notes about its events (contract 2.5)."""

from __future__ import annotations

from dataclasses import asdict

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import Conflict, NotFound
from app.plan.branch_scope import BranchScope, readable_branch, writable_branch
from app.plan.drafts import MetaFieldChanges, MetaFieldDraft
from app.plan.repository import definitions as rows
from app.plan.rules import check_options, checked_link_template, checked_name
from app.plan.service.changes import apply_changes
from app.plan.service.trail import note
from app.plan.views import MetaFieldView
from app.plan.vocabulary import MetaFieldType, Sensitivity
from models.plan_entities import MetaField

_MAY_BE_EMPTY = frozenset({"enum_options", "default_value", "link_template"})


def list_meta_fields(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> list[MetaFieldView]:
    """The branch's meta fields in their order, at most 1000. Errors: NotFound, BadRequest as `readable_branch`."""
    return [_view(row) for row in rows.meta_fields(session, readable_branch(session, actor, slug, branch).branch_id)]


def create_meta_field(
    session: Session, actor: Actor, slug: str, draft: MetaFieldDraft, *, branch: str | None = None
) -> MetaFieldView:
    """A meta field. Editors and owners. Errors: Conflict for a name taken on the branch, InvalidInput."""
    scope = writable_branch(session, actor, slug, branch)
    checked_name(draft.name)
    if any(row.name == draft.name for row in rows.meta_fields(session, scope.branch_id)):
        raise Conflict(f"A meta field named {draft.name} exists")
    values = asdict(draft)
    values["enum_options"] = None if draft.enum_options is None else list(draft.enum_options)
    values["link_template"] = checked_link_template(draft.link_template)
    check_options(draft.field_type, draft.enum_options)
    row = MetaField(project_id=scope.project.id, branch_id=scope.branch_id, **values)
    rows.add(session, row)
    note(session, actor, scope, "meta_field.create", row.id, name=row.name)
    return _view(row)


def update_meta_field(
    session: Session, actor: Actor, slug: str, meta_field_id: str, changes: MetaFieldChanges, *, branch: str | None = None
) -> MetaFieldView:
    """Change the attributes that `changes` holds; the name stays. Editors and owners. Errors: NotFound, InvalidInput."""
    scope = writable_branch(session, actor, slug, branch)
    row = _find(session, scope, meta_field_id)
    if "link_template" in changes:
        changes = {**changes, "link_template": checked_link_template(changes["link_template"])}
    changed = apply_changes(row, changes, may_be_empty=_MAY_BE_EMPTY)
    check_options(row.field_type, row.enum_options)
    if changed:
        rows.add(session, row)
        note(session, actor, scope, "meta_field.update", row.id, name=row.name, changed=changed)
    return _view(row)


def delete_meta_field(session: Session, actor: Actor, slug: str, meta_field_id: str, *, branch: str | None = None) -> None:
    """Delete the meta field with its values. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    row = _find(session, scope, meta_field_id)
    note(session, actor, scope, "meta_field.delete", row.id, name=row.name)
    rows.delete(session, row)


def _find(session: Session, scope: BranchScope, meta_field_id: str) -> MetaField:
    row = rows.meta_field_of_branch(session, scope.branch_id, meta_field_id)
    if row is None:
        raise NotFound("Meta field not found")
    return row


def _view(row: MetaField) -> MetaFieldView:
    return MetaFieldView(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        display_name=row.display_name,
        field_type=MetaFieldType(row.field_type),
        is_required=row.is_required,
        enum_options=row.enum_options,
        default_value=row.default_value,
        link_template=row.link_template,
        order=row.order,
        sensitivity=Sensitivity(row.sensitivity),
    )
