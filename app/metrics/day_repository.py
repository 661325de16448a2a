"""Writing whole days of every event's buckets packed, and saying which days are; what reads months reads these.

A day is believed only where it is marked as summed. The one road that writes buckets marks days and unmarks them; a day without
a mark, as every day is that something else filled, is read from the buckets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics.contracts import ScopeType
from app.metrics.count_repository import SEPARATOR
from app.metrics.repository import AnySelect
from models.metrics import MetricBucket, MetricDay, MetricSummedDay
from models.scans import ScanConfig

DAY = timedelta(days=1)
Whole = npt.NDArray[np.int64]
NUMBER_BYTES = 8
_QUIET = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class SummedDay:
    """A day to be believed; `text` is the database's own of it, `buckets` are packed."""

    day: datetime
    text: str
    buckets: bytes


def pack(values: Whole) -> bytes:
    """The numbers as they are stored."""
    return values.astype("<i8").tobytes()


def unpack(stored: bytes) -> Whole:
    """Numbers that were stored, of one row or of many one after the other."""
    return np.frombuffer(stored, dtype="<i8")


def summed_days(session: Session, config_id: str, start: datetime | None = None, stop: datetime | None = None) -> list[SummedDay]:
    """The summed days that [start, stop) touches, oldest first."""
    day = col(MetricSummedDay.day)
    statement: AnySelect = sa.select(day, sa.cast(day, sa.String).label("text"), col(MetricSummedDay.buckets)).where(
        col(MetricSummedDay.scan_config_id) == config_id
    )
    if start is not None:
        statement = statement.where(day > start - DAY)
    if stop is not None:
        statement = statement.where(day < stop)
    return [SummedDay(row[0], row[1], row[2]) for row in session.connection().execute(statement.order_by(day))]


def forget_days(session: Session, config_id: str, start: datetime, stop: datetime) -> None:
    """Believe no day that [start, stop) touches."""
    for table in (MetricSummedDay, MetricDay):
        of_window = (col(table.scan_config_id) == config_id, col(table.day) > start - DAY, col(table.day) < stop)
        session.execute(sa.delete(table).where(*of_window), execution_options=_QUIET)


def sum_days(session: Session, config_id: str, start: datetime, stop: datetime) -> None:
    """Sum the days that [start, stop) touches, once the window is written."""
    connection = session.connection()
    for day in _days(floor_to_bucket(start, Interval.DAY), stop):
        buckets, events, counts = _counted(session, config_id, day)
        totals = counts.sum(axis=1)
        of_day = {"scan_config_id": config_id, "day": day}
        mark = {"buckets": pack(buckets), "events": SEPARATOR.join(events), "totals": pack(totals), "counts": pack(counts)}
        connection.execute(sa.insert(_table(MetricSummedDay)), {**of_day, **mark})
        rows = [
            {**of_day, "event_id": event, "count": total, "counts": pack(row)}
            for event, total, row in zip(events, totals.tolist(), counts, strict=True)
        ]
        if rows:
            connection.execute(sa.insert(_table(MetricDay)), rows)


def merge_days(session: Session, merged: Sequence[str], target: str) -> None:
    """Make the days of several events those of one of them, in every scan, as their buckets are."""
    # Named scan by scan, the events are found through the primary key.
    of_events = (col(MetricDay.scan_config_id).in_(sa.select(col(ScanConfig.id))), col(MetricDay.event_id).in_(merged))
    is_of_day = (
        col(MetricDay.scan_config_id) == col(MetricSummedDay.scan_config_id),
        col(MetricDay.day) == col(MetricSummedDay.day),
        col(MetricDay.event_id).in_(merged),
    )
    keys = (col(MetricSummedDay.scan_config_id), col(MetricSummedDay.day))
    touched = session.execute(sa.select(*keys).where(sa.exists().where(*is_of_day)).order_by(*keys)).all()
    session.execute(sa.delete(MetricDay).where(*of_events), execution_options=_QUIET)
    rows = []
    for key in touched:
        # Day by day, as all of them are some megabytes; locked, as another merge may be about to write the same mark.
        mark = session.get(MetricSummedDay, tuple(key), with_for_update=True, populate_existing=True)
        if mark is None:
            continue
        events, counts = _merged(mark, merged, target)
        totals = counts.sum(axis=1)
        mark.events, mark.totals, mark.counts = SEPARATOR.join(events), pack(totals), pack(counts)
        place = events.index(target)
        of_day = {"scan_config_id": mark.scan_config_id, "event_id": target, "day": mark.day}
        rows.append({**of_day, "count": int(totals[place]), "counts": pack(counts[place])})
        session.flush()
        session.expunge(mark)
    if rows:
        session.connection().execute(sa.insert(_table(MetricDay)), rows)


def _merged(mark: MetricSummedDay, merged: Sequence[str], target: str) -> tuple[list[str], Whole]:
    """The events of the day and their counts, once several are one."""
    before = dict(
        zip(mark.events.split(SEPARATOR), unpack(mark.counts).reshape(-1, len(mark.buckets) // NUMBER_BYTES), strict=True)
    )
    summed = sum(before.pop(event) for event in merged if event in before)
    after = {**before, target: summed}
    events = sorted(after)
    return events, np.array([after[event] for event in events], dtype=np.int64)


def _counted(session: Session, config_id: str, day: datetime) -> tuple[Whole, list[str], Whole]:
    """The buckets of the day, its events, and the count of every event in every bucket."""
    bucket = col(MetricBucket.bucket)
    refs, values = (
        sa.func.aggregate_strings(sa.cast(one, sa.String), SEPARATOR)
        for one in (col(MetricBucket.scope_ref), col(MetricBucket.count))
    )
    packed: AnySelect = sa.select(bucket, refs, values).where(
        col(MetricBucket.scan_config_id) == config_id,
        col(MetricBucket.scope_type) == ScopeType.EVENT.value,
        bucket >= day,
        bucket < day + DAY,
    )
    rows = session.connection().execute(packed.group_by(bucket).order_by(bucket)).all()
    columns: list[list[str]] = [row[1].split(SEPARATOR) for row in rows]
    events = sorted(set().union(*columns))
    places = {event: place for place, event in enumerate(events)}
    counts = np.zeros((len(events), len(rows)), dtype=np.int64)
    for number, (column, row) in enumerate(zip(columns, rows, strict=True)):
        counts[[places[ref] for ref in column], number] = np.fromstring(row[2], dtype=np.int64, sep=SEPARATOR)
    return np.array([int(row[0].timestamp()) for row in rows], dtype=np.int64), events, counts


def _table(model: Any) -> sa.Table:
    return cast(sa.Table, model.__table__)


def _days(first: datetime, stop: datetime) -> Iterator[datetime]:
    day = first
    while day < stop:
        yield day
        day += DAY
