"""With the guard switched off the databases themselves still change nothing, and every answer is bounded."""

from __future__ import annotations

import clickhouse_connect
import psycopg
import pytest

from app.eventstore.address import StoreAddress
from app.warehouse.contracts import QueryFailed, ScanQuery, SourceConnection, TooManyRows
from app.warehouse.service import open_link, open_warehouse
from tests.integration.warehouse.conftest import ROWS
from tests.unit.warehouse.test_guard import corpus

pytestmark = pytest.mark.postgres

BREAKING_OUT = (
    "SELECT 1) AS q; DROP TABLE rows; SELECT (1",
    "SELECT 1) AS q; COMMIT; DROP TABLE rows; SELECT * FROM (SELECT 1",
    "SELECT 1; COMMIT; DROP TABLE rows",
    "SELECT 1) AS plumbline_source; SET default_transaction_read_only = off; DROP TABLE rows --",
    "WITH x AS (DELETE FROM rows RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO rows (id) VALUES (1) RETURNING *) SELECT * FROM x",
    "SELECT set_config('transaction_read_only', 'off', false), nextval('s')",
    "SELECT nextval('s')",
    "SELECT id FROM rows FOR UPDATE",
    "SELECT lo_creat(-1)",
    "SELECT * FROM write_something()",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
)


def attempt(opened, statement: str) -> None:
    """Whatever a person can send through a scan; refusals are expected, and so is a harmless answer."""
    asked = ScanQuery(base_query=statement, timeout_seconds=2)  # some of them never end by themselves
    for call in (
        lambda: opened.columns(asked),
        lambda: opened.groups(asked, None),
        lambda: opened.preview(asked, None, limit=1, with_json_paths=True),
    ):
        try:
            call()
        except (QueryFailed, TooManyRows):
            continue


def test_postgres_changes_nothing_whatever_the_query(postgres_rows):
    address = postgres_rows.connection
    with psycopg.connect(
        host=address.host, port=address.port, dbname=address.database_name, user="postgres", autocommit=True
    ) as own:
        own.execute("CREATE SEQUENCE s")
        own.execute("CREATE FUNCTION write_something() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM rows; RETURN 1; END $$")
        before = own.execute("SELECT count(*), sum(id) FROM rows").fetchone()
        tables = own.execute("SELECT array_agg(relname ORDER BY relname) FROM pg_class").fetchone()
        for statement in (*BREAKING_OUT, *corpus("hostile", "postgres")):
            if "pg_terminate_backend" in statement or "pg_sleep" in statement.lower():
                continue
            opened = postgres_rows.open(is_guarded=False)
            attempt(opened, statement)
            opened.close()
        assert own.execute("SELECT count(*), sum(id) FROM rows").fetchone() == before
        assert own.execute("SELECT array_agg(relname ORDER BY relname) FROM pg_class").fetchone() == tables
        assert own.execute("SELECT last_value, is_called FROM s").fetchone() == (1, False)
        own.execute("DROP FUNCTION write_something()")
        own.execute("DROP SEQUENCE s")


def test_a_write_that_reaches_postgres_is_refused_as_such(postgres_rows):
    link = open_link(postgres_rows.connection, 5)
    for statement in ("DELETE FROM rows", "SELECT nextval('x') FROM rows", "CREATE TABLE x (a int)"):
        with pytest.raises(QueryFailed):
            link.describe(statement, timeout_seconds=5)  # type: ignore[attr-defined]
    link.close()


def clickhouse_client(address: StoreAddress, database: str):
    return clickhouse_connect.get_client(
        host=address.host, port=address.port, username=address.user, password=address.password, database=database,
        compress=False, autogenerate_session_id=False,
    )  # fmt: skip


def test_clickhouse_changes_nothing_whatever_the_query(clickhouse_rows, store_process):
    database = clickhouse_rows.connection.database_name
    own = clickhouse_client(store_process.address, database)
    opened = clickhouse_rows.open(is_guarded=False)
    for statement in (*BREAKING_OUT, *corpus("hostile", "clickhouse")):
        if "sleep" in statement.lower():
            continue
        attempt(opened, statement)
    link = open_link(clickhouse_rows.connection, 5)
    for statement in (
        "DROP TABLE rows", "INSERT INTO rows (id) VALUES (1)", "ALTER TABLE rows DELETE WHERE 1", "TRUNCATE TABLE rows",
        "CREATE TABLE x (a Int32) ENGINE = Memory", "CREATE TEMPORARY TABLE x (a Int32)", "SET readonly = 0", "SYSTEM FLUSH LOGS",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    ):  # fmt: skip
        with pytest.raises(QueryFailed):
            link.rows(statement, {}, most=10, timeout_seconds=5)  # type: ignore[attr-defined]
    opened.close()
    link.close()
    assert own.query("SELECT count(), sum(id) FROM rows").result_rows == [(len(ROWS), sum(row.id for row in ROWS))]
    assert own.query("SHOW TABLES").result_rows == [("rows",)]
    own.command("CREATE TABLE x (a Int32) ENGINE = Memory")  # the store still writes for others
    own.command("DROP TABLE x")
    own.close()


def test_a_statement_that_takes_too_long_is_ended_by_the_server(postgres_rows, clickhouse_rows):
    slow = [
        (postgres_rows, "SELECT pg_sleep(30)::text AS a"),
        (clickhouse_rows, "SELECT sum(cityHash64(number)) AS a FROM numbers(100000000000)"),
    ]
    for database, statement in slow:
        opened = database.open(is_guarded=False)
        with pytest.raises(QueryFailed, match="longer than"):
            opened.groups(ScanQuery(base_query=statement, group_columns=("a",), timeout_seconds=1), None)
        opened.close()


def test_too_large_an_answer_never_travels(postgres_rows, clickhouse_rows):
    many = [
        (postgres_rows, "SELECT generate_series(1, 100000000) AS a"),
        (clickhouse_rows, "SELECT number AS a FROM numbers(100000000)"),
    ]
    for database, statement in many:
        link = open_link(database.connection, 20)
        with pytest.raises(TooManyRows):
            link.rows(statement, {}, most=100, timeout_seconds=20)  # type: ignore[attr-defined]
        link.close()


def test_the_built_in_store_shows_one_project_even_without_the_guard(event_store, stored_project):
    connection = SourceConnection(
        "clickhouse", is_builtin=True, tenant_id=stored_project.tenant_id, project_id="it's \\ another", timeout_seconds=10
    )
    own = clickhouse_client(event_store.address, event_store.address.database)
    columns = "tenant_id, project_id, kind, id, source, name, time, received_at, properties"
    for tenant, project, name in (
        (stored_project.tenant_id, stored_project.project_id, "theirs"),
        (stored_project.tenant_id, "it's \\ another", "ours"),
    ):
        own.command(
            f"INSERT INTO events ({columns}) SELECT {{t:String}}, {{p:String}}, 'event', {{n:String}}, 'shop', {{n:String}},"
            " now64(3), now64(3), '{\"a\": 1}'",
            parameters={"t": tenant, "p": project, "n": name},
        )
    own.close()
    for guarded, base_query in ((True, "SELECT name, properties FROM events"), (False, "SELECT name FROM plumbline.events")):
        opened = open_warehouse(connection, is_guarded=guarded)
        groups = opened.groups(ScanQuery(base_query=base_query, group_columns=("name",), timeout_seconds=10), None)
        assert [group.key.values for group in groups] == [("ours",)]
        if guarded:
            (column,) = [column for column in opened.columns(ScanQuery(base_query)) if column.name == "properties"]
            assert column.kind.value == "json"
        opened.close()
