"""Every query that reads stored counts per value of a column."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import ScopeType
from app.metrics.count_repository import SEPARATOR
from app.metrics.grid_repository import Grid, packed_on_grid
from app.metrics.repository import AnySelect, between
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
    name, is_other = col(MetricBreakdown.breakdown_value), col(MetricBreakdown.is_other)
    bucket, count = col(MetricBreakdown.bucket), col(MetricBreakdown.count)
    # Two texts for each value instead of a row for each count, which costs Python more than the database.
    packed = (sa.func.aggregate_strings(sa.cast(one, sa.String), SEPARATOR) for one in (bucket, count))
    statement: AnySelect = (
        sa.select(name, is_other, *packed)
        .where(*_breakdowns_of(config_id, scope_type, ref), col(MetricBreakdown.breakdown_column) == column)
        .group_by(name, is_other)
    )
    if value is not None:
        statement = statement.where(name == value[0], is_other == value[1])
    # No bare column: SQLite would then take the index by time and read all scopes of the range instead of this one.
    statement = between(statement, sa.func.coalesce(bucket, bucket), grid.start, grid.stop)
    return {(row[0], bool(row[1])): packed_on_grid(grid, row[2], row[3]) for row in session.connection().execute(statement)}


def _breakdowns_of(config_id: str, scope_type: ScopeType, ref: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(MetricBreakdown.scan_config_id) == config_id,
        col(MetricBreakdown.scope_type) == scope_type.value,
        col(MetricBreakdown.scope_ref) == ref,
    )
