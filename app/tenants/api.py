"""Routes of the event API's tenants (contract A.4)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from app.event_api import application, event_api_caller
from app.identity.contracts import Actor
from app.ingest import service as ingest
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest
from app.tenants import service
from app.tenants.service import TenantDraft, TenantView

__all__ = ["application", "router"]

router = APIRouter(tags=["tenants"])

TENANTS = "/v1/tenants"
LARGEST_PAGE = 1000
LARGEST_OFFSET = 10_000_000


class TenantBody(BaseModel):
    """A tenant to make; what is missing is told in words of the API."""

    name: str = Field("", max_length=1000)
    domain: str = Field("", max_length=1000)
    plan: str = Field("trial", max_length=100)
    industry: str | None = Field(None, max_length=128)
    company_size: str | None = Field(None, max_length=64)


class TenantChange(BaseModel):
    """What to change; null and missing stay."""

    name: str | None = Field(None, max_length=1000)
    domain: str | None = Field(None, max_length=1000)
    plan: str | None = Field(None, max_length=100)
    status: str | None = Field(None, max_length=32)
    industry: str | None = Field(None, max_length=128)
    company_size: str | None = Field(None, max_length=64)


def _administrator(request: Request) -> Actor:
    with session_scope(write=False) as session:
        return service.administrator(session, event_api_caller(session, request))


Administrator = Annotated[Actor, Depends(_administrator)]
"""Resolved before the body is looked at."""


@router.post(TENANTS, operation_id="create_tenant", status_code=201)
def create_tenant(actor: Administrator, body: TenantBody) -> JSONResponse:
    """Make a tenant; the answer alone holds the key that sends to its project."""
    with session_scope() as session:
        made = service.create_tenant(session, actor, TenantDraft(**body.model_dump()), SYSTEM_CLOCK.now())
    return JSONResponse(_out(made), 201)


@router.get(TENANTS, operation_id="list_tenants")
def list_tenants(actor: Administrator, limit: int = 20, offset: int = 0) -> JSONResponse:
    """Tenants, newest first."""
    if not (1 <= limit <= LARGEST_PAGE and 0 <= offset <= LARGEST_OFFSET):
        raise BadRequest(f"limit is from 1 to {LARGEST_PAGE}, offset from 0 to {LARGEST_OFFSET}")
    with session_scope(write=False) as session:
        found, total = service.list_tenants(session, actor, limit, offset, SYSTEM_CLOCK.now())
    page = {"total": total, "limit": limit, "offset": offset, "has_more": offset + limit < total}
    return JSONResponse({"tenants": [_out(one) for one in found], "pagination": page})


@router.get(TENANTS + "/{tenant_id}", operation_id="get_tenant")
def get_tenant(request: Request, tenant_id: str) -> JSONResponse:
    """One tenant with quotas and usage."""
    return JSONResponse(_out(_one(request, tenant_id)))


@router.put(TENANTS + "/{tenant_id}", operation_id="update_tenant")
def update_tenant(actor: Administrator, tenant_id: str, body: TenantChange) -> JSONResponse:
    """Change a tenant."""
    with session_scope() as session:
        changed = service.update_tenant(session, actor, tenant_id, body.model_dump(), SYSTEM_CLOCK.now())
    ingest.expire_keys()
    return JSONResponse(_out(changed))


@router.delete(TENANTS + "/{tenant_id}", operation_id="delete_tenant", status_code=204)
def delete_tenant(actor: Administrator, tenant_id: str) -> Response:
    """Remove a tenant without projects."""
    with session_scope() as session:
        service.delete_tenant(session, actor, tenant_id)
    return Response(status_code=204)


@router.get(TENANTS + "/{tenant_id}/usage", operation_id="get_tenant_usage")
def get_usage(request: Request, tenant_id: str) -> JSONResponse:
    """What the tenant used today."""
    view = _one(request, tenant_id)
    return JSONResponse({"tenant_id": view.id, **_out(view)["usage"]})


@router.get(TENANTS + "/{tenant_id}/quota/{resource}", operation_id="get_tenant_quota")
def get_quota(request: Request, tenant_id: str, resource: str) -> JSONResponse:
    """Whether a quota is used up."""
    return JSONResponse({"exceeded": service.is_exceeded(_one(request, tenant_id), resource)})


def _one(request: Request, tenant_id: str) -> TenantView:
    with session_scope(write=False) as session:
        return service.get_tenant(session, event_api_caller(session, request), tenant_id, SYSTEM_CLOCK.now())


def _out(view: TenantView) -> dict[str, Any]:
    found = asdict(view)
    found["usage"]["last_reset"] = view.usage.last_reset.isoformat().replace("+00:00", "Z")
    for name in ("created_at", "updated_at"):
        found[name] = getattr(view, name).isoformat().replace("+00:00", "Z")
    found["projects"] = list(view.projects)
    if view.api_key is None:
        del found["api_key"]
    return found
