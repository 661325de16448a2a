"""Routes of erasures. Owners only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.erasure import service
from app.erasure.contracts import ErasureStatus
from app.http import PROJECT, Caller, Db
from app.kernel.clock import SYSTEM_CLOCK

router = APIRouter(tags=["erasures"])

ERASURES = PROJECT + "/erasures"


class ErasureRequest(BaseModel):
    """Whose records are to go: the id as records carry it."""

    user_id: str = Field(min_length=1, max_length=service.LONGEST_ID)


class ErasureResponse(BaseModel):
    """One erasure. The user id is nowhere in it; `removed` is by kind of data."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: ErasureStatus
    user_hash: str
    requested_by: str
    requested_at: datetime
    phase: str
    progress_percent: int
    removed: dict[str, int]
    error_message: str | None
    completed_at: datetime | None
    has_certificate: bool


class ErasureListResponse(BaseModel):
    """Erasures, newest first."""

    items: list[ErasureResponse]
    total: int


@router.post(ERASURES, operation_id="request_erasure", status_code=202)
def request_erasure(slug: str, body: ErasureRequest, session: Db, actor: Caller) -> ErasureResponse:
    """Have everything removed that was received up to now about a person. Owners."""
    return ErasureResponse.model_validate(service.request_erasure(session, actor, slug, body.user_id, SYSTEM_CLOCK.now()))


@router.get(ERASURES, operation_id="list_erasures")
def list_erasures(
    slug: str,
    session: Db,
    actor: Caller,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> ErasureListResponse:
    """Erasures of the project, newest first. Owners."""
    found, total = service.list_erasures(session, actor, slug, limit=limit, offset=offset)
    return ErasureListResponse(items=[ErasureResponse.model_validate(one) for one in found], total=total)


@router.get(ERASURES + "/{erasure_id}", operation_id="get_erasure")
def get_erasure(slug: str, erasure_id: str, session: Db, actor: Caller) -> ErasureResponse:
    """How far one is. Owners."""
    return ErasureResponse.model_validate(service.get_erasure(session, actor, slug, erasure_id))


@router.get(
    ERASURES + "/{erasure_id}/certificate",
    operation_id="get_erasure_certificate",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}},
)
def get_erasure_certificate(slug: str, erasure_id: str, session: Db, actor: Caller) -> Response:
    """The signed certificate as a file; `plumbline erase verify` checks it. Owners."""
    text = service.certificate_of(session, actor, slug, erasure_id)
    headers = {"Content-Disposition": f"attachment; filename=erasure-{erasure_id}.json", "Cache-Control": "no-store"}
    return Response(text, media_type="application/json", headers=headers)
