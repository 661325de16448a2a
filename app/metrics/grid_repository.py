"""Every query that reads counts of charts: on the grid of the collected buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.clock import as_utc
from app.metrics.contracts import ScopeType
from app.metrics.count_repository import SEPARATOR
from app.metrics.repository import AnySelect, between
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, PlanBranch
from models.plan_entities import EventTag
from models.scans import ScanConfig


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


def covered_grid(session: Session, config_id: str, start: datetime | None = None, stop: datetime | None = None) -> Grid:
    """The grid that charts of [start, stop) are drawn on."""
    bucket = col(MetricCoverage.bucket)
    packed = sa.func.aggregate_strings(sa.cast(bucket, sa.String), SEPARATOR)
    statement: AnySelect = sa.select(packed).where(col(MetricCoverage.scan_config_id) == config_id)
    joined = session.execute(between(statement, bucket, start, stop)).scalar_one() or ""
    buckets, positions = _parsed(joined)
    return Grid(start, stop, list(buckets), positions, SEPARATOR.join(positions))


@lru_cache(maxsize=16)
def _parsed(joined: str) -> tuple[tuple[datetime, ...], dict[str, int]]:
    """The buckets of a text, oldest first, and their positions: one page asks several times for the same ones."""
    found = sorted((as_utc(datetime.fromisoformat(text)), text) for text in joined.split(SEPARATOR) if text)
    return tuple(bucket for bucket, _ in found), {text: position for position, (_, text) in enumerate(found)}


def scope_counts(session: Session, config_id: str, scope_type: ScopeType, ref: str, grid: Grid) -> list[int]:
    """The counts of one scope on the grid; the project total is the sum over the event-type rows."""
    bucket, count = sa.cast(col(MetricBucket.bucket), sa.String), col(MetricBucket.count)
    of_config = col(MetricBucket.scan_config_id) == config_id
    if scope_type is ScopeType.PROJECT_TOTAL:
        of_types = col(MetricBucket.scope_type) == ScopeType.EVENT_TYPE.value
        summed: AnySelect = sa.select(bucket, sa.func.sum(count)).where(of_config, of_types).group_by(col(MetricBucket.bucket))
        return _on_grid(session, summed, grid)
    of_scope = (col(MetricBucket.scope_type) == scope_type.value, col(MetricBucket.scope_ref) == ref)
    packed: AnySelect = sa.select(*_packed()).where(of_config, *of_scope)
    row = session.connection().execute(between(packed, col(MetricBucket.bucket), grid.start, grid.stop)).one()
    return packed_on_grid(grid, row[0], row[1]) if row[0] else [0] * len(grid.buckets)


def packed_on_grid(grid: Grid, buckets: str, counts: str) -> list[int]:
    """The counts on the grid of one series that the database packed into a text of buckets and one of counts."""
    values = list(map(int, counts.split(SEPARATOR)))
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
    of_events = (
        col(MetricBucket.scan_config_id) == config.id,
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
