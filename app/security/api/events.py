"""Events out (contract C.3)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.kernel.errors import BadRequest
from app.security.api.gate import Watch, count_call, enter, instant
from app.security.api.parameters import bounded, moment, offset_of
from app.security.api.work import read
from app.security.contracts import EventFilter
from app.security.plans import EVENTS_PAGE, MOST_EVENTS_PAGE
from app.security.service import reading
from app.security.vocabulary import severities_matching

router = APIRouter(tags=["Security"])


@router.get("/events", operation_id="list_security_events")
async def list_events(
    request: Request,
    limit: str | None = None,
    offset: str | None = None,
    event_type: str = "",
    event_name: str = "",
    actor_id: str = "",
    severity: str = "",
    since: Annotated[str | None, Query(alias="from")] = None,
    until: Annotated[str | None, Query(alias="to")] = None,
) -> JSONResponse:
    """A page of events, newest first."""
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now)
    count_call(request, principal, plan, 1, now)
    size = bounded("limit", limit, default=EVENTS_PAGE, least=1, most=MOST_EVENTS_PAGE)
    skip = offset_of(offset)
    severities = severities_matching(severity.strip().lower()) if severity else ()
    if severities is None:
        raise BadRequest("'severity' is not one of info, low, warning, medium, high, critical")
    start, stop, cutoff = moment("from", since), moment("to", until), plan.cutoff(now)
    wanted = EventFilter(
        since=max(start, cutoff) if start else cutoff,
        until=stop,
        event=(event_name or event_type).strip().lower(),
        actor_id=actor_id,
        severities=severities,
    )
    rows, total = await run_in_threadpool(reading.list_events, principal, plan, wanted, limit=size, offset=skip)
    return JSONResponse(
        {
            "success": True,
            "data": rows,
            "pagination": {"total": total, "limit": size, "offset": skip, "has_more": skip + len(rows) < total},
            "meta": {
                "plan": plan.name,
                "retention_days": plan.retention_days,
                "cutoff_date": instant(cutoff),
                "redacted": not plan.is_full,
                "max_limit": MOST_EVENTS_PAGE,
            },
        }
    )


@router.get("/events/{event_id}", operation_id="get_security_event")
async def get_event(request: Request, event_id: str) -> JSONResponse:
    """One event."""
    now = Watch.clock.now()
    principal, plan = await read(enter, request, now)
    count_call(request, principal, plan, 1, now)
    found = await run_in_threadpool(reading.get_event, principal, plan, event_id, now)
    return JSONResponse({"success": True, "data": found, "meta": {"plan": plan.name, "redacted": not plan.is_full}})
