"""Whatever is wrong with a warehouse: the job fails in plain words, nothing is half written, the schedule recovers by itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg
import pytest

from app.kernel.intervals import Interval
from app.scans.runs import DEFAULT_TOOLS
from app.warehouse import postgres_link
from models.scans import DataSource
from tests.integration.scans.sql_workbench import SqlWorkbench
from tests.integration.scans_workbench import HOUR, NOW, Found
from tests.tls_listener import tls_listener

pytestmark = pytest.mark.postgres
FLOOR = NOW.replace(minute=0)
QUERY = "SELECT kind, name, 10 / parts AS share, at FROM visits"


class RealBench(SqlWorkbench):
    """A scheduled scan of a real PostgreSQL's table, a few rows an hour."""

    def __init__(self, engine, server) -> None:
        super().__init__(engine, base_query=QUERY, time_column="at", interval=Interval.HOUR, event_name_format="{name}")
        self.database = server.create_database(migrated=False)
        self.url = server.url(self.database)
        self.sql(
            "CREATE TABLE visits (kind text, name text, parts int, at timestamptz)",
            f"INSERT INTO visits SELECT 'web', 'n' || i % 3, 1, '{FLOOR + 9 * HOUR}'::timestamptz - i * interval '20 minutes'"
            " FROM generate_series(1, 117) i",
        )
        parts = psycopg.conninfo.conninfo_to_dict(self.url)
        self.change_source(host="127.0.0.1", port=int(parts["port"]), database_name=self.database, username="postgres")
        self.add_type("web", name="string", share="string")

    @property
    def tools(self):
        return replace(super().tools, open_sql=DEFAULT_TOOLS.open_sql)

    def _evaluate(self, session, config_id, now, window):
        return lambda _: Found()

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as session:
            for statement in statements:
                session.execute(statement)

    def change_source(self, **values: object) -> None:
        with self.transaction() as session:
            source = session.get_one(DataSource, self.source_id)
            for name, value in values.items():
                setattr(source, name, value)

    def next_hour(self):
        self.clock.advance(HOUR)
        return self.dispatch()


@contextmanager
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@dataclass(frozen=True)
class Trouble:
    """Source attributes or statements that break the warehouse, those that mend it, and what the job says."""

    says: str
    source: dict[str, object] | None = None
    breaks: str = "SELECT 1"
    mends: str = "SELECT 1"
    listener: Callable = nullcontext
    seconds: float = 10


TROUBLES = {
    "wrong user": Trouble("The server did not accept the user name or password.", {"username": "nobody_of_that_name"}),
    "no such database": Trouble("The server has no database of that name.", {"database_name": "nowhere"}),
    "a host that hangs": Trouble("The server did not answer in time.", listener=silent_port),
    "a certificate of somebody else": Trouble(
        "A secure connection could not be made.",
        {"extra_params": {"sslmode": "verify-full"}},
        listener=lambda: tls_listener(asks_first=True),
    ),
    "an error while the query runs": Trouble(
        "A value could not be converted",
        breaks="UPDATE visits SET parts = 0 WHERE name = 'n1'",
        mends="UPDATE visits SET parts = 1",
    ),
    "a column that vanished": Trouble(
        'The query names a column that does not exist: "parts".',
        breaks="ALTER TABLE visits RENAME parts TO pieces",
        mends="ALTER TABLE visits RENAME pieces TO parts",
    ),
    "a time that became text": Trouble(
        'The time column "at" holds no time: its type is text.',
        breaks="ALTER TABLE visits ALTER at TYPE text",
        mends="ALTER TABLE visits ALTER at TYPE timestamptz USING at::timestamptz",
    ),
    "a time that became a number": Trouble(
        'The time column "at" holds no time: its type is bigint.',
        breaks="ALTER TABLE visits ALTER at TYPE bigint USING extract(epoch FROM at)",
        mends="ALTER TABLE visits ALTER at TYPE timestamptz USING to_timestamp(at)",
    ),
    "a query beyond the time limit of its source": Trouble(
        "The query took longer than the data source's time limit allows.",
        {"timeout_seconds": 1},
        breaks="ALTER TABLE visits RENAME TO now_visits; "
        "CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN 1; END'; "
        "CREATE VIEW visits AS SELECT kind, name, slow(parts) AS parts, at FROM now_visits",
        mends="DROP VIEW visits; ALTER TABLE now_visits RENAME TO visits; DROP FUNCTION slow",
        seconds=20,
    ),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_trouble_fails_in_plain_words_writes_nothing_and_passes_by_itself(engine, postgres_server, monkeypatch):
    bench = RealBench(engine, postgres_server)
    with bench.transaction(write=False) as session:
        source = session.get_one(DataSource, bench.source_id)
        right = {name: getattr(source, name) for name in ("port", "username", "database_name", "extra_params", "timeout_seconds")}
    monkeypatch.setattr(postgres_link, "CONNECT_SECONDS", 2)
    assert bench.dispatch().status == "completed"
    for name, trouble in TROUBLES.items():
        before = bench.everything()
        with trouble.listener() as port:
            bench.sql(trouble.breaks)
            bench.change_source(**(trouble.source or {}), **({"port": port} if port else {}))
            began = time.monotonic()
            job = bench.next_hour()
            took = time.monotonic() - began
        assert (job.status, trouble.says in (job.error_message or "")) == ("failed", True), (name, job.error_message)
        assert took < trouble.seconds, name
        for hidden in ("127.0.0.1", str(right["port"]), bench.database, "SELECT", "nobody_of"):
            assert hidden not in job.error_message, name
        assert bench.everything() == before, name
        bench.sql(trouble.mends)
        bench.change_source(**right)
        # Nobody asks for it: the hour that failed is still to be collected.
        job = bench.dispatch()
        assert (job.status, job.error_message) == ("completed", None), name
        assert bench.config().consecutive_failures == 0
    collected = bench.coverage()
    assert len(collected) == len(TROUBLES) + 30
    assert {total for total, _ in collected.values()} == {3}
    assert collected.keys() == {FLOOR + timedelta(hours=hour) for hour in range(-30, len(TROUBLES))}
