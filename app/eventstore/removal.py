"""Taking some rows of a project out of the event store, month by month, so that no step takes long and each can be repeated."""

from __future__ import annotations

from app.eventstore.schema import PROJECT_TABLES, TIME_COLUMN

_OWNED = "tenant_id = {{tenant:String}} AND project_id = {{project:String}}"

STILL_REWRITING = """
SELECT count() FROM system.mutations
WHERE database = '{database}' AND table = {{table:String}} AND NOT is_done
"""
"""Removals that were begun and have not ended, also by somebody who did not wait for them."""


def count_by_month(table: str, condition: str) -> str:
    """The query of `EventStore.count_by_month`; ValueError for a table without rows of projects."""
    column = _time_column(table)
    return (
        f"SELECT toYYYYMM({column}) AS month, count() FROM {{database}}.{table} "
        f"WHERE {_OWNED} AND ({condition}) GROUP BY month ORDER BY month"
    )


def remove(table: str, month: int, condition: str, *, is_rewritten: bool) -> str:
    """The statement of `EventStore.remove_month`; ValueError for a table without rows of projects."""
    _time_column(table)
    partition, where = f"IN PARTITION {int(month)}", f"WHERE {_OWNED} AND ({condition})"
    if is_rewritten:
        return f"ALTER TABLE {{database}}.{table} DELETE {partition} {where}"
    return f"DELETE FROM {{database}}.{table} {partition} {where}"


def _time_column(table: str) -> str:
    if table not in PROJECT_TABLES:
        raise ValueError(f"{table} is no table with rows of projects")
    return TIME_COLUMN[table]
