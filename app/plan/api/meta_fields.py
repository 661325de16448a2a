"""Routes tagged meta-fields (contract 2.5)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import PROJECT, Branch, Caller, Db, Editor
from app.plan import service
from app.plan.shapes.definitions import MetaFieldCreate, MetaFieldResponse, MetaFieldUpdate

router = APIRouter(tags=["meta-fields"])

META_FIELDS = PROJECT + "/meta-fields"
META_FIELD = META_FIELDS + "/{meta_field_id}"


@router.get(META_FIELDS, operation_id="list_meta_fields")
def list_meta_fields(slug: str, session: Db, actor: Caller, branch: Branch) -> list[MetaFieldResponse]:
    """Meta fields in their order."""
    return [MetaFieldResponse.model_validate(found) for found in service.list_meta_fields(session, actor, slug, branch=branch)]


@router.post(META_FIELDS, operation_id="create_meta_field", status_code=201)
def create_meta_field(slug: str, body: MetaFieldCreate, session: Db, actor: Editor, branch: Branch) -> MetaFieldResponse:
    """Make a meta field."""
    return MetaFieldResponse.model_validate(service.create_meta_field(session, actor, slug, body.draft(), branch=branch))


@router.patch(META_FIELD, operation_id="update_meta_field")
def update_meta_field(
    slug: str, meta_field_id: UUID, body: MetaFieldUpdate, session: Db, actor: Editor, branch: Branch
) -> MetaFieldResponse:
    """Change what is given; the name stays."""
    changed = service.update_meta_field(session, actor, slug, str(meta_field_id), body.changes(), branch=branch)
    return MetaFieldResponse.model_validate(changed)


@router.delete(META_FIELD, operation_id="delete_meta_field", status_code=204)
def delete_meta_field(slug: str, meta_field_id: UUID, session: Db, actor: Editor, branch: Branch) -> None:
    """Delete the meta field with its values."""
    service.delete_meta_field(session, actor, slug, str(meta_field_id), branch=branch)
