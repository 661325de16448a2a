"""What the event API answers: its success body and its error dialect (contract A.7, the later object)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.kernel.errors import AppError, TooManyRequests, Unavailable

MOST_REASONS: Final = 100
_CODES: Final = {
    400: "invalid_argument",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limit_exceeded",
    500: "internal",
    503: "unavailable",
}
_MESSAGE: Final = "Events processed successfully"
_encode = msgspec.json.Encoder().encode

Answer = tuple[int, bytes, list[tuple[bytes, bytes]]]


class MethodNotAllowed(AppError):
    """The route only takes POST."""

    status = 405
    code = "method_not_allowed"


def success(processed: int, faults: list[tuple[int, str]], *, is_stored: bool | None, repeated: int = 0) -> bytes:
    """The body of a 200. `is_stored` is told only to a producer who asked to wait for the event store, `repeated` only when some
    of the processed events had been stored before."""
    if not faults and is_stored is None and not repeated:
        return b'{"processed":%d,"failed":0,"message":"%s"}' % (processed, _MESSAGE.encode())
    body: dict[str, Any] = {"processed": processed, "failed": len(faults), "message": _MESSAGE}
    if faults:
        body["errors"] = reasons(faults)
    if repeated:
        body["repeated"] = repeated
    if is_stored is not None:
        body["stored"] = is_stored
    return _encode(body)


def reasons(faults: list[tuple[int, str]]) -> list[dict[str, object]]:
    """The first hundred faults by position in the request."""
    return [{"index": index, "reason": reason} for index, reason in faults[:MOST_REASONS]]


def refusal(error: AppError, request_id: str) -> Answer:
    """Status, body and extra headers for a refusal."""
    content: dict[str, object] = {"code": _CODES.get(error.status, error.code), "message": error.message, "request_id": request_id}
    headers: list[tuple[bytes, bytes]] = []
    if isinstance(error, TooManyRequests | Unavailable):
        content["retry_after_seconds"] = error.retry_after_seconds
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", b"POST"))
    body: dict[str, object] = {"error": content}
    if error.detail is not None:
        body.update(error.detail)
    return error.status, _encode(body), headers
