"""How the security surface answers: flat errors, plan headers on every answer, and what browsers need (contract C.7)."""

from __future__ import annotations

import logging
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http import headers_of
from app.kernel.errors import AppError, TooManyRequests, Unavailable
from app.security.api.gate import STANDING, Standing, Watch
from app.security.refusals import PlanRestricted, QuotaExceeded

EXPOSED: Final = ", ".join(
    [
        "X-LiteSOC-Plan",
        "X-LiteSOC-Retention",
        "X-LiteSOC-Cutoff",
        "X-LiteSOC-Quota-Limit",
        "X-LiteSOC-Quota-Remaining",
        "X-LiteSOC-Quota-Used",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "Retry-After",
        "X-Request-ID",
    ]
)
_UPGRADE: Final = "/home"
_CODES: Final = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMIT_EXCEEDED",
    503: "UNAVAILABLE",
}

log = logging.getLogger("plumbline.security")


class SecurityApplication:
    """The surface with its headers around every answer, those of failures among them."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), None)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                standing = state.get(STANDING) or Standing()
                for name, value in standing.headers(Watch.clock.now()).items():
                    headers[name] = value
                let_browsers_read(headers, origin)
            await send(message)

        await (_preflight() if scope["method"] == "OPTIONS" else self._inner)(scope, receive, send_with_headers)


def let_browsers_read(headers: MutableHeaders, origin: str | None) -> None:
    """Open the answer to the page that asked. Whether it may ask at all was decided before, with the key."""
    headers["Access-Control-Expose-Headers"] = EXPOSED
    if origin is not None:
        headers["Access-Control-Allow-Origin"] = origin
        headers.add_vary_header("Origin")


def _preflight() -> Response:
    # The key is not sent yet, so whose origin it is shows with the request itself.
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, PATCH, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type, X-API-Key, Authorization, X-Request-ID",
        "Access-Control-Max-Age": "600",
    }
    return Response(status_code=204, headers=headers)


def answer_preflight(origin: str | None) -> Response:
    """A browser's question before it sends the key to a route outside of this surface."""
    answer = _preflight()
    let_browsers_read(answer.headers, origin)
    return answer


def application(router: APIRouter) -> ASGIApp:
    """The security API with its own error dialect."""
    app = FastAPI(title="Plumbline security events", version="0.1.0", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    app.add_exception_handler(AppError, refused)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _failed)
    return SecurityApplication(app)


def error_answer(status: int, code: str, message: str, *, retry_after: int | None = None) -> JSONResponse:
    """The flat error body."""
    content: dict[str, object] = {"error": message, "code": code, "message": message}
    if code in ("PLAN_RESTRICTED", "QUOTA_EXCEEDED"):
        content["upgrade_link"] = _UPGRADE
    headers = {}
    if retry_after is not None:
        content["retry_after"] = retry_after
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(content, status_code=status, headers=headers)


def refused(_request: Request, error: AppError) -> JSONResponse:
    """The refusal in this surface's words."""
    status = 400 if error.status == 422 else error.status
    code = _CODES.get(status, "ERROR")
    if isinstance(error, PlanRestricted):
        code = "PLAN_RESTRICTED"
    elif isinstance(error, QuotaExceeded):
        code = "QUOTA_EXCEEDED"
    retry_after = error.retry_after_seconds if isinstance(error, TooManyRequests | Unavailable) else None
    return error_answer(status, code, error.message, retry_after=retry_after)


def _http(request: Request, error: HTTPException) -> JSONResponse:
    answer = error_answer(error.status_code, _CODES.get(error.status_code, "ERROR"), str(error.detail))
    answer.headers.update(headers_of(request, error))
    return answer


def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    return error_answer(400, "VALIDATION_ERROR", f"{first['loc'][-1]}: {first['msg']}")


def _failed(request: Request, error: Exception) -> JSONResponse:
    request_id = request.scope.get("state", {}).get("request_id", "")
    log.error("security API request failed", exc_info=error, extra={"request_id": request_id})
    return error_answer(500, "INTERNAL_ERROR", "Internal server error")
