"""Every query that ranks events by volume: over a month it reads whole days that are summed instead of millions of buckets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import ScopeType
from app.metrics.count_repository import SEPARATOR
from app.metrics.day_repository import DAY, SummedDay, Whole, summed_days, unpack
from app.metrics.repository import AnySelect, between
from models.metrics import MetricBucket, MetricDay, MetricSummedDay
from models.plan import Event

# Of the events asked for, so many that a statement may name them.
_REFS_PER_STATEMENT = 5_000
Events: TypeAlias = "Sequence[str] | sa.Select[Any]"


def totals_since(
    session: Session, project_id: str, config_id: str, since: datetime, event_ids: Sequence[str] | None
) -> Counter[str]:
    """Volume by event of the buckets at or after `since`, of the events asked for or of all of the project."""
    for _ in range(2):
        days = summed_days(session, config_id, since)
        totals = _totals(session, project_id, config_id, since, days, event_ids)
        # PostgreSQL shows each statement what others have committed by then: a day may have lost its sum on the way.
        if days == summed_days(session, config_id, since):
            return totals
    return _totals(session, project_id, config_id, since, [], event_ids)


def _totals(
    session: Session, project_id: str, config_id: str, since: datetime, days: Sequence[SummedDay], event_ids: Sequence[str] | None
) -> Counter[str]:
    gaps = [gap for gap in _gaps(since, days) if _has_counts(session, config_id, *gap)]
    whole = [one.day for one in days if one.day >= since]
    if event_ids is None:
        totals = _totals_of_all(session, config_id, whole)
        if session.get_bind().dialect.name == "sqlite":
            totals.update(_in_gaps_of_all(session, config_id, gaps))
            gaps = []
    else:
        totals = Counter()
    for some in _choices(project_id, event_ids):
        statements = [_of_buckets(config_id, start, stop, some) for start, stop in gaps]
        if whole and event_ids is not None:
            statements.append(_of_days(config_id, whole, some))
        for statement in statements:
            for ref, total in session.connection().execute(statement):
                totals[ref] += int(total)
        if days and days[0].day < since:
            totals.update(_since(session, config_id, since, days[0], None if event_ids is None else some))
    if event_ids is not None:
        return totals
    events = set(session.connection().execute(_events_of(project_id)).scalars())
    return Counter({ref: total for ref, total in totals.items() if ref in events})


def _totals_of_all(session: Session, config_id: str, days: Sequence[datetime]) -> Counter[str]:
    """The sums of these days, whose marks hold them side by side; a range is enough, other days of it have no mark."""
    if not days:
        return Counter()
    day = col(MetricSummedDay.day)
    statement = sa.select(col(MetricSummedDay.events), col(MetricSummedDay.totals)).where(
        col(MetricSummedDay.scan_config_id) == config_id, day >= days[0], day <= days[-1]
    )
    return _added_up((events, unpack(totals)) for events, totals in session.connection().execute(statement))


def _in_gaps_of_all(session: Session, config_id: str, gaps: Sequence[tuple[datetime, datetime | None]]) -> Counter[str]:
    """Bucket by bucket as they lie; SQLite would look each event up to group by it."""
    totals: Counter[str] = Counter()
    for gap in gaps:
        bucket, *of_buckets = _within(config_id, *gap)
        columns = (col(MetricBucket.scope_ref), col(MetricBucket.count))
        texts = (sa.func.aggregate_strings(sa.cast(one, sa.String), SEPARATOR) for one in columns)
        statement: AnySelect = sa.select(*texts).where(*of_buckets).group_by(bucket)
        rows = session.connection().execute(statement)
        totals.update(_added_up((row[0], np.fromstring(row[1], dtype=np.int64, sep=SEPARATOR)) for row in rows))
    return totals


def _added_up(packed: Iterator[tuple[str, Whole]]) -> Counter[str]:
    # Mostly the same events are counted every time; their counts are added up as arrays.
    sums: dict[str, Whole] = {}
    for refs, counts in packed:
        sums[refs] = sums[refs] + counts if refs in sums else counts
    totals: Counter[str] = Counter()
    for refs, summed in sums.items():
        if refs:
            totals.update(dict(zip(refs.split(SEPARATOR), summed.tolist(), strict=True)))
    return totals


def _since(session: Session, config_id: str, since: datetime, day: SummedDay, events: Events | None) -> dict[str, int]:
    """The volume of the day's buckets at or after `since`, of the events given or of all as their mark holds them."""
    buckets = unpack(day.buckets)
    is_later = buckets >= since.timestamp()
    if not is_later.any():
        return {}
    if events is None:
        of_day = (col(MetricSummedDay.scan_config_id) == config_id, col(MetricSummedDay.day) == day.day)
        mark = sa.select(col(MetricSummedDay.events), col(MetricSummedDay.counts)).where(*of_day)
        joined, stored = session.connection().execute(mark).one_or_none() or ("", b"")
        refs = joined.split(SEPARATOR)
    else:
        ref = col(MetricDay.event_id)
        of_events = (col(MetricDay.scan_config_id) == config_id, col(MetricDay.day) == day.day, ref.in_(events))
        rows = session.connection().execute(sa.select(ref, col(MetricDay.counts)).where(*of_events)).all()
        refs, stored = [row[0] for row in rows], b"".join(row[1] for row in rows)
    if len(stored) != len(refs) * len(day.buckets):
        return {}  # another run has just written the day; the marks have changed, and the caller reads again
    counts = unpack(stored).reshape(len(refs), buckets.size)[:, is_later].sum(axis=1)
    # An event that was counted earlier on that day only has no volume in the window.
    return {one: total for one, total in zip(refs, counts.tolist(), strict=True) if total}


def _choices(project_id: str, event_ids: Sequence[str] | None) -> list[Events]:
    if event_ids is None:
        return [_events_of(project_id)]
    return [event_ids[first : first + _REFS_PER_STATEMENT] for first in range(0, len(event_ids), _REFS_PER_STATEMENT)]


def _events_of(project_id: str) -> sa.Select[Any]:
    return sa.select(col(Event.id)).where(col(Event.project_id) == project_id)


def _has_counts(session: Session, config_id: str, start: datetime, stop: datetime | None) -> bool:
    """Whether any event has a bucket in the stretch: one look instead of one for every event, mostly into the time to come."""
    statement: AnySelect = sa.select(col(MetricBucket.bucket)).where(
        col(MetricBucket.scan_config_id) == config_id, col(MetricBucket.scope_type) == ScopeType.EVENT.value
    )
    some = between(statement, col(MetricBucket.bucket), start, stop).order_by(col(MetricBucket.bucket)).limit(1)
    return session.execute(some).first() is not None


def _gaps(since: datetime, days: Sequence[SummedDay]) -> Iterator[tuple[datetime, datetime | None]]:
    """The stretches from `since` on that no summed day covers; the last one has no end."""
    start = since
    for one in days:
        if start < one.day:
            yield start, one.day
        start = one.day + DAY
    yield start, None


def _of_days(config_id: str, days: Sequence[datetime], events: Events) -> AnySelect:
    ref, day = col(MetricDay.event_id), col(MetricDay.day)
    of_days = (col(MetricDay.scan_config_id) == config_id, day >= days[0], day <= days[-1])
    statement: AnySelect = sa.select(ref, sa.func.sum(col(MetricDay.count))).where(*of_days, ref.in_(events))
    return statement.group_by(ref)


def _of_buckets(config_id: str, start: datetime, stop: datetime | None, events: Events) -> AnySelect:
    ref = col(MetricBucket.scope_ref)
    _, *of_buckets = _within(config_id, start, stop)
    # Event by event through the primary key; all counts of the range at once would first have to be sorted.
    statement: AnySelect = sa.select(ref, sa.func.sum(col(MetricBucket.count))).where(*of_buckets, ref.in_(events))
    return statement.group_by(ref)


def _within(config_id: str, start: datetime, stop: datetime | None) -> tuple[Any, ...]:
    """The column of buckets, and the conditions for counts of events in [start, stop)."""
    bucket = col(MetricBucket.bucket)
    of_config = (col(MetricBucket.scan_config_id) == config_id, col(MetricBucket.scope_type) == ScopeType.EVENT.value)
    return bucket, *of_config, bucket >= start, *(() if stop is None else (bucket < stop,))
