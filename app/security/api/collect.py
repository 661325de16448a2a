"""Events in (contract C.2) and the agent's sign of life (C.8)."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.kernel.errors import BadRequest
from app.kernel.settings import get_settings
from app.security.api.gate import Watch, count_call, enter, instant, standing
from app.security.api.work import body_of, read, take_in
from app.security.normalise import decode, incoming_events

router = APIRouter(tags=["Security"])


@router.post("/collect", operation_id="collect_security_events", status_code=202)
async def collect(request: Request) -> JSONResponse:
    """Take in one event, or all events of a batch."""
    return await _collect(request, is_batch_only=False)


@router.post("/collect/batch", operation_id="collect_security_batch", status_code=202)
async def collect_batch(request: Request) -> JSONResponse:
    """Take in all events of a batch."""
    return await _collect(request, is_batch_only=True)


@router.post("/agent/heartbeat", operation_id="security_agent_heartbeat")
async def heartbeat(request: Request) -> JSONResponse:
    """Answer an agent that says it is alive."""
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now, is_writing=True)
    content = decode(await body_of(request))
    if not isinstance(content, Mapping) or not isinstance(content.get("hostname"), str) or not content["hostname"].strip():
        raise BadRequest("'hostname' is required")
    count_call(request, principal, plan, 1, now)
    return JSONResponse({"success": True, "status": "ok", "update": None, "timestamp": instant(now)})


async def _collect(request: Request, *, is_batch_only: bool) -> JSONResponse:
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now, is_writing=True)
    incoming, is_batch = incoming_events(decode(await body_of(request)), is_batch_only=is_batch_only)
    events = await take_in(request, principal, plan, incoming, now)
    content: dict[str, object] = {"success": True, "status": "queued", "quota": standing(request).quota()}
    if is_batch:
        content["queued"] = len(events)
    else:
        content["event_id"] = events[0].id
    return JSONResponse(content, status_code=get_settings().ingest.collect_status)
