"""Every query that reads stored counts per value of a column."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import ScopeType
from app.metrics.count_repository import SEPARATOR
from app.metrics.grid_repository import Grid, bounds, packed_on_grid, within_bounds
from app.metrics.repository import AnySelect
from models.metrics import MetricBreakdown

# Between the buckets and the counts of one value.
_AND = ";"


def breakdown_columns(session: Session, config_id: str, scope_type: ScopeType, ref: str) -> list[str]:
    """The columns with stored counts of the scope, sorted."""
    found = session.connection().execute(_columns(), _scope(config_id, scope_type, ref)).scalars()
    return [name for name in found if name is not None]


def breakdown_values(session: Session, config_id: str, scope_type: ScopeType, ref: str, column: str) -> list[str]:
    """The values of the column that the scope ever had a count for; `is_other` is no part of them."""
    found = session.connection().execute(_values(), _scope(config_id, scope_type, ref) | {"column": column}).scalars()
    return [name for name in found if name is not None]


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
    is_bounded = (grid.start is not None, grid.stop is not None)
    given = _scope(config_id, scope_type, ref) | bounds(grid.start, grid.stop) | {"column": column}
    if value is None:
        rows = session.connection().execute(_every_value(*is_bounded), given)
    else:
        rows = session.connection().execute(_one_value(*is_bounded), given | {"value": value[0], "is_other": value[1]})
    found = {}
    for name, is_other, packed in rows:
        if packed:
            buckets, _, counts = packed.partition(_AND)
            found[(name, bool(is_other))] = packed_on_grid(grid, buckets, counts)
    return found


# The statements are put together once: a page asks a handful of them, and making one takes longer than its answer.


def _scope(config_id: str, scope_type: ScopeType, ref: str) -> dict[str, Any]:
    return {"config_id": config_id, "scope_type": scope_type.value, "ref": ref}


@lru_cache(maxsize=1)
def _columns() -> AnySelect:
    return sa.select(_walk(col(MetricBreakdown.breakdown_column), _of_scope()).c.name)


@lru_cache(maxsize=1)
def _values() -> AnySelect:
    return sa.select(_walk(col(MetricBreakdown.breakdown_value), _of_column()).c.name)


@lru_cache(maxsize=4)
def _every_value(has_start: bool, has_stop: bool) -> AnySelect:
    # Value by value through the primary key: all at once, a week would be read out of every count ever stored.
    walk = _walk(col(MetricBreakdown.breakdown_value), _of_column())
    kinds = sa.union_all(sa.select(sa.false().label("is_other")), sa.select(sa.true())).subquery("kinds")
    name, is_other = walk.c.name, kinds.c.is_other
    return sa.select(name, is_other, _packed(name, is_other, has_start, has_stop)).select_from(
        sa.join(walk, kinds, walk.c.name.is_not(None))
    )


@lru_cache(maxsize=4)
def _one_value(has_start: bool, has_stop: bool) -> AnySelect:
    name, is_other = sa.bindparam("value", type_=sa.String), sa.bindparam("is_other", type_=sa.Boolean)
    return sa.select(name, is_other, _packed(name, is_other, has_start, has_stop))


def _packed(name: Any, is_other: Any, has_start: bool, has_stop: bool) -> sa.ScalarSelect[str]:
    """One text of buckets and counts instead of a row for each count, which costs Python more than the database."""
    bucket, count = col(MetricBreakdown.bucket), col(MetricBreakdown.count)
    buckets, counts = (sa.func.aggregate_strings(sa.cast(one, sa.String), SEPARATOR) for one in (bucket, count))
    one = sa.select(buckets.concat(_AND).concat(counts)).where(
        *_of_column(), col(MetricBreakdown.breakdown_value) == name, col(MetricBreakdown.is_other) == is_other
    )
    return within_bounds(one, bucket, has_start, has_stop).scalar_subquery()


def _walk(column: Any, of_scope: tuple[sa.ColumnElement[bool], ...]) -> sa.CTE:
    """What a column of the primary key holds, sorted, and a null at the end.

    From one value to the next through the key: a scope has thousands of rows and a few values.
    """
    smallest = sa.select(sa.func.min(column)).where(*of_scope)
    walk = sa.select(smallest.scalar_subquery().label("name")).cte("walk", recursive=True)
    following = smallest.where(column > walk.c.name).scalar_subquery()
    return walk.union_all(sa.select(following).where(walk.c.name.is_not(None)))


def _of_scope() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(MetricBreakdown.scan_config_id) == sa.bindparam("config_id"),
        col(MetricBreakdown.scope_type) == sa.bindparam("scope_type"),
        col(MetricBreakdown.scope_ref) == sa.bindparam("ref"),
    )


def _of_column() -> tuple[sa.ColumnElement[bool], ...]:
    return (*_of_scope(), col(MetricBreakdown.breakdown_column) == sa.bindparam("column"))
