"""Routes tagged variables (contract 2.6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.http import PROJECT, Branch, Caller, Db, Editor
from app.plan import service
from app.plan.shapes.usage import (
    VariableCreate,
    VariableListResponse,
    VariableResponse,
    VariableUpdate,
    VariableValueContextResponse,
)

router = APIRouter(tags=["variables"])

VARIABLES = PROJECT + "/variables"
VARIABLE = VARIABLES + "/{variable_id}"
DEFAULT_PAGE = 200


@router.get(VARIABLES, operation_id="list_variables", response_model=list[VariableResponse])
def list_variables(
    slug: str,
    session: Db,
    actor: Caller,
    branch: Branch,
    offset: Annotated[int | None, Query(ge=0, include_in_schema=False)] = None,
    limit: Annotated[int | None, Query(ge=1, le=5000, include_in_schema=False)] = None,
) -> list[VariableResponse] | Response:
    """Variables by name: a bare list; clients that send offset or limit get `{items, total}`."""
    if offset is None and limit is None:
        return [VariableResponse.model_validate(found) for found in service.list_variables(session, actor, slug, branch=branch)]
    page = service.page_of_variables(session, actor, slug, limit=limit or DEFAULT_PAGE, offset=offset or 0, branch=branch)
    answer = VariableListResponse(items=[VariableResponse.model_validate(found) for found in page.items], total=page.total)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post(VARIABLES, operation_id="create_variable", status_code=201)
def create_variable(slug: str, body: VariableCreate, session: Db, actor: Editor, branch: Branch) -> VariableResponse:
    """Make a variable."""
    created = service.create_variable(
        session, actor, slug, body.name, variable_type=body.variable_type, description=body.description, branch=branch
    )
    return VariableResponse.model_validate(created)


@router.get(VARIABLE + "/values", operation_id="list_variable_values")
def list_variable_values(
    slug: str, variable_id: UUID, session: Db, actor: Caller, branch: Branch
) -> list[VariableValueContextResponse]:
    """Where the variable was observed, with its values there."""
    found = service.list_variable_values(session, actor, slug, str(variable_id), branch=branch)
    return [VariableValueContextResponse.model_validate(context) for context in found]


@router.patch(VARIABLE, operation_id="update_variable")
def update_variable(
    slug: str, variable_id: UUID, body: VariableUpdate, session: Db, actor: Editor, branch: Branch
) -> VariableResponse:
    """Change what is given; a new name is also written into every value that uses the old one."""
    changed = service.update_variable(session, actor, slug, str(variable_id), body.changes(), branch=branch)
    return VariableResponse.model_validate(changed)


@router.delete(VARIABLE, operation_id="delete_variable", status_code=204)
def delete_variable(slug: str, variable_id: UUID, session: Db, actor: Editor, branch: Branch) -> None:
    """Delete the variable; values keep its token as text."""
    service.delete_variable(session, actor, slug, str(variable_id), branch=branch)
