"""Who calls the log API, how often, and how it refuses (contract B.1, B.2, B.5)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlmodel import Session
from starlette.exceptions import HTTPException

from app.http import headers_of
from app.identity import service as identity
from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.kernel.errors import AppError, Forbidden, TooManyRequests, Unavailable

DOCUMENTATION: Final = "/api/docs"
REQUESTS_PER_SECOND: Final = 100
APPENDING: Final = frozenset({IngestScope.APPEND, IngestScope.WRITE, IngestScope.ADMIN})
READING: Final = frozenset({IngestScope.READ, IngestScope.WRITE, IngestScope.ADMIN})
ADMINISTERING: Final = frozenset({IngestScope.ADMIN})
_LONGEST_TOKEN: Final = 512
_MOST_KEYS: Final = 10_000

log = logging.getLogger("plumbline.logs")


class TooFast(TooManyRequests):
    """More requests per second than a key may send; `reset_seconds` until the next one fits."""


def token_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The token of the header, else of the query. Forbidden when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    token = token or query.get("token", "").strip()
    if not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise Forbidden("missing or malformed token")
    return token


def principal_for(session: Session, token: str, scopes: frozenset[IngestScope], now: datetime) -> IngestPrincipal:
    """Who the token stands for. Forbidden when it is unknown, expired, of another surface, or may not do this."""
    principal = identity.ingest_principal_for(session, token, now)
    if principal is None or (principal.expires_at is not None and now >= principal.expires_at):
        raise Forbidden("invalid token")
    if principal.kind is not IngestKind.LOGS:
        raise Forbidden("the token is not for the log API")
    if principal.tenant_status == "suspended":
        raise Forbidden("the tenant is suspended")
    if principal.scope not in scopes:
        raise Forbidden(f"a token of scope {principal.scope} may not do this")
    return principal


class SecondRate:
    """Token buckets by key: a second's worth at most, refilled evenly."""

    def __init__(self, per_second: int = REQUESTS_PER_SECOND, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str) -> int:
        """One request; how many fit at once after it. TooFast when none is left."""
        now = self._monotonic()
        tokens, filled_at = self._buckets.pop(key_id, (float(self._per_second), now))
        tokens = min(float(self._per_second), tokens + (now - filled_at) * self._per_second)
        is_over = tokens < 1
        self._buckets[key_id] = (tokens if is_over else tokens - 1, now)
        if len(self._buckets) > _MOST_KEYS:
            del self._buckets[next(iter(self._buckets))]
        if is_over:
            raise TooFast(f"more than {self._per_second} requests per second", retry_after_seconds=1)
        return int(tokens - 1)


def rate_headers(remaining: int) -> dict[str, str]:
    """What every answer to an append says of the limit; the reset is in seconds."""
    return {
        "X-RateLimit-Limit": str(REQUESTS_PER_SECOND),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": "1" if remaining <= 0 else "0",
    }


def application(router: APIRouter) -> FastAPI:
    """The log API with its own error dialect: always JSON, always `error` and `documentation`."""
    app = FastAPI(title="Plumbline logs", version="0.1.0", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    app.add_exception_handler(AppError, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _failed)
    return app


def _answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": message, "documentation": DOCUMENTATION}, status_code=status, headers=dict(headers or {}))


def _refused(_request: Request, error: AppError) -> JSONResponse:
    headers = {}
    if isinstance(error, TooManyRequests | Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, TooFast):
        headers.update(rate_headers(0))
    return _answer(error.status, error.message, headers)


def _http(request: Request, error: HTTPException) -> JSONResponse:
    return _answer(error.status_code, str(error.detail), headers_of(request, error))


def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    return _answer(400, f"parameter {first['loc'][-1]}: {first['msg']}")


def _failed(request: Request, error: Exception) -> JSONResponse:
    request_id = request.scope.get("state", {}).get("request_id", "")
    log.error("log API request failed", extra={"request_id": request_id, "reason": type(error).__name__})
    return _answer(500, "Internal server error")
