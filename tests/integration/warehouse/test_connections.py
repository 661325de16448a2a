"""Real servers: a connection that works, one with a wrong password, one to a database that is not there, and the tables."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from app.warehouse.faults import ConnectionFault, FaultKind
from app.warehouse.service import list_tables, probe

pytestmark = pytest.mark.postgres


def test_a_right_connection_passes_the_probe_and_lists_tables(database):
    probe(database.connection)
    (table,) = [table for table in list_tables(database.connection) if table.name == "rows"]
    assert [column.name for column in table.columns][:4] == ["id", "source", "name", "time"]
    assert all(column.data_type for column in table.columns)


def test_an_unknown_database_is_told_apart(database):
    with pytest.raises(ConnectionFault) as fault:
        probe(replace(database.connection, database_name="no_such_database"))
    assert fault.value.kind is FaultKind.DATABASE


def test_a_wrong_password_is_told_apart(clickhouse_rows):
    with pytest.raises(ConnectionFault) as fault:
        probe(replace(clickhouse_rows.connection, password="wrong"))
    assert fault.value.kind is FaultKind.AUTH


def test_an_unknown_role_is_told_apart(postgres_rows):
    with pytest.raises(ConnectionFault) as fault:
        probe(replace(postgres_rows.connection, username="nobody_of_that_name"))
    assert fault.value.kind is FaultKind.AUTH


def test_tables_that_may_not_be_read_are_not_listed(postgres_rows):
    address = postgres_rows.connection
    with psycopg.connect(
        host=address.host, port=address.port, dbname=address.database_name, user="postgres", autocommit=True
    ) as own:
        own.execute("CREATE ROLE narrow LOGIN")
        own.execute('CREATE SCHEMA "Other"')
        own.execute('CREATE TABLE "Other"."Mine" (a int)')
        own.execute('GRANT USAGE ON SCHEMA "Other" TO narrow')
        own.execute('GRANT SELECT ON "Other"."Mine" TO narrow')
    narrow = replace(address, username="narrow")
    assert [table.name for table in list_tables(narrow)] == ['"Other"."Mine"']
