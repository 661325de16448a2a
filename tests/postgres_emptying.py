"""Making a used database of a test fresh again, which costs a tenth of copying the template anew."""

from __future__ import annotations

import psycopg
from psycopg import sql

# What a test that changed tables, columns, triggers or settings of its database leaves different.
_SHAPE = """
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT concat_ws(' ', 'column', class.oid::regclass, attnum, attname, atttypid::regtype, attnotnull) AS line
    FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT concat_ws(' ', 'relation', oid::regclass, relkind) FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'function', oid::regprocedure, md5(prosrc)) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'schema', nspname) FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)'
    UNION ALL SELECT concat_ws(' ', 'setting', setconfig) FROM pg_db_role_setting
        JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
) AS lines
"""
_EMPTY = """
DO $$
DECLARE relation regclass; is_filled boolean;
BEGIN
    FOR relation IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', relation) INTO is_filled;
        IF is_filled THEN EXECUTE format('DELETE FROM %s', relation); END IF;
    END LOOP;
    FOR relation IN SELECT seqrelid FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL LOOP
        EXECUTE format('ALTER SEQUENCE %s RESTART', relation);
    END LOOP;
END $$
"""
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_LARGEST = "SELECT coalesce(max(pg_relation_size(oid)), 0) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
_TOO_LARGE = 2_000_000
"""Bytes: the dead rows of such a table would slow down the tests after it."""


class Template:
    """What a fresh database looks like and which rows it holds; read from the migrated template."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            self._shape = _value(connection, _SHAPE)
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).fetchall()
            self._rows = {table: rows for (table,) in tables if (rows := _copied(connection, table))}

    def restore(self, url: str) -> bool:
        """Bring a database that a test used back to this state; False when it is better thrown away. Ends every other session."""
        with psycopg.connect(url) as connection:
            connection.execute(_END_OTHERS)
            if _value(connection, _SHAPE) != self._shape or int(_value(connection, _LARGEST)) > _TOO_LARGE:
                return False
            connection.execute("SET session_replication_role = replica")  # no trigger and no foreign key takes part
            connection.execute(_EMPTY)
            for table, rows in self._rows.items():
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
        return True


def _copied(connection: psycopg.Connection[tuple[object, ...]], table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)


def _value(connection: psycopg.Connection[tuple[object, ...]], query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])
