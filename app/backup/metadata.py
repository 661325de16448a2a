"""Every row of the metadata database as JSON lines, on SQLite and PostgreSQL alike: a backup of one can be restored on the other.

Tables are taken as the database has them and not as the models say, so that a backup of an earlier version can be restored: at the
revision it was taken from, and brought up to date from there.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import sqlalchemy as sa

DERIVED: Final = ("search_documents",)
"""Tables that triggers fill from others."""
_NOT_DATA: Final = ("alembic_version",)
_ROWS_OF_A_MEMBER: Final = 5_000


def tables_of(connection: sa.Connection) -> list[sa.Table]:
    """The tables with data of their own, those that others refer to first as far as they do not refer to each other."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        tables = [table for table in metadata.sorted_tables if table.name not in (*DERIVED, *_NOT_DATA)]
    for column in (column for table in tables for column in table.columns):
        if isinstance(column.type, sa.JSON):
            column.type.none_as_null = True
    return tables


def dumped(connection: sa.Connection, table: sa.Table) -> Iterator[tuple[bytes, int]]:
    """The table's rows as JSON lines, some thousand at a time, with how many there are."""
    result = connection.execution_options(yield_per=_ROWS_OF_A_MEMBER).execute(sa.select(table))
    for rows in result.mappings().partitions(_ROWS_OF_A_MEMBER):
        lines = [json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) for row in rows]
        yield "\n".join(lines).encode(), len(lines)


def is_empty(connection: sa.Connection) -> bool:
    """Whether nobody has an account and there is no project: nothing would be overwritten."""
    return not any(
        connection.execute(sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1)).first() for name in ("users", "projects")
    )


def load(connection: sa.Connection, members: Iterable[tuple[str, bytes]]) -> dict[str, int]:
    """Replace all data by the rows of (table, JSON lines); how many each table has then.

    Foreign keys are checked at the end and not on the way: rows of one table may refer to each other. ValueError for a table or a
    column that the database lacks.
    """
    tables = {table.name: table for table in tables_of(connection)}
    constraints = _without_constraints(connection)
    for table in tables.values():
        connection.execute(sa.delete(table))
    counts: dict[str, int] = {}
    for name, lines in members:
        table = _known(tables, name)
        rows = [_typed(table, json.loads(line)) for line in lines.decode().split("\n")]
        if rows:
            connection.execute(sa.insert(table), rows)
        counts[name] = counts.get(name, 0) + len(rows)
    _set_sequences(connection, tables.values())
    for statement in constraints:
        connection.exec_driver_sql(statement)
    return counts


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        # SQLite keeps moments without a zone; all of them are in UTC.
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value


def _typed(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    unknown = row.keys() - set(table.columns.keys())
    if unknown:
        raise ValueError(f"the table {table.name} has no column {sorted(unknown)[0]}")
    return {name: _value(table.columns[name].type, value) for name, value in row.items()}


def _value(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, sa.DateTime):
        moment = datetime.fromisoformat(value)
        return moment if kind.timezone else moment.replace(tzinfo=None)
    if isinstance(kind, sa.Date):
        return date.fromisoformat(value)
    return base64.b64decode(value) if isinstance(kind, sa.LargeBinary) else value


def _known(tables: Mapping[str, sa.Table], name: str) -> sa.Table:
    if name not in tables:
        raise ValueError(f"the database has no table {name}")
    return tables[name]


def _without_constraints(connection: sa.Connection) -> list[str]:
    """Take PostgreSQL's foreign keys away for this transaction; the statements that put them back and check every row."""
    if connection.dialect.name != "postgresql":
        return []
    found = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    ).all()
    for table, name, _ in found:
        connection.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    return [f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}' for table, name, definition in found]


def _set_sequences(connection: sa.Connection, tables: Iterable[sa.Table]) -> None:
    """Let numbers that the database gives out begin behind those that are there."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key.columns:
            if isinstance(column.type, sa.Integer):
                highest = sa.select(sa.func.coalesce(sa.func.max(column), 0)).scalar_subquery()
                sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
                connection.execute(sa.select(sa.func.setval(sequence, highest + 1, False)).where(sequence.is_not(None)))
