"""How the audit log refuses, reads forms, and notes its own requests (contract D.1, D.7)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.audit import accounts, records
from app.audit.contracts import bucket_of
from app.audit.shapes import ActorInformation, Camel, EventInformation, RecordIn, SourceInformation
from app.http import client_address, headers_of
from app.ingest.process import Process
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import AppError, InvalidInput, TooManyRequests, Unauthorized, Unavailable
from app.kernel.settings import get_settings
from models.audit import AuditAccount

log = logging.getLogger("plumbline.audit")
Form = TypeVar("Form", bound=Camel)
_noting: set[asyncio.Task[None]] = set()


def application(router: APIRouter) -> FastAPI:
    """The routes with this surface's refusals; every request becomes a record in the administrator's bucket."""
    app = FastAPI(title="Plumbline audit log", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    handlers: dict[Any, Callable[..., Response]] = {
        AppError: _refused,
        RequestValidationError: _invalid,
        HTTPException: _absent,
        Exception: _failed,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    app.middleware("http")(_noted)
    return app


def _refused(_request: Request, error: AppError) -> Response:
    if isinstance(error, InvalidInput):
        fault = {"loc": ["query", error.field] if error.field else ["query"], "msg": error.message, "type": "value_error"}
        return JSONResponse({"detail": [fault]}, status_code=422)
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, TooManyRequests | Unavailable) else None
    return JSONResponse({"detail": {"msg": error.message}}, status_code=error.status, headers=headers)


def _invalid(_request: Request, error: RequestValidationError) -> Response:
    # The framework's own answer repeats the input, which may be a password.
    return JSONResponse(
        {"detail": [{"loc": item["loc"], "msg": item["msg"], "type": item["type"]} for item in error.errors()]}, status_code=422
    )


def _absent(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"detail": {"msg": str(error.detail)}}, status_code=error.status_code, headers=headers_of(request, error))


def _failed(request: Request, error: Exception) -> Response:
    log.error("request failed", exc_info=error, extra={"path": request.url.path})
    return JSONResponse({"detail": {"msg": "Internal server error"}}, status_code=500)


async def form_of(request: Request, model: type[Form]) -> Form:
    """The form of the request. RequestValidationError as the framework tells it."""
    async with request.form(max_files=0, max_fields=20) as form:
        values = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    return checked(model, values)


def checked(model: type[Form], values: Any, *where: str | int) -> Form:
    """The values as the model. RequestValidationError with the place of each fault."""
    try:
        return model.model_validate(values)
    except ValidationError as fault:
        found = [{**item, "loc": ("body", *where, *item["loc"])} for item in fault.errors(include_url=False, include_input=False)]
        raise RequestValidationError(found) from None


def bearer(request: Request) -> AuditAccount:
    """Who signed in. Unauthorized without a token, Forbidden for a bad one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Not authenticated")
    with session_scope(write=False) as session:
        return accounts.caller(session, token.strip(), SYSTEM_CLOCK.now())


async def _noted(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.perf_counter()
    response = await call_next(request)
    if Process.pipeline is not None:
        milliseconds = max(0.001, (time.perf_counter() - started) * 1000)
        task = asyncio.create_task(_note(request, response.status_code, milliseconds))
        _noting.add(task)
        task.add_done_callback(_noting.discard)
    return response


def _origin(request: Request) -> str:
    address = client_address(request)
    return f"{address}:{request.client.port}" if request.client else address


async def _note(request: Request, status: int, milliseconds: float) -> None:
    try:
        await run_in_threadpool(_keep_note, request, status, milliseconds)
    except Exception as error:  # noqa: BLE001 - the request was answered; its note must not make a second failure
        log.warning("a request could not be noted", extra={"reason": type(error).__name__})


def _keep_note(request: Request, status: int, milliseconds: float) -> None:
    now = SYSTEM_CLOCK.now()
    with session_scope(write=False) as session:
        admin = accounts.find_admin(session)
    if admin is None:
        with session_scope() as session:
            admin = accounts.ensure_admin(session, now)
    admin_id = admin.id
    record = RecordIn(
        category="http_events",
        source_information=SourceInformation(application="spectratrace_api", environment=get_settings().runtime.environment.value),
        method=request.method,
        status="success" if status < 400 else "error",
        level="info" if status < 500 else "error",
        # Without the query: it may hold the key of a link.
        event=EventInformation(
            name=request.url.path[:1000] or "/", type="http_request", total_duration=milliseconds, latency=milliseconds * 2 / 3
        ),
        actor=ActorInformation(origin=_origin(request), detail={"userAgent": request.headers.get("user-agent", "")[:500]}),
    )
    records.append(bucket_of(admin_id), [record], now)
