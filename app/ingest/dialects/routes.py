"""The routes of the dialects as raw ASGI: authenticate, take the request, translate, store durably, answer as their clients expect.

What a dialect sends goes through the same rules, quota, log and quarantine as `POST /v1/events`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import msgspec

from app.ingest.answers import MethodNotAllowed, reasons, refusal
from app.ingest.bodies import ClientGone, Receive, read_body
from app.ingest.dialects import otlp, posthog, segment
from app.ingest.dialects.otlp_answers import export_answer, export_refusal
from app.ingest.dialects.otlp_export import admitted, events_body, take_in
from app.ingest.dialects.shapes import DialectBatch
from app.ingest.key_cache import token_of
from app.ingest.outcomes import count_refused, counted_refusals
from app.ingest.pipeline import Pipeline
from app.ingest.process import running_pipeline
from app.kernel.errors import AppError, BadRequest, Unauthorized
from app.kernel.ids import new_id

Scope = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]

BROWSER_PATHS: Final = frozenset(segment.PATHS) | posthog.PATHS | posthog.FLAG_PATHS
PATHS: Final = BROWSER_PATHS | otlp.PATHS
_JSON: Final = (b"content-type", b"application/json")
_ALLOW_ANY: Final = (b"access-control-allow-origin", b"*")
_PREFLIGHT: Final[Headers] = [
    _ALLOW_ANY,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-api-key"),
    (b"access-control-max-age", b"86400"),
]
log = logging.getLogger("plumbline.ingest")


class _Internal(AppError):
    status = 500
    code = "internal"


async def handle(scope: Scope, receive: Receive, send: Any) -> None:
    """Answer one request of a dialect; a path may end with a slash."""
    path = scope["path"].rstrip("/")
    request_id = str(scope.get("state", {}).get("request_id") or new_id())
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    try:
        status, body, extra = await _respond(scope, path, headers, receive)
    except ClientGone:
        count_refused("client went away")
        return
    except AppError as error:
        status, body, extra = _refused(path, headers, error, request_id)
    except Exception as error:  # noqa: BLE001 - the last frame of these routes; the text may hold a producer's data
        log.error("dialect request failed", extra={"request_id": request_id, "reason": type(error).__name__})
        count_refused("internal")
        status, body, extra = _refused(path, headers, _Internal("Internal server error"), request_id)
    if path in BROWSER_PATHS:
        extra = [*extra, _ALLOW_ANY] if _ALLOW_ANY not in extra else extra
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(body)), *extra]})
    await send({"type": "http.response.body", "body": body})


async def _respond(scope: Scope, path: str, headers: Mapping[bytes, bytes], receive: Receive) -> tuple[int, bytes, Headers]:
    if scope["method"] == "OPTIONS" and path in BROWSER_PATHS:
        return 204, b"", _PREFLIGHT
    if scope["method"] != "POST":
        raise MethodNotAllowed("use POST")
    if path in posthog.FLAG_PATHS:  # its clients ask before they send; there are none here
        return 200, posthog.NO_FLAGS, [_JSON]
    pipeline = running_pipeline()
    with counted_refusals():
        body = await read_body(headers, receive, pipeline.settings.max_body_bytes)
    if path in otlp.PATHS:
        return await _export(pipeline, path, headers, body)
    with counted_refusals():
        if path in segment.PATHS:
            batch, answer = segment.decode_segment(path, body), b'{"success":true}'
        else:
            batch = posthog.decode_posthog(body, scope["query_string"], pipeline.settings.max_body_bytes)
            answer = b'{"status":1}'
        token, events = _token(headers, batch), events_body(batch.events)
    principal = await admitted(pipeline, token, headers)
    outcome = await pipeline.accept(principal, events)
    if not outcome.processed:
        raise BadRequest("every call of the request is faulty", detail={"errors": reasons(outcome.faults)})
    return 200, answer, [_JSON]


async def _export(pipeline: Pipeline, path: str, headers: Mapping[bytes, bytes], body: bytes) -> tuple[int, bytes, Headers]:
    with counted_refusals():
        token = token_of(headers)
    principal = await admitted(pipeline, token, headers)
    content_type = _content_type(headers)
    with counted_refusals():
        found = otlp.decode_otlp(path, content_type, body, pipeline.clock.now())
    rejected = await take_in(pipeline, principal, path.rpartition("/")[2], found)
    return 200, export_answer(path, content_type, rejected), [(b"content-type", content_type.encode())]


def _token(headers: Mapping[bytes, bytes], batch: DialectBatch) -> bytes:
    token = segment.basic_token(headers.get(b"authorization", b"")) or batch.token
    if not token:
        return token_of(headers)
    if not token.isascii():
        raise Unauthorized("unknown or expired key")
    return token.encode()


def _content_type(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(b"content-type", b"").split(b";")[0].strip().lower().decode("latin-1")


def _refused(path: str, headers: Mapping[bytes, bytes], error: AppError, request_id: str) -> tuple[int, bytes, Headers]:
    status, body, extra = refusal(error, request_id)
    if path in otlp.PATHS and _content_type(headers) == otlp.PROTOBUF:
        return status, export_refusal(error), [(b"content-type", otlp.PROTOBUF.encode()), *extra]
    if path in otlp.PATHS:
        body = msgspec.json.encode({"code": 3 if status < 500 else 14, "message": error.message, **msgspec.json.decode(body)})
    return status, body, [_JSON, *extra]
