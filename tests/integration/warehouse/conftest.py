"""The awkward rows in a real PostgreSQL, in the embedded ClickHouse, and behind BigQuery's interface."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import clickhouse_connect
import psycopg
import pytest

from app.warehouse.bigquery_link import BigQueryLink
from app.warehouse.contracts import SourceConnection, SqlWarehouse
from app.warehouse.opening import on_bigquery
from app.warehouse.service import open_warehouse
from tests.integration.warehouse.bigquery_fake import FUNCTIONS, BigQueryFake
from tests.integration.warehouse.rows import Record, json_literal, records

ROWS = records()


@dataclass(frozen=True)
class Database:
    """A database that holds the rows in `rows`."""

    connection: SourceConnection
    base_query: str

    def open(self, *, is_guarded: bool = True) -> SqlWarehouse:
        return open_warehouse(self.connection, is_guarded=is_guarded)


@pytest.fixture(scope="session")
def postgres_rows(postgres_server) -> Iterator[Database]:
    name = postgres_server.create_database(migrated=False)
    with psycopg.connect(postgres_server.url(name), autocommit=True) as session:
        session.execute(f"ALTER DATABASE {name} SET timezone TO 'America/New_York'")
        session.execute(
            "CREATE TABLE rows (id int, source text, name varchar(50), time timestamptz, wall timestamp, day date, platform text,"
            ' amount numeric, is_paid boolean, payload jsonb, tags text[], "Odd ""Name%" text)'
        )
        _fill(session)
    parts = psycopg.conninfo.conninfo_to_dict(postgres_server.url(name))
    connection = SourceConnection("postgres", str(parts["host"]), int(str(parts["port"])), name, "postgres", timeout_seconds=20)
    yield Database(connection, "SELECT * FROM rows")
    postgres_server.drop_database(name)


def _fill(session: psycopg.Connection) -> None:
    with session.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO rows VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (row.id, row.source, row.name, row.time, row.wall, row.day, row.platform, row.amount, row.is_paid,
                 json_literal(row.payload), [row.source], row.name) for row in ROWS
            ],
        )  # fmt: skip


@dataclass(frozen=True)
class BigQueryDatabase(Database):
    """The same behind BigQuery's interface: the real client, asking the fake."""

    endpoint: str = ""

    def open(self, *, is_guarded: bool = True) -> SqlWarehouse:
        bigquery = pytest.importorskip("google.cloud.bigquery")
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials

        client = bigquery.Client("p", AnonymousCredentials(), client_options=ClientOptions(api_endpoint=self.endpoint))
        return on_bigquery(BigQueryLink(self.connection, 20, client), is_guarded=is_guarded)


@pytest.fixture(scope="session")
def bigquery_rows(postgres_server) -> Iterator[Database]:
    name = f"bigquery_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'UTF8'")
    with psycopg.connect(postgres_server.url(name), autocommit=True) as session:
        session.execute(FUNCTIONS)
        session.execute(
            "CREATE TABLE rows (id int8, source text, name text, time timestamptz, wall timestamp, day date, platform text,"
            ' amount int8, is_paid boolean, payload jsonb, tags text[], "Odd ""Name%" text)'
        )
        _fill(session)
    fake = BigQueryFake(postgres_server.url(name))
    yield BigQueryDatabase(SourceConnection("bigquery", "p", database_name="d"), "SELECT * FROM rows", fake.endpoint)
    fake.shutdown()
    fake.server_close()
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def clickhouse_rows(store_process) -> Iterator[Database]:
    address = store_process.address
    name = f"rows_{uuid.uuid4().hex[:12]}"
    client = clickhouse_connect.get_client(
        host=address.host, port=address.port, username=address.user, password=address.password, compress=False,
        autogenerate_session_id=False,
    )  # fmt: skip
    client.command(f"CREATE DATABASE {name}")
    client.command(
        f"CREATE TABLE {name}.rows (id Int32, source LowCardinality(String), name Nullable(String),"
        " time Nullable(DateTime64(6, 'America/New_York')), wall Nullable(DateTime64(6, 'UTC')), day Nullable(Date32),"
        " platform LowCardinality(Nullable(String)), amount Nullable(Int64), is_paid Nullable(Bool), payload Nullable(String),"
        ' tags Array(String), `Odd "Name%` Nullable(String)) ENGINE = MergeTree ORDER BY id'
    )
    client.insert(
        f"{name}.rows",
        [[*_plain(row), json_literal(row.payload), [row.source], row.name] for row in ROWS],
        column_names=[
            "id", "source", "name", "time", "wall", "day", "platform", "amount", "is_paid", "payload", "tags", 'Odd "Name%',
        ],
    )  # fmt: skip
    connection = SourceConnection(
        "clickhouse", address.host, address.port, name, address.user, address.password, timeout_seconds=20
    )
    yield Database(connection, "SELECT * REPLACE (CAST(ifNull(payload, '{}') AS JSON) AS payload) FROM rows")
    client.command(f"DROP DATABASE {name}")
    client.close()


def _plain(row: Record) -> list[object]:
    from datetime import UTC

    utc = None if row.time is None else row.time.astimezone(UTC)
    return [row.id, row.source, row.name, utc, utc, row.day, row.platform, row.amount, row.is_paid]


@pytest.fixture(params=["postgres", "clickhouse"])
def database(request) -> Database:
    return request.getfixturevalue(f"{request.param}_rows")


@pytest.fixture
def warehouse(database) -> Iterator[SqlWarehouse]:
    opened = database.open()
    yield opened
    opened.close()
