"""Who sends into a project: sources and keys with what became of their records, and how much of the tenant's day is used."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.eventstore.service import get_event_store
from app.identity import service as identity
from app.identity.contracts import Actor, IngestKeyView
from app.ingest import repository
from app.ingest.key_hours import Counts
from app.ingest.quotas import PLANS, RESOURCE
from app.ingest.times import EPOCH, MILLISECOND, milliseconds_of
from app.projects import service as projects

HOURS: Final = 24
MOST_SOURCES: Final = 200
_RECEIVED: Final = "received_at >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')"
_OWNED: Final = f"tenant_id = {{{{tenant:String}}}} AND project_id = {{{{project:String}}}} AND {_RECEIVED}"
_SOURCES: Final = f"""
SELECT kind, source, count() AS n, countIf(verdict = 'flagged'), toUnixTimestamp64Milli(max(received_at)),
  sumMap([toUInt32(intDiv(toUnixTimestamp64Milli(received_at) - {{{{since:Int64}}}}, 3600000))], [toUInt64(1)]) AS trend
FROM {{database}}.events WHERE {_OWNED}
GROUP BY kind, source ORDER BY n DESC, kind, source LIMIT {MOST_SOURCES}
"""
_REFUSED: Final = f"""
SELECT kind, reason, count() AS n, toUnixTimestamp64Milli(max(received_at))
FROM {{database}}.quarantine WHERE {_OWNED}
GROUP BY kind, reason ORDER BY n DESC, kind, reason LIMIT {MOST_SOURCES}
"""


@dataclass(frozen=True, slots=True)
class SourceActivity:
    """What one source sent in the last 24 hours, also by hour, oldest first."""

    kind: str
    source: str
    count: int
    flagged: int
    last_at: datetime
    trend: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Records of one kind that were quarantined for one reason in the last 24 hours."""

    kind: str
    reason: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class KeyActivity:
    """A key and what came with it in the last 24 hours, also by hour, oldest first."""

    key: IngestKeyView
    counts: Counts
    trend: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DayUse:
    """Events of the tenant's UTC day; `allowed` is None without a limit."""

    plan: str
    used: int
    allowed: int | None
    requests_per_minute: int | None


@dataclass(frozen=True, slots=True)
class Senders:
    """Everything that sends into a project."""

    sources: list[SourceActivity]
    refused: list[Refused]
    keys: list[KeyActivity]
    day: DayUse


def senders(session: Session, actor: Actor, slug: str, now: datetime) -> Senders:
    """Who sent what in the 24 hours before `now`. Errors: NotFound, Unavailable while the event store does not answer."""
    project = projects.get_project(session, actor, slug)
    first_hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    parameters = {"since": milliseconds_of(first_hour)}
    store = get_event_store()
    sources = store.select(_SOURCES, project.tenant_id, project.id, parameters)
    refused = store.select(_REFUSED, project.tenant_id, project.id, parameters)
    return Senders(
        [
            SourceActivity(kind, source, int(count), int(flagged), _moment(last), _hours(trend))
            for kind, source, count, flagged, last, trend in sources
        ],
        [Refused(kind, reason, int(count), _moment(last)) for kind, reason, count, last in refused],
        _keys(session, actor, slug, project.id, first_hour),
        _day(session, project.tenant_id, now),
    )


def _keys(session: Session, actor: Actor, slug: str, project_id: str, first_hour: datetime) -> list[KeyActivity]:
    counts: dict[str, Counts] = defaultdict(Counts)
    trends: dict[str, list[int]] = defaultdict(lambda: [0] * HOURS)
    for row in repository.key_hours(session, project_id, first_hour):
        total = counts[row.key_id]
        total.add(Counts(row.requests, row.accepted, row.flagged, row.quarantined, row.refused_requests))
        place = int((row.hour - first_hour).total_seconds() // 3600)
        if 0 <= place < HOURS:
            trends[row.key_id][place] += row.accepted + row.flagged
    keys = identity.list_ingest_keys(session, actor, slug)
    return [KeyActivity(key, counts[key.id], tuple(trends[key.id])) for key in keys if key.revoked_at is None]


def _day(session: Session, tenant_id: str, now: datetime) -> DayUse:
    plan = repository.tenant_plan(session, tenant_id)
    limits = PLANS.get(plan, PLANS["trial"])
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    used = repository.used_quota(session, tenant_id, RESOURCE, today)
    return DayUse(plan, used, limits.events_per_day, limits.requests_per_minute)


def _hours(trend: tuple[list[int], list[int]]) -> tuple[int, ...]:
    known = dict(zip(*trend, strict=True))
    return tuple(int(known.get(hour, 0)) for hour in range(HOURS))


def _moment(milliseconds: int) -> datetime:
    return EPOCH + int(milliseconds) * MILLISECOND
