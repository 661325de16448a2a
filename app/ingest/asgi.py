"""`POST /v1/events` as raw ASGI (contract A.1, A.2, A.7), for the web process and, as `app`, for ingest processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from app.identity.contracts import IngestPrincipal
from app.ingest.acceptance import Outcome, Sources
from app.ingest.answers import Answer, MethodNotAllowed, refusal, success
from app.ingest.bodies import ClientGone, Receive, discard_body, read_body
from app.ingest.dialects import routes as dialects
from app.ingest.kafka import KafkaSource
from app.ingest.kept_answers import idempotency_key
from app.ingest.key_cache import check_principal, token_of
from app.ingest.outcomes import count_refused, counted_refusals
from app.ingest.pipeline import Pipeline
from app.ingest.process import Process, running_pipeline
from app.ingest.project_plans import ProjectPlan
from app.kernel.database import session_scope
from app.kernel.errors import AppError, Unavailable
from app.kernel.ids import new_id
from app.kernel.settings import Settings, get_settings
from app.kernel.telemetry import render

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

EVENTS_PATH = "/v1/events"
GRPC_STOP_SECONDS = 5.0
_NO_HEADERS: list[tuple[bytes, bytes]] = []
_JSON = (b"content-type", b"application/json")
log = logging.getLogger("plumbline.ingest")


async def start(pipeline: Pipeline | None = None) -> None:
    """Open the log, replay what is left in it and begin to accept. Tests bring a pipeline of their own."""
    settings, has_feeds = get_settings(), False
    if pipeline is None:
        from app.eventstore.service import get_event_store

        store = get_event_store()
        sources = Sources(principal=_principal, project_plan=_project_plan, transaction=session_scope, recent_ids=store.recent_ids)
        pipeline = Pipeline(settings, store, sources)
        has_feeds = True
    await pipeline.start()
    Process.pipeline = pipeline
    if has_feeds:
        await _start_feeds(pipeline, settings)


async def stop() -> None:
    """Stop accepting, store what is there within a bound, leave the rest for the next start."""
    if Process.kafka is not None:
        await asyncio.to_thread(Process.kafka.stop)
    if Process.grpc is not None:
        await Process.grpc.stop(GRPC_STOP_SECONDS)
    Process.kafka = Process.grpc = None
    pipeline, Process.pipeline = Process.pipeline, None
    if pipeline is not None:
        await pipeline.stop()


async def _start_feeds(pipeline: Pipeline, settings: Settings) -> None:
    """What brings events beside HTTP, where it is asked for. RuntimeError when it cannot start: the operator should know."""
    if settings.ingest.otlp_grpc_port:
        from app.ingest import otlp_grpc

        Process.grpc = await otlp_grpc.start(pipeline, settings.runtime.host, settings.ingest.otlp_grpc_port)
    if settings.kafka.kafka_brokers:
        kafka = KafkaSource(pipeline, settings.kafka)
        kafka.start()
        Process.kafka = kafka


def ingest_health() -> dict[str, object]:
    """Queue and drainer as operators see them, and Kafka where events are read from it."""
    if Process.pipeline is None:
        return {"status": "stopped"}
    kafka = {"last_kafka_error": Process.kafka.last_error} if Process.kafka is not None else {}
    return {**Process.pipeline.health(), **kafka}


def kafka_state() -> str:
    """`disabled`, `healthy` or `unhealthy`."""
    if Process.kafka is None:
        return "disabled"
    return "unhealthy" if Process.kafka.last_error else "healthy"


def _principal(token: str) -> IngestPrincipal | None:
    from app.identity import service as identity

    with session_scope(write=False) as session:
        return identity.ingest_principal_for(session, token)


def _project_plan(project_id: str) -> ProjectPlan:
    from app.ingest import policies

    with session_scope(write=False) as session:
        return policies.project_plan(session, project_id)


async def handle(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request to the event API. Every failure is answered in the API's own error dialect."""
    try:
        status, body, headers = await answer_of(_accept(scope, receive), _request_id(scope))
    except ClientGone:
        count_refused("client went away")
        return
    await _answer(send, status, body, headers)


async def answer_of(accepting: Awaitable[bytes], request_id: str = "") -> Answer:
    """Status, body and extra headers for what comes of it. ClientGone."""
    try:
        return 200, await accepting, _NO_HEADERS
    except ClientGone:
        raise
    except Exception as error:  # noqa: BLE001 - the last frame of this surface
        return refusal_of(error, request_id)


def refusal_of(error: Exception, request_id: str = "") -> Answer:
    """What is told of a failure; one of ours is logged and counted."""
    request_id = request_id or new_id()
    if isinstance(error, AppError):
        return refusal(error, request_id)
    # Only the type is logged: the text may hold a producer's data.
    log.error("event request failed", extra={"request_id": request_id, "reason": type(error).__name__})
    count_refused("internal")
    return refusal(_Internal("Internal server error"), request_id)


class _Internal(AppError):
    status = 500
    code = "internal"


async def _accept(scope: Scope, receive: Receive) -> bytes:
    if scope["method"] != "POST":
        raise MethodNotAllowed("use POST")
    pipeline = running_pipeline()
    headers = dict(scope["headers"])
    try:
        token = token_of(headers)
        principal = pipeline.keys.cached(token) or await pipeline.keys.resolve(token)
        check_principal(principal, headers.get(b"x-tenant-id") or _tenant_of(scope["query_string"]), pipeline.clock.now())
        pipeline.check_room()
        pipeline.take_request(principal)
    except AppError as refused:
        count_refused(refused.code)
        # A connection closed in the middle of a body would hide the answer, and with it when to try again.
        await discard_body(receive, pipeline.settings.max_body_bytes)
        raise
    is_waiting = scope["query_string"] != b"" and b"wait=1" in scope["query_string"].split(b"&")
    if b"idempotency-key" in headers:
        body = await _body(pipeline, headers, receive)
        return await _accept_once(pipeline, principal, headers[b"idempotency-key"], body, is_waiting=is_waiting)
    # No name here holds the body while the events are on their way to the disk.
    outcome = await pipeline.accept(principal, await _body(pipeline, headers, receive), is_waiting=is_waiting)
    return _success(outcome)


def _tenant_of(query: bytes) -> bytes | None:
    """The tenant that the address asks for (contract A.1); the header goes before it."""
    if b"tenant=" not in query:
        return None
    return parse_qs(query).get(b"tenant", [b""])[0]


async def _body(pipeline: Pipeline, headers: dict[bytes, bytes], receive: Receive) -> bytes:
    try:
        return await read_body(headers, receive, pipeline.settings.max_body_bytes)
    except AppError as refused:
        count_refused(refused.code)
        raise


async def _accept_once(pipeline: Pipeline, principal: IngestPrincipal, header: bytes, body: bytes, *, is_waiting: bool) -> bytes:
    """Like `Pipeline.accept`, or the answer that the same request got before."""
    with counted_refusals():
        key = idempotency_key(header)
        earlier = await pipeline.answers.claim(principal.project_id, key, body)
    if earlier is not None:
        count_refused("repeated")
        return earlier
    seed = f"{principal.project_id}\n{key}"
    try:
        answer = _success(await pipeline.accept(principal, body, is_waiting=is_waiting, id_seed=seed))
    except AppError:
        with contextlib.suppress(Unavailable):
            await pipeline.answers.release(principal.project_id, key)
        raise
    with contextlib.suppress(Unavailable):  # the events are stored: a repetition finds them by their ids
        await pipeline.answers.keep(principal.project_id, key, answer)
    return answer


def _success(outcome: Outcome) -> bytes:
    return success(outcome.processed, outcome.faults, is_stored=outcome.is_stored, repeated=outcome.repeated)


def _request_id(scope: Scope) -> str:
    return str(scope.get("state", {}).get("request_id") or "")


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """A whole ingest process: the event API with health, readiness and metrics, for an ASGI server with one worker."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        if scope["path"] == EVENTS_PATH:
            await handle(scope, receive, send)
        elif scope["path"].rstrip("/") in dialects.PATHS and scope["method"] in ("POST", "OPTIONS"):
            await dialects.handle(scope, receive, send)
        else:
            await _operate(scope, send)


async def _operate(scope: Scope, send: Send) -> None:
    if scope["path"] == "/metrics":
        content = render()
        headers = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})
    elif scope["path"] in ("/healthz", "/readyz"):
        health = ingest_health()
        is_ready = scope["path"] == "/healthz" or health["status"] == "ok"
        await _answer(send, 200 if is_ready else 503, msgspec.json.encode(health), [])
    else:
        await _answer(send, 404, b'{"error":{"code":"not_found","message":"Not Found"}}', [])


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await start()
            except Exception as error:  # noqa: BLE001 - the server wants to be told, whatever it was
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        else:
            await stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
