"""Finds stored events that nobody judged, because a process ended between keeping and judging them, and judges them.

Every process counts what it judged by five minutes of arrival. Where more is stored than was judged, the five minutes are judged
again as a whole: an event that is part of an incident already is not counted a second time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from app.identity.contracts import IngestPrincipal
from app.kernel.database import session_scope
from app.security.contracts import SecurityEvent
from app.security.plans import plan_of
from app.security.repository import history, judging
from app.security.service import detection
from app.security.service.alerts import raise_instant_alerts
from app.security.service.surroundings import event_of, place_of

LOOKBACK: Final = timedelta(days=3)
"""Events that show in the event store later than this after they arrived are not judged any more."""
SETTLED: Final = timedelta(seconds=90)
"""How long after five minutes the running process has for them."""
MEMORY: Final = timedelta(days=10)
PAGE_EVENTS: Final = 500


def watched_projects() -> list[IngestPrincipal]:
    """The projects to sweep."""
    with session_scope(write=False) as session:
        return judging.watched_projects(session)


def sweep(principal: IngestPrincipal, now: datetime, *, until: float) -> int:
    """Judge what was missed, oldest first, until `time.monotonic()` reaches `until`; how many events were looked at.

    Safe to repeat and to run beside the live path. Errors: Unavailable.
    """
    plan, looked_at = plan_of(principal.tenant_plan), 0
    for starts_at, stored in _missed(principal, now):
        for page in _pages(principal, starts_at):
            with session_scope() as session:
                raise_instant_alerts(session, principal, page)
            detection.judge(principal, plan, page)
            looked_at += len(page)
        with session_scope() as session:
            judging.set_judged(session, principal.project_id, starts_at, stored)
        if time.monotonic() > until:
            break
    return looked_at


def forget_old(now: datetime) -> None:
    """Forget what is too old to be judged again."""
    with session_scope() as session:
        judging.forget_before(session, now - MEMORY)


def _missed(principal: IngestPrincipal, now: datetime) -> Iterator[tuple[datetime, int]]:
    since, before = judging.bucket_of(now - LOOKBACK), judging.bucket_of(now - SETTLED)
    stored = history.arrived_counts(principal, int(judging.BUCKET.total_seconds()), since, before)
    with session_scope(write=False) as session:
        judged = judging.judged_counts(session, principal.project_id, since)
    for second, count in stored.items():
        starts_at = datetime.fromtimestamp(second, UTC)
        if judged.get(starts_at) != count:
            yield starts_at, count


def _pages(principal: IngestPrincipal, starts_at: datetime) -> Iterator[list[SecurityEvent]]:
    after = None
    while True:
        rows = history.events_after(principal, starts_at, starts_at + judging.BUCKET, after=after, limit=PAGE_EVENTS)
        events = [event_of(row) for row in rows]
        if events:
            yield events
        if len(rows) < PAGE_EVENTS:
            return
        after = place_of(events[-1])
