"""What the scan benchmarks share: an engine of their own with generated rows, a plan in SQLite, and a count of statements."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import clickhouse_connect
from sqlalchemy.engine import Engine
from sqlmodel import Session

from app.eventstore.address import PORT_VARIABLE, SECRET_VARIABLE, StoreAddress, answers, embedded_address
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import FixedClock
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval
from app.migrations import upgrade
from app.projects import service as projects
from app.scans import service as scans
from app.scans.config_rules import ConfigDraft
from app.scans.drafts import stored_values
from app.scans.runs import DEFAULT_TOOLS, RunTools
from app.warehouse.clickhouse_link import ClickHouseLink
from app.warehouse.contracts import SourceConnection, SqlWarehouse
from app.warehouse.opening import on_clickhouse
from models.scans import DataSource, ScanConfig, ScanJob

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOLDER = "benchmark/1/holder"
SLUG = "scanned"
QUERY = "SELECT kind, name, country, at FROM rows"


@contextmanager
def engine_process() -> Iterator[tuple[StoreAddress, int]]:
    """The embedded engine in a process of its own, on a temporary folder: its address and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    secret = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PLUMBLINE_DATA_DIR": folder, PORT_VARIABLE: str(port), SECRET_VARIABLE: secret}
        process = subprocess.Popen([sys.executable, "-m", "app.eventstore.server"], env=environment)
        address = embedded_address(port, secret)
        deadline = time.monotonic() + 60
        while not answers(address, 1.0):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the engine does not start")
            time.sleep(0.1)
        try:
            yield address, process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


def client_of(address: StoreAddress, database: str = "default") -> Any:
    """A client of the engine."""
    return clickhouse_connect.get_client(
        host=address.host, port=address.port, username=address.user, password=address.password, database=database,
        compress=False, autogenerate_session_id=False, send_receive_timeout=900,
    )  # fmt: skip


def generate(address: StoreAddress, database: str, *, rows: int, events: int, hours: int) -> None:
    """So many rows of so many events, spread evenly over so many hours from START; made inside of the engine."""
    client = client_of(address)
    client.command(f"CREATE DATABASE {database}")
    client.command(
        f"CREATE TABLE {database}.rows (kind LowCardinality(String), name LowCardinality(String), country LowCardinality(String), "
        "at DateTime('UTC')) ENGINE = MergeTree ORDER BY at"
    )
    seconds = hours * 3600
    client.command(
        f"INSERT INTO {database}.rows SELECT concat('type_', toString(number % {events} % 10)), "
        f"concat('event_', toString(number % {events})), concat('country_', toString(intHash32(number) % 12)), "
        f"toDateTime({int(START.timestamp())} + intDiv(number * {seconds}, {rows}), 'UTC') FROM numbers({rows})"
    )
    client.close()


@dataclass
class CountingLink:
    """A link that knows how many statements it was asked and how long the warehouse took."""

    link: ClickHouseLink
    statements: int = 0
    seconds: float = 0.0

    def rows(self, sql: str, parameters: Mapping[str, Any], *, most: int, timeout_seconds: float) -> list[Sequence[Any]]:
        """As RowLink."""
        self.statements += 1
        started = time.perf_counter()
        try:
            return self.link.rows(sql, parameters, most=most, timeout_seconds=timeout_seconds)
        finally:
            self.seconds += time.perf_counter() - started

    def describe(self, sql: str, *, timeout_seconds: float) -> list[tuple[str, str]]:
        """As ClickHouseLink, counted too."""
        self.statements += 1
        return self.link.describe(sql, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """As RowLink."""
        self.link.close()


@dataclass
class Bench:
    """A project whose one scan reads the rows of `database`."""

    engine: Engine
    address: StoreAddress
    database: str
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    links: list[CountingLink] = field(default_factory=list)

    def prepare(self, **changes: Any) -> None:
        """Make project, source and scan."""
        draft = replace(
            ConfigDraft(
                name="Rows", base_query=QUERY, event_type_column="kind", event_name_format="{name}", time_column="at",
                interval=Interval.HOUR, cardinality_threshold=100, metrics_row_limit=1_000_000, scan_row_limit=1_000_000,
            ),
            **changes,
        )  # fmt: skip
        with self._transaction() as session:
            project = projects.create_project(session, SYSTEM_ACTOR, "Scanned", SLUG)
            source = DataSource(name="Rows", db_type="clickhouse", host="127.0.0.1")
            session.add(source)
            session.flush()
            session.add(ScanConfig(project_id=project.id, data_source_id=source.id, **stored_values(draft)))

    def _transaction(self, *, write: bool = True) -> AbstractContextManager[Session]:
        return session_scope(self.engine, write=write)

    def _open(self, connection: SourceConnection) -> SqlWarehouse:
        del connection
        here = SourceConnection(
            "clickhouse", self.address.host, self.address.port, self.database, self.address.user, self.address.password
        )
        link = CountingLink(ClickHouseLink(here, 600))
        self.links.append(link)
        return on_clickhouse(link)  # type: ignore[arg-type]

    def collect(self, hours: int) -> tuple[float, CountingLink, dict[str, Any]]:
        """One scheduled collection at START + hours: seconds, its link, its summary."""
        self.clock = FixedClock(START + hours * HOUR)
        tools: RunTools = replace(DEFAULT_TOOLS, transaction=self._transaction, clock=self.clock, open_sql=self._open)
        started = time.perf_counter()
        with self._transaction() as session:
            scans.create_due_jobs(session, self.clock.now())
        with self._transaction() as session:
            job_id = scans.claim_next_job(session, HOLDER, self.clock.now())
        if job_id is None:
            raise SystemExit("no job is due")
        scans.run_job(job_id, HOLDER, tools=tools)
        taken = time.perf_counter() - started
        with self._transaction(write=False) as session:
            job = session.get_one(ScanJob, job_id)
            if job.status != "completed":
                raise SystemExit(f"the scan {job.status}: {job.error_message}")
            return taken, self.links[-1], dict(job.result_summary)


@contextmanager
def bench(address: StoreAddress, database: str, **changes: Any) -> Iterator[Bench]:
    """A bench on a fresh SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'plan.db'}"
        upgrade(url)
        engine = create_engine(url)
        made = Bench(engine, address, database)
        made.prepare(**changes)
        yield made
        engine.dispose()
