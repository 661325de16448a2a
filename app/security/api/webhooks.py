"""Logs of identity providers as events (contract C.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.identity.contracts import IngestPrincipal
from app.kernel.ids import new_id
from app.security.api.gate import Watch, enter, standing
from app.security.api.work import body_of, read, take_in, write
from app.security.normalise import decode
from app.security.providers import Delivery, auth0_deliveries, supabase_deliveries
from app.security.service import deliveries as kept_deliveries

router = APIRouter(prefix="/webhooks", tags=["Security"])


@router.post("/auth0", operation_id="receive_auth0_logs")
async def auth0(request: Request) -> JSONResponse:
    """A log stream of Auth0; entries that came before are not stored again."""
    return await _receive(request, auth0_deliveries)


@router.post("/supabase", operation_id="receive_supabase_change")
async def supabase(request: Request) -> JSONResponse:
    """A database webhook of Supabase on its users table."""
    return await _receive(request, supabase_deliveries)


async def _receive(request: Request, deliveries_of: Callable[[Any], list[Delivery]]) -> JSONResponse:
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now, is_writing=True, is_webhook=True)
    deliveries = deliveries_of(decode(await body_of(request)))
    fresh = await _claimed(principal, deliveries, now)
    claimed = [one.id for one, _ in fresh if one.id is not None]
    try:
        events = await take_in(request, principal, plan, [one.event for one, _ in fresh], now, ids=[event for _, event in fresh])
    except Exception:
        await write(kept_deliveries.forget, principal, claimed)
        raise
    await write(kept_deliveries.keep, principal, claimed, now)
    content: dict[str, object] = {"success": True, "status": "queued", "queued": len(events)}
    content["received"] = len(deliveries)
    content["quota"] = standing(request).quota()
    return JSONResponse(content)


async def _claimed(principal: IngestPrincipal, deliveries: Sequence[Delivery], now: datetime) -> list[tuple[Delivery, str]]:
    """Deliveries that are taken in now with the ids of their events: those without an id, and each id once."""
    ids = [one.id for one in deliveries if one.id is not None]
    fresh, lapsed = await write(kept_deliveries.claim, principal, ids, now)
    if lapsed:
        stored = await run_in_threadpool(kept_deliveries.stored, principal, lapsed, now)
        await write(kept_deliveries.keep, principal, stored, now)
        fresh |= {one: event_id for one, event_id in lapsed.items() if one not in stored}
    found = []
    for one in deliveries:
        if one.id is None:
            found.append((one, new_id()))
        elif one.id in fresh:
            found.append((one, fresh.pop(one.id)))
    return found
