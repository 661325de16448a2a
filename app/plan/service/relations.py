"""Relations: how event types join (contract 2.5)."""

from __future__ import annotations

from dataclasses import asdict

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.plan.branch_scope import BranchScope, readable_branch, writable_branch
from app.plan.drafts import RelationDraft
from app.plan.repository import definitions
from app.plan.repository import usage as rows
from app.plan.service.trail import note
from app.plan.views import RelationView
from models.plan_entities import Relation


def list_relations(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> list[RelationView]:
    """The branch's relations, oldest first. Errors: NotFound, BadRequest as `readable_branch`."""
    return [_view(row) for row in rows.relations(session, readable_branch(session, actor, slug, branch).branch_id)]


def create_relation(session: Session, actor: Actor, slug: str, draft: RelationDraft, *, branch: str | None = None) -> RelationView:
    """A relation. Editors and owners.

    Errors: InvalidInput when an event type is not on the branch or a field not of its event type; Conflict when the same two
    fields are joined already, because a relation is known by what it joins.
    """
    scope = writable_branch(session, actor, slug, branch)
    _check_side(session, scope, draft.source_event_type_id, draft.source_field_id, "source")
    _check_side(session, scope, draft.target_event_type_id, draft.target_field_id, "target")
    joined = (draft.source_field_id, draft.target_field_id)
    if any((row.source_field_id, row.target_field_id) == joined for row in rows.relations(session, scope.branch_id)):
        raise Conflict("These two fields are joined already")
    row = Relation(project_id=scope.project.id, branch_id=scope.branch_id, **asdict(draft))
    definitions.add(session, row)
    note(session, actor, scope, "relation.create", row.id, **asdict(draft))
    return _view(row)


def delete_relation(session: Session, actor: Actor, slug: str, relation_id: str, *, branch: str | None = None) -> None:
    """Delete the relation. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, branch)
    row = rows.relation_of_branch(session, scope.branch_id, relation_id)
    if row is None:
        raise NotFound("Relation not found")
    note(session, actor, scope, "relation.delete", row.id)
    definitions.delete(session, row)


def _check_side(session: Session, scope: BranchScope, event_type_id: str, field_id: str, side: str) -> None:
    if definitions.event_type_of_branch(session, scope.branch_id, event_type_id) is None:
        raise InvalidInput(f"The {side} event type is not on this branch", field=f"{side}_event_type_id")
    if definitions.field_of(session, event_type_id, field_id) is None:
        raise InvalidInput(f"The {side} field is not of the {side} event type", field=f"{side}_field_id")


def _view(row: Relation) -> RelationView:
    return RelationView(
        id=row.id,
        project_id=row.project_id,
        source_event_type_id=row.source_event_type_id,
        target_event_type_id=row.target_event_type_id,
        source_field_id=row.source_field_id,
        target_field_id=row.target_field_id,
        relation_type=row.relation_type,
        description=row.description,
    )
