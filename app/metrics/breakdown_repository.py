"""Every query that reads stored counts per value of a column."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import ScopeType
from app.metrics.count_repository import SEPARATOR
from app.metrics.grid_repository import Grid, packed_on_grid
from app.metrics.repository import between
from models.metrics import MetricBreakdown

# Between the buckets and the counts of one value.
_AND = ";"


def breakdown_columns(session: Session, config_id: str, scope_type: ScopeType, ref: str) -> list[str]:
    """The columns with stored counts of the scope, sorted."""
    walk = _walk(col(MetricBreakdown.breakdown_column), _breakdowns_of(config_id, scope_type, ref))
    return [name for name in session.connection().execute(sa.select(walk.c.name)).scalars() if name is not None]


def breakdown_values(session: Session, config_id: str, scope_type: ScopeType, ref: str, column: str) -> list[str]:
    """The values of the column that the scope ever had a count for; `is_other` is no part of them."""
    walk = _walk(col(MetricBreakdown.breakdown_value), _breakdowns_of(config_id, scope_type, ref, column))
    return [name for name in session.connection().execute(sa.select(walk.c.name)).scalars() if name is not None]


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
    of_column = _breakdowns_of(config_id, scope_type, ref, column)
    if value is None:
        # Value by value through the primary key: all at once, a week would be read out of every count ever stored.
        walk = _walk(col(MetricBreakdown.breakdown_value), of_column)
        kinds = sa.union_all(sa.select(sa.false().label("is_other")), sa.select(sa.true())).subquery("kinds")
        name, is_other = walk.c.name, kinds.c.is_other
        statement = sa.select(name, is_other, _packed(of_column, name, is_other, grid)).select_from(
            sa.join(walk, kinds, walk.c.name.is_not(None))
        )
    else:
        statement = sa.select(sa.literal(value[0]), sa.literal(value[1]), _packed(of_column, value[0], value[1], grid))
    found = {}
    for name, is_other, packed in session.connection().execute(statement):
        if packed:
            buckets, _, counts = packed.partition(_AND)
            found[(name, bool(is_other))] = packed_on_grid(grid, buckets, counts)
    return found


def _packed(of_column: tuple[sa.ColumnElement[bool], ...], name: Any, is_other: Any, grid: Grid) -> sa.ScalarSelect[str]:
    """One text of buckets and counts instead of a row for each count, which costs Python more than the database."""
    bucket, count = col(MetricBreakdown.bucket), col(MetricBreakdown.count)
    buckets, counts = (sa.func.aggregate_strings(sa.cast(one, sa.String), SEPARATOR) for one in (bucket, count))
    one = sa.select(buckets.concat(_AND).concat(counts)).where(
        *of_column, col(MetricBreakdown.breakdown_value) == name, col(MetricBreakdown.is_other) == is_other
    )
    return between(one, bucket, grid.start, grid.stop).scalar_subquery()


def _walk(column: Any, of_scope: tuple[sa.ColumnElement[bool], ...]) -> sa.CTE:
    """What a column of the primary key holds, sorted, and a null at the end.

    From one value to the next through the key: a scope has thousands of rows and a few values.
    """
    smallest = sa.select(sa.func.min(column)).where(*of_scope)
    walk = sa.select(smallest.scalar_subquery().label("name")).cte("walk", recursive=True)
    following = smallest.where(column > walk.c.name).scalar_subquery()
    return walk.union_all(sa.select(following).where(walk.c.name.is_not(None)))


def _breakdowns_of(
    config_id: str, scope_type: ScopeType, ref: str, column: str | None = None
) -> tuple[sa.ColumnElement[bool], ...]:
    of_scope = (
        col(MetricBreakdown.scan_config_id) == config_id,
        col(MetricBreakdown.scope_type) == scope_type.value,
        col(MetricBreakdown.scope_ref) == ref,
    )
    return of_scope if column is None else (*of_scope, col(MetricBreakdown.breakdown_column) == column)
