"""Routes tagged fields (contract 2.5)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import Branch, Caller, Db, Editor
from app.plan import service
from app.plan.api.event_types import EVENT_TYPE
from app.plan.shapes.definitions import (
    FieldDefinitionBulkCreate,
    FieldDefinitionCreate,
    FieldDefinitionResponse,
    FieldDefinitionUpdate,
    FieldReorder,
)

router = APIRouter(tags=["fields"])

FIELDS = EVENT_TYPE + "/fields"


@router.get(FIELDS, operation_id="list_fields")
def list_fields(slug: str, event_type_id: UUID, session: Db, actor: Caller, branch: Branch) -> list[FieldDefinitionResponse]:
    """Fields in their order."""
    found = service.list_fields(session, actor, slug, str(event_type_id), branch=branch)
    return [FieldDefinitionResponse.model_validate(field) for field in found]


@router.post(FIELDS, operation_id="create_field", status_code=201)
def create_field(
    slug: str, event_type_id: UUID, body: FieldDefinitionCreate, session: Db, actor: Editor, branch: Branch
) -> FieldDefinitionResponse:
    """Make a field."""
    field = service.create_field(session, actor, slug, str(event_type_id), body.draft(), branch=branch)
    return FieldDefinitionResponse.model_validate(field)


@router.post(FIELDS + "/bulk", operation_id="bulk_create_fields", status_code=201)
def bulk_create_fields(
    slug: str, event_type_id: UUID, body: FieldDefinitionBulkCreate, session: Db, actor: Editor, branch: Branch
) -> list[FieldDefinitionResponse]:
    """Append the fields that are not there yet; the answer holds all fields."""
    drafts = [field.draft() for field in body.fields]
    fields = service.bulk_create_fields(session, actor, slug, str(event_type_id), drafts, branch=branch)
    return [FieldDefinitionResponse.model_validate(field) for field in fields]


@router.patch(FIELDS + "/reorder", operation_id="reorder_fields")
def reorder_fields(
    slug: str, event_type_id: UUID, body: FieldReorder, session: Db, actor: Editor, branch: Branch
) -> list[FieldDefinitionResponse]:
    """Put the named fields first, in this order; unknown ids are ignored."""
    ids = [str(field_id) for field_id in body.field_ids]
    fields = service.reorder_fields(session, actor, slug, str(event_type_id), ids, branch=branch)
    return [FieldDefinitionResponse.model_validate(field) for field in fields]


@router.patch(FIELDS + "/{field_id}", operation_id="update_field")
def update_field(
    slug: str, event_type_id: UUID, field_id: UUID, body: FieldDefinitionUpdate, session: Db, actor: Editor, branch: Branch
) -> FieldDefinitionResponse:
    """Change what is given; the name stays."""
    field = service.update_field(session, actor, slug, str(event_type_id), str(field_id), body.changes(), branch=branch)
    return FieldDefinitionResponse.model_validate(field)


@router.delete(FIELDS + "/{field_id}", operation_id="delete_field", status_code=204)
def delete_field(slug: str, event_type_id: UUID, field_id: UUID, session: Db, actor: Editor, branch: Branch) -> None:
    """Delete the field with its values."""
    service.delete_field(session, actor, slug, str(event_type_id), str(field_id), branch=branch)
