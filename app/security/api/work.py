"""Transactions in threads, bodies, and the way events take from a request to the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from fastapi import Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from app.http import client_address
from app.identity.contracts import IngestPrincipal
from app.ingest import service as ingest
from app.kernel.database import session_scope
from app.kernel.errors import AppError, BadRequest, PayloadTooLarge
from app.security.api.gate import count_call, note, principal_for, standing, token_of
from app.security.contracts import SecurityEvent
from app.security.normalise import Incoming, address
from app.security.plans import MOST_BODY_BYTES, SecurityPlan
from app.security.service import alerts, intake
from app.security.service.backlog import BACKLOG

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("plumbline.security")


async def read(fn: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The function in a reading transaction of its own, in a thread."""
    return await run_in_threadpool(partial(_in_transaction, False, fn, *args, **kwargs))


async def write(fn: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The function in a writing transaction of its own, in a thread."""
    return await run_in_threadpool(partial(_in_transaction, True, fn, *args, **kwargs))


def _in_transaction(write: bool, fn: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    with session_scope(write=write) as session:
        return fn(session, *args, **kwargs)


async def body_of(request: Request) -> bytes:
    """The body. PayloadTooLarge, BadRequest when it is empty."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise PayloadTooLarge("The body is larger than 4 MB")
        parts.append(part)
    body = b"".join(parts)
    if not body.strip():
        raise BadRequest("The body is empty")
    return body


async def take_in(
    request: Request,
    principal: IngestPrincipal,
    plan: SecurityPlan,
    incoming: Sequence[Incoming],
    now: datetime,
    *,
    ids: Sequence[str] = (),
) -> list[SecurityEvent]:
    """The events, durable when this returns, under these ids when there are any; nothing is stored with an error.

    Errors: Unauthorized, Forbidden, TooManyRequests, QuotaExceeded, Unavailable.
    """
    count_call(request, principal, plan, max(1, len(incoming)), now)
    if not incoming:
        return []
    used = await write(_booked, token_of(request, is_webhook=True), principal, plan, len(incoming), now)
    note(request, replace(standing(request), used=used))
    try:
        events = await run_in_threadpool(intake.completed, principal.project_id, incoming, now, ids)
        lines = intake.lines_of(principal, events, address(client_address(request)))
        await ingest.keep(lines)
    except (AppError, OSError):
        await write(intake.give_back, principal, len(incoming), now)
        raise
    try:
        if any(alerts.instant_finding(event) for event in events):
            await write(alerts.raise_instant_alerts, principal, events)
    except Exception:
        # They are durable, and whoever is told otherwise sends them again.
        log.exception("alerts are left to the sweep", extra={"project_id": principal.project_id})
        return events
    if not BACKLOG.put(principal, plan, events):
        log.warning("too many events wait to be judged; the sweep will judge these", extra={"project_id": principal.project_id})
    return events


def _booked(session: Session, token: str, principal: IngestPrincipal, plan: SecurityPlan, events: int, now: datetime) -> int:
    # A body may take its time; what was revoked or suspended meanwhile sends nothing any more.
    principal_for(session, token, now)
    return intake.book(session, principal, plan, events, now)
