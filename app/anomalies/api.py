"""Routes of the event API's anomalies (contract A.3)."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from app.anomalies import analytics, service, tuning, views
from app.anomalies.contracts import SEVERITIES, AnomalyFilter
from app.event_api import application, event_api_caller, is_still_let_in
from app.identity import service as identity
from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.kernel.clock import SYSTEM_CLOCK, as_utc
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest, Forbidden

__all__ = ["application", "router"]

router = APIRouter(tags=["anomalies"])

ANOMALIES = "/v1/anomalies"
LARGEST_PAGE = 1000
STREAM_SECONDS = 300.0
LOOK_SECONDS = 2.0
HEARTBEAT_LOOKS = 7
# Anomalies of one look carry its time and may be committed a while after it.
OVERLAP = timedelta(minutes=2)
READING = frozenset({IngestScope.READ, IngestScope.WRITE, IngestScope.ADMIN})
WRITING = frozenset({IngestScope.WRITE, IngestScope.ADMIN})


class StatusBody(BaseModel):
    """What somebody decided."""

    status: str = Field(max_length=32)
    notes: str = Field("", max_length=10_000)


class FeedbackBody(BaseModel):
    """What somebody says about an anomaly."""

    feedback_type: str = Field(max_length=32)
    reason: str = Field("", max_length=10_000)


def _principal(request: Request) -> IngestPrincipal:
    """The tenant by a key of the event API that may read, and for changes one that may write. Unauthorized, Forbidden."""
    with session_scope(write=False) as session:
        caller = event_api_caller(session, request)
    if not isinstance(caller, IngestPrincipal) or caller.kind is not IngestKind.EVENTS:
        raise Forbidden("anomalies belong to a tenant: use a key of the event API")
    allowed = READING if request.method == "GET" else WRITING
    if caller.scope not in allowed:
        raise Forbidden(f"a key of scope {caller.scope} may not do this")
    if caller.tenant_status == "suspended":
        raise Forbidden("the tenant is suspended")
    return caller


def _administrator(request: Request) -> IngestPrincipal:
    """Like `_principal`, with a key that may administer."""
    caller = _principal(request)
    if caller.scope is not IngestScope.ADMIN:
        raise Forbidden(f"a key of scope {caller.scope} may not do this")
    return caller


Administrator = Annotated[IngestPrincipal, Depends(_administrator)]
Caller = Annotated[IngestPrincipal, Depends(_principal)]
"""Resolved before the body is looked at."""


@router.get(ANOMALIES, operation_id="list_anomalies")
def list_anomalies(
    request: Request,
    limit: str = "20",
    offset: str = "0",
    start_time: str = "",
    end_time: str = "",
    severity: str = "",
    status: str = "",
) -> JSONResponse:
    """The tenant's anomalies, newest first."""
    caller = _principal(request)
    most, first = _number("limit", limit, 1, LARGEST_PAGE), _number("offset", offset, 0, 10_000_000)
    start, end = _moment("start_time", start_time), _moment("end_time", end_time)
    if start is not None and end is not None and start > end:
        raise BadRequest("start_time is after end_time")
    if severity and severity not in SEVERITIES:
        raise BadRequest(f"severity is one of {', '.join(SEVERITIES)}")
    if status and status not in service.ALIASES:
        raise BadRequest(f"status is one of {', '.join(service.AnomalyStatus)}")
    wanted = AnomalyFilter(start, end, severity or None, service.ALIASES[status].value if status else None)
    with session_scope(write=False) as session:
        rows, total = service.list_anomalies(session, caller, wanted, most, first)
        found = [views.shown(row) for row in rows]
    page = {"total": total, "limit": most, "offset": first, "has_more": first + most < total}
    return JSONResponse({"anomalies": found, "pagination": page, **page})


@router.get("/v1/stream/anomalies", operation_id="stream_anomalies")
async def stream(request: Request) -> StreamingResponse:
    """Anomalies as they are found, as server-sent events; a connection lives for five minutes. With `Last-Event-ID`, which a
    browser sends when it connects again, those come first that were found since that anomaly."""
    caller = await run_in_threadpool(_principal, request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_follow(request, caller), media_type="text/event-stream", headers=headers)


async def _follow(request: Request, caller: IngestPrincipal) -> AsyncIterator[str]:
    started, until = SYSTEM_CLOCK.now(), time.monotonic() + STREAM_SECONDS
    last = request.headers.get("last-event-id", "").strip()[:128]
    missed, told = await run_in_threadpool(_missed, caller, last, started)
    yield _sse("connected", {"timestamp": started.isoformat()})
    for anomaly in missed:
        yield _sse("anomaly", anomaly, anomaly["id"])
    for look in itertools.count(1):
        await asyncio.sleep(LOOK_SECONDS)
        # A key that was revoked or a tenant that was suspended meanwhile follows no longer.
        if await request.is_disconnected() or time.monotonic() > until or not await run_in_threadpool(_may_follow, request):
            return
        for anomaly in await run_in_threadpool(_fresh, caller, SYSTEM_CLOCK.now() - OVERLAP):
            if anomaly["id"] not in told:
                told.add(anomaly["id"])
                yield _sse("anomaly", anomaly, anomaly["id"])
        if look % HEARTBEAT_LOOKS == 0:
            yield _sse("heartbeat", {"timestamp": SYSTEM_CLOCK.now().isoformat()})


def _may_follow(request: Request) -> bool:
    with session_scope(write=False) as session:
        return is_still_let_in(session, request)


def _missed(caller: IngestPrincipal, last: str, now: datetime) -> tuple[list[dict[str, Any]], set[str]]:
    """Anomalies since the last one that the client has, and the ids of all that it need not be told again."""
    recent = {anomaly["id"] for anomaly in _fresh(caller, now - OVERLAP)}
    with session_scope(write=False) as session:
        rows = service.found_after(session, caller, last) if last else []
        missed = [views.shown(row) for row in rows]
    return missed, recent | {anomaly["id"] for anomaly in missed}


def _fresh(caller: IngestPrincipal, after: datetime) -> list[dict[str, Any]]:
    with session_scope(write=False) as session:
        return [views.shown(row) for row in service.created_after(session, caller, after)]


def _sse(name: str, data: dict[str, Any], event_id: str = "") -> str:
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n"


@router.get(ANOMALIES + "/{anomaly_id}", operation_id="get_anomaly")
def get_anomaly(request: Request, anomaly_id: str) -> JSONResponse:
    """One anomaly with its timeline."""
    caller = _principal(request)
    with session_scope(write=False) as session:
        return JSONResponse(views.shown(service.get_anomaly(session, caller, anomaly_id), with_timeline=True))


@router.patch(ANOMALIES + "/{anomaly_id}/status", operation_id="set_anomaly_status")
def set_status(caller: Caller, anomaly_id: str, body: StatusBody) -> JSONResponse:
    """Note what was decided."""
    with session_scope() as session:
        row = service.set_status(session, caller, anomaly_id, body.status, body.notes, SYSTEM_CLOCK.now())
        return JSONResponse(views.shown(row, with_timeline=True))


@router.post(ANOMALIES + "/{anomaly_id}/feedback", operation_id="give_anomaly_feedback", status_code=201)
def give_feedback(caller: Caller, anomaly_id: str, body: FeedbackBody) -> JSONResponse:
    """Say whether it was right."""
    with session_scope() as session:
        row = service.give_feedback(session, caller, anomaly_id, body.feedback_type, body.reason, SYSTEM_CLOCK.now())
        return JSONResponse(views.shown(row, with_timeline=True), 201)


@router.get(ANOMALIES + "/{anomaly_id}/export", operation_id="export_anomaly")
def export(request: Request, anomaly_id: str) -> JSONResponse:
    """The evidence with a SHA-256 digest."""
    caller = _principal(request)
    with session_scope(write=False) as session:
        row = service.get_anomaly(session, caller, anomaly_id)
        with session_scope() as writing:
            identity.record_key_audit(writing, caller, "stream_anomaly.export", "stream_anomaly", row.id)
        return JSONResponse(views.export(row, caller.key_id, SYSTEM_CLOCK.now()))


@router.get("/v1/config", operation_id="get_detection_config")
def get_config(request: Request) -> JSONResponse:
    """How streams are looked at."""
    caller = _principal(request)
    with session_scope(write=False) as session:
        return JSONResponse(asdict(tuning.tuning_of(session, caller.project_id)))


@router.patch("/v1/config", operation_id="change_detection_config")
def change_config(caller: Administrator, body: dict[str, Any]) -> JSONResponse:
    """Look at streams in another way from the next look on."""
    with session_scope() as session:
        return JSONResponse(asdict(tuning.change_tuning(session, caller, body, SYSTEM_CLOCK.now())))


@router.get("/v1/analytics/summary", operation_id="anomaly_summary")
def get_summary(request: Request, days: str = "30") -> JSONResponse:
    """Totals of the last days."""
    caller = _principal(request)
    with session_scope(write=False) as session:
        return JSONResponse(analytics.summary(session, caller, _since(days)))


@router.get("/v1/analytics/compression-timeline", operation_id="compression_timeline")
def get_timeline(request: Request, days: str = "30") -> JSONResponse:
    """What compression said of each anomaly of the last days."""
    caller = _principal(request)
    with session_scope(write=False) as session:
        return JSONResponse(analytics.compression_timeline(session, caller, _since(days)))


@router.get("/v1/analytics/ncd-heatmap", operation_id="ncd_heatmap")
def get_heatmap(request: Request) -> JSONResponse:
    """Distance by stream and hour of the last day."""
    caller = _principal(request)
    with session_scope(write=False) as session:
        return JSONResponse(analytics.ncd_heatmap(session, caller, SYSTEM_CLOCK.now()))


def _since(days: str) -> datetime:
    return SYSTEM_CLOCK.now() - timedelta(days=_number("days", days, 1, analytics.LONGEST_DAYS))


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not least <= int(text) <= most:
        raise BadRequest(f"{name} is a whole number from {least} to {most}")
    return int(text)


def _moment(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return as_utc(datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text))
    except (ValueError, OverflowError):  # the first and last hours of the calendar lie outside of it in UTC
        raise BadRequest(f"{name} is no ISO 8601 date and time") from None
