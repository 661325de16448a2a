"""Every query that reads stored counts per value of a column."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import ScopeType
from app.metrics.repository import AnySelect, Grid, between
from models.metrics import MetricBreakdown


def breakdown_columns(session: Session, config_id: str, scope_type: ScopeType, ref: str) -> list[str]:
    """The columns with stored counts of the scope, sorted."""
    column = col(MetricBreakdown.breakdown_column)
    smallest = sa.select(sa.func.min(column)).where(*_breakdowns_of(config_id, scope_type, ref))
    # From one column to the next through the primary key: a scope has thousands of rows and a few columns.
    walk = sa.select(smallest.scalar_subquery().label("name")).cte("walk", recursive=True)
    following = smallest.where(column > walk.c.name).scalar_subquery()
    walk = walk.union_all(sa.select(following).where(walk.c.name.is_not(None)))
    return [name for name in session.execute(sa.select(walk.c.name)).scalars() if name is not None]


def value_counts(
    session: Session,
    config_id: str,
    scope_type: ScopeType,
    ref: str,
    grid: Grid,
    column: str,
    *,
    value: tuple[str, bool] | None = None,
) -> dict[tuple[str, bool], list[int]]:
    """The counts on the grid of every (value, is_other) of the column that has any, or of the one asked for."""
    statement: AnySelect = sa.select(
        col(MetricBreakdown.breakdown_value),
        col(MetricBreakdown.is_other),
        sa.type_coerce(col(MetricBreakdown.bucket), sa.String),
        col(MetricBreakdown.count),
    ).where(*_breakdowns_of(config_id, scope_type, ref), col(MetricBreakdown.breakdown_column) == column)
    if value is not None:
        statement = statement.where(col(MetricBreakdown.breakdown_value) == value[0], col(MetricBreakdown.is_other) == value[1])
    found: dict[tuple[str, bool], list[int]] = {}
    positions = grid.positions
    # No bare column: SQLite would then take the index by time and read all scopes of the range instead of this one.
    bucket = sa.func.coalesce(col(MetricBreakdown.bucket), col(MetricBreakdown.bucket))
    for name, is_other, stored, count in session.execute(between(statement, bucket, grid.start, grid.stop)):
        position = positions.get(stored)
        if position is not None:
            counts = found.get((name, is_other))
            if counts is None:
                counts = found[(name, is_other)] = [0] * len(grid.buckets)
            counts[position] = count
    return found


def _breakdowns_of(config_id: str, scope_type: ScopeType, ref: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(MetricBreakdown.scan_config_id) == config_id,
        col(MetricBreakdown.scope_type) == scope_type.value,
        col(MetricBreakdown.scope_ref) == ref,
    )
