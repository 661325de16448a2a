"""Making a used database of a test fresh again, which costs a small part of copying the template anew."""

from __future__ import annotations

import psycopg
from psycopg import sql

# What a test that changed tables, columns, triggers or settings of its database leaves different. A copy keeps the ids and the
# transaction of each row of its template's catalogues, and whatever is changed is written by a later transaction; ids from
# 16384 on are not the system's own. Emptying restarts sequences, so that these are compared by their ids alone.
_CATALOGUES = {
    "pg_class": "oid >= 16384 AND relkind <> 'S'",
    "pg_sequence": "true",
    "pg_attribute": "attrelid >= 16384",
    "pg_attrdef": "oid >= 16384",
    "pg_constraint": "oid >= 16384",
    "pg_trigger": "oid >= 16384",
    "pg_proc": "oid >= 16384",
    "pg_type": "oid >= 16384",
    "pg_namespace": "oid >= 16384 AND nspname !~ '^pg_(temp|toast_temp)'",
}
_SHAPE = " UNION ALL ".join(
    f"SELECT '{name} ' || count(*) || ' ' || coalesce(sum({'seqrelid' if name == 'pg_sequence' else 'xmin::text'}::bigint), 0)"
    f" FROM {name} WHERE {condition}"
    for name, condition in _CATALOGUES.items()
) + (
    " UNION ALL SELECT 'settings ' || coalesce(string_agg(setconfig::text, ' '), '') FROM pg_db_role_setting"
    " JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()"
)
_RESTART = """
SELECT setval(seqrelid, seqstart, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
"""
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND pid <> ALL(%s)
"""
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
_LARGEST = "SELECT coalesce(max(pg_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
_TOO_LARGE = 2_000_000
"""Bytes: the dead rows of such a table would slow down the tests after it."""


class Template:
    """What a fresh database looks like and which rows it holds; read from the migrated template."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            self._shape = connection.execute(_SHAPE.encode()).fetchall()
            tables = [str(name) for (name,) in connection.execute(_TABLES).fetchall()]
            self._rows = {table: rows for table in tables if (rows := _copied(connection, table))}
        filled = [sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(table, sql.Identifier(table)) for table in tables]
        self._filled = sql.SQL(" UNION ALL ").join(filled)

    def restore(self, connection: psycopg.Connection[tuple[object, ...]], kept: list[int]) -> bool:
        """Bring a database that a test used back to this state; False when it is better thrown away. Ends every other session
        but the kept ones.
        The connection is one's own to the database: kept over many tests, it knows the catalogues and its plans by heart."""
        with connection.transaction():
            connection.execute(_END_OTHERS, (kept,))
            if connection.execute(_SHAPE.encode(), prepare=True).fetchall() != self._shape or _is_bloated(connection):
                return False
            # No trigger and no foreign key takes part.
            connection.execute("SET LOCAL session_replication_role = replica")
            for (table,) in connection.execute(self._filled, prepare=True).fetchall():
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(str(table))))
            connection.execute(_RESTART, prepare=True)
            for table, rows in self._rows.items():
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
        return True


def _is_bloated(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute(_LARGEST, prepare=True).fetchone()
    assert row is not None
    return int(str(row[0])) > _TOO_LARGE


def _copied(connection: psycopg.Connection[tuple[object, ...]], table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)
