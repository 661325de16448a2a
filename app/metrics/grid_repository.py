"""Every query that reads counts of charts: on the grid of the collected buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

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
    positions: dict[str, int]
    joined: str


def covered_grid(session: Session, config_id: str, start: datetime | None = None, stop: datetime | None = None) -> Grid:
    """The grid that charts of [start, stop) are drawn on."""
    bucket = col(MetricCoverage.bucket)
    packed = sa.func.aggregate_strings(sa.cast(bucket, sa.String), SEPARATOR)
    statement: AnySelect = sa.select(packed).where(col(MetricCoverage.scan_config_id) == config_id)
    joined = session.execute(between(statement, bucket, start, stop)).scalar_one() or ""
    found = sorted((as_utc(datetime.fromisoformat(text)), text) for text in joined.split(SEPARATOR) if text)
    positions = {text: position for position, (_, text) in enumerate(found)}
    return Grid(start, stop, [bucket for bucket, _ in found], positions, SEPARATOR.join(positions))


def scope_counts(session: Session, config_id: str, scope_type: ScopeType, ref: str, grid: Grid) -> list[int]:
    """The counts of one scope on the grid; the project total is the sum over the event-type rows."""
    bucket, count = sa.cast(col(MetricBucket.bucket), sa.String), col(MetricBucket.count)
    of_config = col(MetricBucket.scan_config_id) == config_id
    statement: AnySelect
    if scope_type is ScopeType.PROJECT_TOTAL:
        of_types = col(MetricBucket.scope_type) == ScopeType.EVENT_TYPE.value
        statement = sa.select(bucket, sa.func.sum(count)).where(of_config, of_types).group_by(col(MetricBucket.bucket))
    else:
        of_scope = (col(MetricBucket.scope_type) == scope_type.value, col(MetricBucket.scope_ref) == ref)
        statement = sa.select(bucket, count).where(of_config, *of_scope)
    return _on_grid(session, statement, grid)


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
    counted: AnySelect = sa.select(col(MetricBucket.bucket), col(MetricBucket.count)).where(
        col(MetricBucket.scan_config_id) == config.id,
        col(MetricBucket.scope_type) == ScopeType.EVENT.value,
        col(MetricBucket.scope_ref).in_(events),
    )
    counted = between(counted, col(MetricBucket.bucket), grid.start, grid.stop)
    # Set apart from the sum, so that each event is looked up: grouped at once, SQLite reads every event of the range in time order.
    rows = counted.cte("counted").prefix_with("MATERIALIZED")
    summed = sa.select(sa.cast(rows.c.bucket, sa.String), sa.func.sum(rows.c.count)).group_by(rows.c.bucket)
    return _on_grid(session, summed, replace(grid, start=None, stop=None))
