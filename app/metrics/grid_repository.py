"""Every query that reads counts of charts: on the grid of the collected buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.clock import as_utc
from app.kernel.database import read_once
from app.metrics.contracts import ScopeType
from app.metrics.count_repository import SEPARATOR
from app.metrics.day_repository import SummedDay, Whole, summed_days, unpack
from app.metrics.repository import AnySelect, between
from models.metrics import MetricBucket, MetricCoverage, MetricDay
from models.plan import Event, PlanBranch
from models.plan_entities import EventTag
from models.scans import ScanConfig

_DAY_SECONDS = 24 * 60 * 60
_COUNTS = msgspec.json.Decoder(list[int])


@dataclass(frozen=True, slots=True)
class Grid:
    """The collected buckets of [start, stop), oldest first.

    `positions` finds a bucket by the database's own text of it, and `joined` is all these texts: reading thousands of counts
    makes no instants of them.
    """

    start: datetime | None
    stop: datetime | None
    buckets: list[datetime]
    positions: Mapping[str, int]
    joined: str

    def part(self, first: int, stop: int) -> Grid:
        """Its buckets of these places alone, one at least."""
        texts = list(self.positions)[first:stop]
        positions = {text: position for position, text in enumerate(texts)}
        buckets = self.buckets[first:stop]
        end = self.stop if stop == len(self.buckets) else self.buckets[stop]
        return Grid(buckets[0], end, buckets, positions, SEPARATOR.join(texts))

    def newest(self, count: int) -> Grid:
        """Its newest buckets alone; of a grid that has more of them."""
        return self.part(len(self.buckets) - count, len(self.buckets))


NO_BUCKETS = Grid(None, None, [], {}, "")


def covered_grid(session: Session, config_id: str, start: datetime | None = None, stop: datetime | None = None) -> Grid:
    """The grid that charts of [start, stop) are drawn on."""

    def read() -> Grid:
        given = bounds(start, stop) | {"config_id": config_id}
        packed = session.connection().execute(_covered(start is not None, stop is not None), given).scalar_one()
        buckets, positions, joined = _parsed(packed or "")
        return Grid(start, stop, list(buckets), positions, joined)

    return read_once(session, ("grid", config_id, start, stop), read) or NO_BUCKETS


@lru_cache(maxsize=4)
def _covered(has_start: bool, has_stop: bool) -> AnySelect:
    bucket = col(MetricCoverage.bucket)
    packed = sa.func.aggregate_strings(sa.cast(bucket, sa.String), SEPARATOR)
    of_config = sa.select(packed).where(col(MetricCoverage.scan_config_id) == sa.bindparam("config_id"))
    return within_bounds(of_config, bucket, has_start, has_stop)


def bounds(start: datetime | None, stop: datetime | None) -> dict[str, Any]:
    """The parameters of a statement made with `within_bounds`."""
    return {name: moment for name, moment in (("start", start), ("stop", stop)) if moment is not None}


def within_bounds(statement: AnySelect, bucket: Any, has_start: bool, has_stop: bool) -> AnySelect:
    """The statement for rows of [start, stop) alone, which are its parameters `start` and `stop`."""
    if has_start:
        statement = statement.where(bucket >= sa.bindparam("start"))
    if has_stop:
        statement = statement.where(bucket < sa.bindparam("stop"))
    return statement


@lru_cache(maxsize=16)
def _parsed(joined: str) -> tuple[tuple[datetime, ...], dict[str, int], str]:
    """What a grid holds of a text of buckets, oldest first: one page asks several times for the same ones."""
    found = sorted((as_utc(datetime.fromisoformat(text)), text) for text in joined.split(SEPARATOR) if text)
    positions = {text: position for position, (_, text) in enumerate(found)}
    return tuple(bucket for bucket, _ in found), positions, SEPARATOR.join(positions)


def scope_counts(session: Session, config_id: str, scope_type: ScopeType, ref: str, grid: Grid) -> list[int]:
    """The counts of one scope on the grid; the project total is the sum over the event-type rows."""
    bucket, count = sa.cast(col(MetricBucket.bucket), sa.String), col(MetricBucket.count)
    of_config = col(MetricBucket.scan_config_id) == config_id
    if scope_type is ScopeType.PROJECT_TOTAL:
        of_types = col(MetricBucket.scope_type) == ScopeType.EVENT_TYPE.value
        summed: AnySelect = sa.select(bucket, sa.func.sum(count)).where(of_config, of_types).group_by(col(MetricBucket.bucket))
        return _on_grid(session, summed, grid)
    given = bounds(grid.start, grid.stop) | {"config_id": config_id, "scope_type": scope_type.value, "ref": ref}
    row = session.connection().execute(_of_scope(grid.start is not None, grid.stop is not None), given).one()
    return packed_on_grid(grid, row[0], row[1]) if row[0] else [0] * len(grid.buckets)


@lru_cache(maxsize=4)
def _of_scope(has_start: bool, has_stop: bool) -> AnySelect:
    of_scope = sa.select(*_packed()).where(
        col(MetricBucket.scan_config_id) == sa.bindparam("config_id"),
        col(MetricBucket.scope_type) == sa.bindparam("scope_type"),
        col(MetricBucket.scope_ref) == sa.bindparam("ref"),
    )
    return within_bounds(of_scope, col(MetricBucket.bucket), has_start, has_stop)


def packed_on_grid(grid: Grid, buckets: str, counts: str) -> list[int]:
    """The counts on the grid of one series that the database packed into a text of buckets and one of counts."""
    values = _COUNTS.decode(f"[{counts}]")
    # The usual series has a count in every collected bucket: one comparison of text instead of a look-up for each.
    if buckets == grid.joined:
        return values
    found = [0] * len(grid.buckets)
    for bucket, count in zip(buckets.split(SEPARATOR), values, strict=True):
        position = grid.positions.get(bucket)
        if position is not None:
            found[position] = count
    return found


def _packed() -> tuple[sa.ColumnElement[str], sa.ColumnElement[str]]:
    bucket, count = (sa.cast(one, sa.String) for one in (col(MetricBucket.bucket), col(MetricBucket.count)))
    return sa.func.aggregate_strings(bucket, SEPARATOR), sa.func.aggregate_strings(count, SEPARATOR)


def _on_grid(session: Session, statement: AnySelect, grid: Grid) -> list[int]:
    counts = [0] * len(grid.buckets)
    positions = grid.positions
    for stored, count in session.connection().execute(between(statement, col(MetricBucket.bucket), grid.start, grid.stop)):
        position = positions.get(stored)
        if position is not None:
            counts[position] = int(count)
    return counts


def filtered_counts(
    session: Session,
    config: ScanConfig,
    *,
    event_type_id: str | None,
    search: str | None,
    tag: str | None,
    statuses: Sequence[str],
    grid: Grid,
) -> list[int]:
    """Volume on the grid of the events on main that meet every condition given."""
    events = (
        sa.select(col(Event.id))
        .join(PlanBranch, col(PlanBranch.id) == col(Event.branch_id))
        .where(col(Event.project_id) == config.project_id, col(PlanBranch.kind) == "main")
    )
    if event_type_id is not None:
        events = events.where(col(Event.event_type_id) == event_type_id)
    if search:
        events = events.where(col(Event.name).icontains(search, autoescape=True))
    if tag:
        events = events.where(col(Event.id).in_(sa.select(col(EventTag.event_id)).where(col(EventTag.name) == tag.strip().lower())))
    if statuses:
        events = events.where(col(Event.status).in_(statuses))
    for _ in range(2):
        days = summed_days(session, config.id, grid.start, grid.stop)
        counts = _of_events(session, config.id, events, grid, days)
        # PostgreSQL shows each statement what others have committed by then: a day may have been written anew on the way.
        if days == summed_days(session, config.id, grid.start, grid.stop):
            return counts
    return _of_events(session, config.id, events, grid, [])


def _of_events(session: Session, config_id: str, events: AnySelect, grid: Grid, days: Sequence[SummedDay]) -> list[int]:
    """The sum over the events: of days that are summed from their packed rows, of the others bucket by bucket."""
    if not grid.buckets:
        return []
    moments = np.array([int(bucket.timestamp()) for bucket in grid.buckets], dtype=np.int64)
    total = _of_days(session, config_id, events, moments, days)
    is_summed = np.isin(moments // _DAY_SECONDS, [int(one.day.timestamp()) // _DAY_SECONDS for one in days])
    for is_known, run in groupby(range(len(moments)), key=is_summed.tolist().__getitem__):
        if not is_known:
            places = list(run)
            total[places] = _of_buckets(session, config_id, events, grid.part(places[0], places[-1] + 1))
    return [int(count) for count in total]


def _of_days(session: Session, config_id: str, events: AnySelect, moments: Whole, days: Sequence[SummedDay]) -> Whole:
    total = np.zeros(len(moments), dtype=np.int64)
    if not days:
        return total
    ref, day = col(MetricDay.event_id), col(MetricDay.day)
    texts: Any = sa.func.aggregate_strings(sa.cast(day, sa.String), SEPARATOR)
    # Event by event as they lie, in a text each: a row of its own for every day costs Python more than its arithmetic.
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    joined: Any = (
        sa.func.aggregate_strings(sa.func.hex(col(MetricDay.counts)), "")
        if is_sqlite
        else sa.func.string_agg(col(MetricDay.counts), sa.literal(b"", sa.LargeBinary()), type_=sa.LargeBinary())
    )
    of_events = (col(MetricDay.scan_config_id) == config_id, ref.in_(events), day >= days[0].day, day <= days[-1].day)
    # Mostly the same days are counted for every event; their counts are added up as arrays.
    sums: dict[str, Whole] = {}
    for names, packed in session.connection().execute(sa.select(texts, joined).where(*of_events).group_by(ref)):
        counts = unpack(bytes.fromhex(packed) if is_sqlite else packed)
        before = sums.get(names)
        if before is None:
            sums[names] = counts.copy()
        elif before.size == counts.size:
            before += counts
    by_text = {one.text: unpack(one.buckets) for one in days}
    for names, counts in sums.items():
        known = [by_text[name] for name in names.split(SEPARATOR) if name in by_text]
        buckets = np.concatenate(known) if known else moments[:0]
        if buckets.size != counts.size:
            continue  # another run has just written a day; the marks have changed, and the caller reads again
        places = np.minimum(np.searchsorted(moments, buckets), len(moments) - 1)
        is_shown = moments[places] == buckets
        total[places[is_shown]] += counts[is_shown]
    return total


def _of_buckets(session: Session, config_id: str, events: AnySelect, grid: Grid) -> list[int]:
    of_events = (
        col(MetricBucket.scan_config_id) == config_id,
        col(MetricBucket.scope_type) == ScopeType.EVENT.value,
        col(MetricBucket.scope_ref).in_(events),
    )
    if session.get_bind().dialect.name == "sqlite":
        return _added_up(session, of_events, grid)
    counted: AnySelect = sa.select(col(MetricBucket.bucket), col(MetricBucket.count)).where(*of_events)
    rows = between(counted, col(MetricBucket.bucket), grid.start, grid.stop).cte("counted").prefix_with("MATERIALIZED")
    summed = sa.select(sa.cast(rows.c.bucket, sa.String), sa.func.sum(rows.c.count)).group_by(rows.c.bucket)
    return _on_grid(session, summed, replace(grid, start=None, stop=None))


def _added_up(session: Session, of_events: tuple[sa.ColumnElement[bool], ...], grid: Grid) -> list[int]:
    """The sum over the events, series by series as they lie; SQLite would have to sort every count by its bucket first."""
    packed: AnySelect = sa.select(*_packed()).where(*of_events).group_by(col(MetricBucket.scope_ref))
    total = np.zeros(len(grid.buckets), dtype=np.int64)
    for buckets, counts in session.connection().execute(between(packed, col(MetricBucket.bucket), grid.start, grid.stop)):
        if buckets == grid.joined:
            total += np.fromstring(counts, dtype=np.int64, sep=SEPARATOR)
        else:
            total += np.array(packed_on_grid(grid, buckets, counts), dtype=np.int64)
    return [int(count) for count in total]
