"""Log lines as the people of a project look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity.contracts import Actor
from app.logs import reading, repository, sql
from app.logs.formats import Table
from app.logs.pipes import LOG_ANOMALIES, LONGEST_WINDOW_MINUTES, Arguments
from app.logs.service import place_of


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: a part of the message in either case, and a service and severity exactly; empty for all."""

    start: datetime
    stop: datetime
    text: str = ""
    service: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of `system_logs`."""

    timestamp: datetime
    server_id: str
    service: str
    severity: str
    message: str
    error_code: str
    resource_id: str
    metadata: str


@dataclass(frozen=True, slots=True)
class LevelCount:
    """Lines of a severity in the bucket that starts at `start`."""

    start: datetime
    severity: str
    count: int


def search(session: Session, actor: Actor, slug: str, wanted: Search, *, limit: int, offset: int) -> Sequence[LogLine]:
    """Lines newest first. Errors: NotFound, Unavailable."""
    place = place_of(session, actor, slug)
    parameters = {**_parameters(session, actor, slug, wanted, limit), "offset": offset}
    return [LogLine(*row) for row in repository.rows(sql.SEARCH, place.tenant_id, place.project_id, parameters)]


def histogram(
    session: Session, actor: Actor, slug: str, wanted: Search, *, seconds: int, zone_of: datetime
) -> Sequence[LevelCount]:
    """Lines per severity and bucket of so many seconds, at most 5000 counts; times come in the zone of `zone_of`.

    Errors: NotFound, Unavailable.
    """
    place = place_of(session, actor, slug)
    parameters = {**_parameters(session, actor, slug, wanted, 0), "seconds": seconds}
    rows = repository.rows(sql.HISTOGRAM, place.tenant_id, place.project_id, parameters)
    return [LevelCount(datetime.fromtimestamp(int(start), zone_of.tzinfo), str(level), int(count)) for start, level, count in rows]


def anomalies(session: Session, actor: Actor, slug: str, *, since: timedelta, now: datetime, limit: int) -> Table:
    """Minutes above their threshold, newest first; looks back seven days at most. Errors: NotFound, Unavailable."""
    minutes = min(LONGEST_WINDOW_MINUTES, int(since.total_seconds() // 60))
    given = {"time_window_minutes": str(minutes), "limit": str(limit)}
    return reading.run_pipe(session, place_of(session, actor, slug), LOG_ANOMALIES.name, given, now)[0]


def _parameters(session: Session, actor: Actor, slug: str, wanted: Search, limit: int) -> dict[str, object]:
    arguments = Arguments(wanted.start, wanted.stop, wanted.service, wanted.severity, 60, limit)
    place = place_of(session, actor, slug)
    return {**reading.parameters_of(session, place, arguments, wanted.stop), "text": wanted.text}
