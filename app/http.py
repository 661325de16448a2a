"""What every area's routes share: the sub-application with its error dialect, the transaction and the caller.

Routes and pages stand at the same height; this module is to routes what `app/ui.py` is to pages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import AppError, InvalidInput, TooManyRequests, Unavailable
from app.kernel.settings import get_settings

SESSION_COOKIE = "plumbline_session"
PROJECT = "/api/v1/projects/{slug}"
"""Where the routes of a project begin."""
OPEN_WHILE_ENROLLING = frozenset(
    {"/api/v1/auth/me", "/api/v1/auth/logout", "/api/v1/me/second-factor", "/api/v1/me/second-factor/confirm"}
)
"""Routes that people reach who have to set up a second factor first."""
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

log = logging.getLogger("plumbline.http")


def area_app(title: str, *routers: APIRouter) -> FastAPI:
    """One FastAPI application for one area, with the tracking-plan API's error dialect (contract section 0)."""
    app = FastAPI(title=title, version="0.1.0", openapi_url=None, docs_url=None, redoc_url=None)
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(AppError, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(405, _not_allowed)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _failed)
    return app


def _refused(_request: Request, error: AppError) -> JSONResponse:
    headers = {}
    if isinstance(error, TooManyRequests | Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    detail: object = error.detail if error.detail is not None else error.message
    if isinstance(error, InvalidInput):
        location = ["body", error.field] if error.field else ["body"]
        detail = [{"loc": location, "msg": error.message, "type": "value_error"}]
    return JSONResponse({"detail": detail}, status_code=error.status, headers=headers)


def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    # FastAPI's own answer repeats the input, which may be a password.
    detail = [{"loc": item["loc"], "msg": item["msg"], "type": item["type"]} for item in error.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


def _not_allowed(request: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"detail": error.detail}, status_code=405, headers=headers_of(request, error))


def _failed(request: Request, error: Exception) -> JSONResponse:
    request_id = request.scope.get("state", {}).get("request_id", "")
    log.error("request failed", exc_info=error, extra={"request_id": request_id, "path": request.url.path})
    return JSONResponse({"detail": "Internal server error", "request_id": request_id}, status_code=500)


def _transaction(request: Request) -> Iterator[Session]:
    with session_scope(write=request.method not in READING_METHODS) as session:
        yield session


Db = Annotated[Session, Depends(_transaction, scope="function")]
"""The request's transaction: committed after the route returned and before the answer is sent."""


def client_address(request: Request) -> str:
    """The client's address; X-Forwarded-For counts only when the peer is a trusted proxy, or all are."""
    peer = request.client.host if request.client else "unknown"
    security = get_settings().security
    trusted = {entry.strip() for entry in security.trusted_proxies.split(",") if entry.strip()}
    forwarded = request.headers.get("x-forwarded-for", "")
    if forwarded and (security.rate_limit_trust_forwarded_for or peer in trusted):
        return forwarded.split(",")[-1].strip() or peer
    return peer


def user_agent(request: Request) -> str:
    """What the client calls itself; empty when it does not."""
    return request.headers.get("user-agent", "")


def _caller(request: Request, session: Db) -> Actor:
    """The signed-in caller: a Bearer key when one is sent (never falling back to the cookie), else the session cookie."""
    return identity.resolve_caller(
        session,
        authorization=request.headers.get("authorization"),
        cookie=request.cookies.get(SESSION_COOKIE),
        project_slug=request.path_params.get("slug"),
        now=SYSTEM_CLOCK.now(),
        may_enrol=request.url.path in OPEN_WHILE_ENROLLING,
    )


def headers_of(request: Request, error: HTTPException) -> dict[str, str]:
    """The headers of the framework's own refusal; `Allow` names what any route of the path answers, not only the first one."""
    headers = dict(error.headers or {})
    if error.status_code == 405:
        matching = [route for route in _routes_in(request.app.routes) if route.matches(request.scope)[0] is not Match.NONE]
        headers["Allow"] = ", ".join(sorted({method for route in matching for method in route.methods or ()}))
    return headers


def _routes_in(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, Route):
            yield route
        else:  # a router that was included keeps its routes to itself
            yield from _routes_in(getattr(getattr(route, "original_router", None), "routes", ()))


def note_use(
    actor: Actor,
    action: str,
    target_type: str,
    target_id: str,
    project_slug: str | None = None,
    payload: dict[str, object] | None = None,
) -> None:
    """Note an export or a look at the audit log in the audit trail: a write of its own, beside the transaction that reads."""
    with session_scope() as session:
        identity.record_audit(session, actor, action, target_type, target_id, project_slug=project_slug, payload=payload)


def reading_caller(request: Request) -> Actor:
    """The caller, resolved in a transaction that has ended: for routes that wait for something else before they write."""
    with session_scope(write=False) as session:
        return _caller(request, session)


Caller = Annotated[Actor, Depends(_caller)]
"""The resolved caller of a route; Unauthorized when nobody is signed in, Forbidden for a key bound to another project and
for somebody who has to set up a second factor first."""

WaitingCaller = Annotated[Actor, Depends(reading_caller)]
"""The caller of a route that waits for something else (a model, a hash, a mail server) and opens its own transactions."""


def _editor(actor: Caller) -> Actor:
    actor.require_editor()
    return actor


def _owner(actor: Caller) -> Actor:
    actor.require_owner()
    return actor


def _waiting_editor(actor: WaitingCaller) -> Actor:
    actor.require_editor()
    return actor


def _waiting_owner(actor: WaitingCaller) -> Actor:
    actor.require_owner()
    return actor


Editor = Annotated[Actor, Depends(_editor)]
"""An editor or owner, asked for before the body is looked at; Forbidden for viewers and read keys, whatever they sent."""
Owner = Annotated[Actor, Depends(_owner)]
"""An owner in a browser session, asked for before the body is looked at."""
WaitingEditor = Annotated[Actor, Depends(_waiting_editor)]
"""As Editor, for a route that opens its own transactions."""
WaitingOwner = Annotated[Actor, Depends(_waiting_owner)]
"""As Owner, for a route that opens its own transactions."""


def _branch(request: Request) -> str | None:
    """The query parameter `branch`, which the published description leaves out (contract 11.1)."""
    return request.query_params.get("branch") or None


Branch = Annotated[str | None, Depends(_branch)]
"""The branch of the plan that a route works on; None for main."""
