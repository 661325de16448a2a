"""What the routes of the event API share beside ingest: its refusals (contract A.7) and who calls (A.1)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlmodel import Session
from starlette.exceptions import HTTPException

from app.http import headers_of
from app.identity import service as identity
from app.identity.contracts import Actor, IngestPrincipal
from app.ingest import service as ingest
from app.ingest.answers import refusal
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, BadRequest, Forbidden, NotFound, Unauthorized
from app.kernel.ids import new_id

log = logging.getLogger("plumbline.event_api")


def application(router: APIRouter) -> FastAPI:
    """The routes with the event API's refusals."""
    app = FastAPI(title="Plumbline event API", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)

    def refused(request: Request, error: AppError) -> Response:
        status, body, headers = refusal(error, _request_id(request))
        return Response(body, status, {name.decode(): value.decode() for name, value in headers}, "application/json")

    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return refused(request, BadRequest(f"{where}: {first['msg']}" if where else first["msg"]))

    def absent(request: Request, error: HTTPException) -> Response:
        faults = {404: NotFound("not found"), 405: _NotAllowed("method not allowed")}
        answer = refused(request, faults.get(error.status_code, BadRequest(str(error.detail))))
        answer.headers.update(headers_of(request, error))
        return answer

    def failed(request: Request, error: Exception) -> Response:
        log.error("request failed", exc_info=error, extra={"request_id": _request_id(request), "path": request.url.path})
        return refused(request, _Internal("Internal server error"))

    handlers: dict[Any, Callable[..., Response]] = {
        AppError: refused, RequestValidationError: invalid, HTTPException: absent, Exception: failed
    }  # fmt: skip
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    return app


class _NotAllowed(AppError):
    status = 405
    code = "method_not_allowed"


class _Internal(AppError):
    status = 500
    code = "internal"


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id") or new_id())


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    return token or request.headers.get("x-api-key", "").strip()


def event_api_caller(session: Session, request: Request) -> Actor | IngestPrincipal:
    """An owner by API key, or a tenant by its ingest key, whose minute has one request less then.

    Unauthorized, Forbidden for the header or the parameter of another tenant, TooManyRequests.
    """
    token = _token(request)
    if not token:
        raise Unauthorized("missing or malformed credentials")
    principal = identity.ingest_principal_for(session, token)
    if principal is None:
        now = SYSTEM_CLOCK.now()
        return identity.resolve_caller(session, authorization=f"Bearer {token}", cookie=None, project_slug=None, now=now)
    wanted = request.headers.get("x-tenant-id", "").strip() or request.query_params.get("tenant", "").strip()
    if wanted and wanted != principal.tenant_id:
        raise Forbidden("the tenant that is asked for is not the key's")
    if principal.expires_at is not None and SYSTEM_CLOCK.now() >= principal.expires_at:
        raise Unauthorized("unknown or expired key")
    if principal.tenant_status == "suspended":
        raise Forbidden("the tenant is suspended")
    ingest.take_request(principal)
    return principal


def is_still_let_in(session: Session, request: Request) -> bool:
    """Whether the ingest key of a long answer is still good; no request is counted."""
    principal = identity.ingest_principal_for(session, _token(request))
    if principal is None or principal.tenant_status == "suspended":
        return False
    return principal.expires_at is None or SYSTEM_CLOCK.now() < principal.expires_at
