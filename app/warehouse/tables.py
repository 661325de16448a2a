"""What the schema browser shows of a warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

MOST_COLUMNS = 20_000
"""Columns read for one look at a warehouse; what lies beyond is left out."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column with the warehouse's own name of its type."""

    name: str
    data_type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view by the name a query uses for it."""

    name: str
    columns: tuple[TableColumn, ...]


def tables_of(rows: Iterable[tuple[str, str, str]]) -> list[Table]:
    """Tables from rows of table, column and type that are ordered by table."""
    return [
        Table(name, tuple(TableColumn(column, data_type) for _, column, data_type in columns))
        for name, columns in groupby(rows, key=lambda row: row[0])
    ]
