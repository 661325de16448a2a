"""Routes tagged relations (contract 2.5)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import PROJECT, Branch, Caller, Db, Editor
from app.plan import service
from app.plan.shapes.usage import RelationCreate, RelationResponse

router = APIRouter(tags=["relations"])

RELATIONS = PROJECT + "/relations"


@router.get(RELATIONS, operation_id="list_relations")
def list_relations(slug: str, session: Db, actor: Caller, branch: Branch) -> list[RelationResponse]:
    """Relations, oldest first."""
    return [RelationResponse.model_validate(found) for found in service.list_relations(session, actor, slug, branch=branch)]


@router.post(RELATIONS, operation_id="create_relation", status_code=201)
def create_relation(slug: str, body: RelationCreate, session: Db, actor: Editor, branch: Branch) -> RelationResponse:
    """Join two event types through a field on each side."""
    return RelationResponse.model_validate(service.create_relation(session, actor, slug, body.draft(), branch=branch))


@router.delete(RELATIONS + "/{relation_id}", operation_id="delete_relation", status_code=204)
def delete_relation(slug: str, relation_id: UUID, session: Db, actor: Editor, branch: Branch) -> None:
    """Delete the relation."""
    service.delete_relation(session, actor, slug, str(relation_id), branch=branch)
