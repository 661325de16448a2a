"""Every query on the sums of whole days: a ranking of events over a month reads these instead of millions of buckets.

A sum is believed only where its day is marked as summed. The one road that writes buckets marks days and unmarks them; a day
without a mark, as every day is that something else filled, is read from the buckets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import UtcDateTime
from app.kernel.intervals import Interval, ceil_to_bucket, floor_to_bucket
from app.metrics.contracts import ScopeType
from app.metrics.repository import AnySelect, between
from models.metrics import MetricBucket, MetricCoverage, MetricDay, MetricSummedDay
from models.plan import Event

DAY = timedelta(days=1)
# The longest ranking reaches 30 days back. Of a replay of years only what it reads is summed.
SUMMED_DAYS = 31
# Of the events asked for, so many that a statement may name them.
_REFS_PER_STATEMENT = 5_000
Events: TypeAlias = "Sequence[str] | sa.Select[Any]"
_QUIET = {"synchronize_session": False}


def forget_days(session: Session, config_id: str, start: datetime, stop: datetime) -> None:
    """Believe no sum of a day that [start, stop) touches."""
    for table in (MetricSummedDay, MetricDay):
        of_window = (col(table.scan_config_id) == config_id, col(table.day) > start - DAY, col(table.day) < stop)
        session.execute(sa.delete(table).where(*of_window), execution_options=_QUIET)


def sum_days(session: Session, config_id: str, start: datetime, stop: datetime) -> None:
    """Sum the days that [start, stop) touches, once the window is written; days too old to be read are left out."""
    newest = session.execute(
        sa.select(sa.func.max(col(MetricCoverage.bucket))).where(col(MetricCoverage.scan_config_id) == config_id)
    ).scalar_one_or_none()
    oldest = floor_to_bucket(max(stop, newest or stop), Interval.DAY) - SUMMED_DAYS * DAY
    days = list(_days(max(floor_to_bucket(start, Interval.DAY), oldest), stop))
    for day in days:
        counts = sa.select(col(MetricBucket.scope_ref), col(MetricBucket.count)).where(
            col(MetricBucket.scan_config_id) == config_id,
            col(MetricBucket.scope_type) == ScopeType.EVENT.value,
            col(MetricBucket.bucket) >= day,
            col(MetricBucket.bucket) < day + DAY,
        )
        # Set apart from the sum: grouped at once, SQLite goes event by event and so through every count ever stored.
        rows = counts.cte("counted").prefix_with("MATERIALIZED")
        summed = sa.select(
            sa.literal(config_id), rows.c.scope_ref, sa.literal(day, UtcDateTime()), sa.func.sum(rows.c.count)
        ).group_by(rows.c.scope_ref)
        session.execute(sa.insert(MetricDay).from_select(["scan_config_id", "event_id", "day", "count"], summed))
    if days:
        session.execute(sa.insert(MetricSummedDay), [{"scan_config_id": config_id, "day": day} for day in days])


def merge_days(session: Session, merged: Sequence[str], target: str) -> None:
    """Make the sums of several events those of one of them, in every scan, as their buckets are."""
    of_events = col(MetricDay.event_id).in_(merged)
    keys = (col(MetricDay.scan_config_id), col(MetricDay.day))
    found = session.execute(sa.select(*keys, sa.func.sum(col(MetricDay.count))).where(of_events).group_by(*keys)).all()
    session.execute(sa.delete(MetricDay).where(of_events), execution_options=_QUIET)
    rows = [{"scan_config_id": row[0], "day": row[1], "event_id": target, "count": int(row[2])} for row in found]
    if rows:
        session.execute(sa.insert(MetricDay), rows)


def totals_since(
    session: Session, project_id: str, config_id: str, since: datetime, event_ids: Sequence[str] | None
) -> Counter[str]:
    """Volume by event of the buckets at or after `since`, of the events asked for or of all of the project."""
    for _ in range(2):
        days = _summed_days(session, config_id, since)
        totals = _totals(session, project_id, config_id, since, days, event_ids)
        # PostgreSQL shows each statement what others have committed by then: a day may have lost its sum on the way.
        if days == _summed_days(session, config_id, since):
            return totals
    return _totals(session, project_id, config_id, since, [], event_ids)


def _totals(
    session: Session, project_id: str, config_id: str, since: datetime, days: Sequence[datetime], event_ids: Sequence[str] | None
) -> Counter[str]:
    gaps = [gap for gap in _gaps(since, days) if _has_counts(session, config_id, *gap)]
    totals: Counter[str] = Counter()
    for some in _choices(project_id, event_ids):
        statements = [_of_days(config_id, days, some)] if days else []
        statements += [_of_buckets(config_id, start, stop, some) for start, stop in gaps]
        for statement in statements:
            for ref, total in session.connection().execute(statement).all():
                totals[ref] += int(total)
    return totals


def _choices(project_id: str, event_ids: Sequence[str] | None) -> list[Events]:
    if event_ids is None:
        return [sa.select(col(Event.id)).where(col(Event.project_id) == project_id)]
    return [event_ids[first : first + _REFS_PER_STATEMENT] for first in range(0, len(event_ids), _REFS_PER_STATEMENT)]


def _has_counts(session: Session, config_id: str, start: datetime, stop: datetime | None) -> bool:
    """Whether any event has a bucket in the stretch: one look instead of one for every event, mostly into the time to come."""
    statement: AnySelect = sa.select(col(MetricBucket.bucket)).where(
        col(MetricBucket.scan_config_id) == config_id, col(MetricBucket.scope_type) == ScopeType.EVENT.value
    )
    some = between(statement, col(MetricBucket.bucket), start, stop).order_by(col(MetricBucket.bucket)).limit(1)
    return session.execute(some).first() is not None


def _summed_days(session: Session, config_id: str, since: datetime) -> list[datetime]:
    day = col(MetricSummedDay.day)
    first = ceil_to_bucket(since, Interval.DAY)
    statement = sa.select(day).where(col(MetricSummedDay.scan_config_id) == config_id, day >= first).order_by(day)
    return list(session.execute(statement).scalars())


def _gaps(since: datetime, days: Sequence[datetime]) -> Iterator[tuple[datetime, datetime | None]]:
    """The stretches from `since` on that no summed day covers; the last one has no end."""
    if not days:
        yield since, None
        return
    if since < days[0]:
        yield since, days[0]
    for before, after in pairwise(days):
        if before + DAY < after:
            yield before + DAY, after
    yield days[-1] + DAY, None


def _of_days(config_id: str, days: Sequence[datetime], events: Events) -> AnySelect:
    ref, day = col(MetricDay.event_id), col(MetricDay.day)
    # Days without a mark have no sums, so that the range needs no list of days.
    statement: AnySelect = sa.select(ref, sa.func.sum(col(MetricDay.count))).where(
        col(MetricDay.scan_config_id) == config_id, day >= days[0], day <= days[-1], ref.in_(events)
    )
    return statement.group_by(ref)


def _of_buckets(config_id: str, start: datetime, stop: datetime | None, events: Events) -> AnySelect:
    ref = col(MetricBucket.scope_ref)
    # Event by event through the primary key; all counts of the range at once would first have to be sorted.
    statement: AnySelect = sa.select(ref, sa.func.sum(col(MetricBucket.count))).where(
        col(MetricBucket.scan_config_id) == config_id,
        col(MetricBucket.scope_type) == ScopeType.EVENT.value,
        ref.in_(events),
    )
    return between(statement, col(MetricBucket.bucket), start, stop).group_by(ref)


def _days(first: datetime, stop: datetime) -> Iterator[datetime]:
    day = first
    while day < stop:
        yield day
        day += DAY
