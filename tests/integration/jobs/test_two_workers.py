"""Two worker processes on one PostgreSQL, of which one freezes: no two of them ever write counts of one scan at the same time.

The sums of days in `app.metrics` are right only as long as that holds.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.errors import Conflict
from app.kernel.intervals import Interval
from app.scans import service as scans
from app.scans.lifecycle import ABANDONED_MESSAGE
from jobs import reap_scan_jobs
from jobs.leadership import Leadership
from jobs.run_scan_jobs import ScanJobRunner
from models.metrics import MetricBucket, MetricDay
from models.scans import DataSource, JobLease, ScanConfig, ScanJob
from tests.integration.scans.sql_workbench import SqlWorkbench
from tests.integration.scans_workbench import Found

pytestmark = pytest.mark.postgres

HOUR = timedelta(hours=1)
HOURS = 20
WAIT_SECONDS = 60.0
LEASE_SECONDS = 1.0
# Who stored counts is written down, and whether another transaction was storing some of the same scan.
WATCHED = (
    "CREATE TABLE writers (name text, was_alone boolean)",
    """CREATE FUNCTION alone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO writers VALUES (current_setting('application_name'), pg_try_advisory_xact_lock(hashtext(NEW.scan_config_id)));
    RETURN NEW; END $$""",
    "CREATE TRIGGER alone BEFORE INSERT ON metric_coverage FOR EACH ROW EXECUTE FUNCTION alone()",
    """CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.25); RETURN NULL; END $$""",
    "CREATE TRIGGER slowly AFTER INSERT ON metric_coverage FOR EACH STATEMENT EXECUTE FUNCTION slowly()",
)


def work(name: str, url: str) -> None:
    """A worker process: shows that it is alive, leads when it may, reaps, and runs scan jobs."""
    os.environ["PLUMBLINE_DATABASE_URL"] = f"{url}?application_name={name}"
    tools = replace(scans.DEFAULT_TOOLS, evaluate=lambda *_: lambda _: Found())
    leadership = Leadership(scans.Holder(name, os.getpid(), "x"), LEASE_SECONDS)
    runner = ScanJobRunner(leadership.holder.name, threads=2, tools=tools)
    while True:
        leadership.renew()
        reap_scan_jobs.run(leadership)
        runner.tick()
        time.sleep(0.1)


class Pair:
    """The two processes, and what the database says about them."""

    def __init__(self, bench: SqlWorkbench, url: str) -> None:
        self.bench = bench
        self.watch = psycopg.connect(url, autocommit=True)
        context = multiprocessing.get_context("spawn")
        self.processes = {name: context.Process(target=work, args=(name, url), daemon=True) for name in ("one", "two")}
        for process in self.processes.values():
            process.start()

    def close(self) -> None:
        for name, process in self.processes.items():
            self.signal(name, signal.SIGKILL)
            process.join(10)
        self.watch.close()

    def signal(self, name: str, number: int) -> None:
        pid = self.processes[name].pid
        assert pid is not None
        os.kill(pid, number)

    def written_by(self, name: str) -> set[str]:
        """Tables that open transactions of the process have written."""
        found = self.watch.execute(
            "SELECT DISTINCT relation::regclass::text FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE application_name = %s AND mode = 'RowExclusiveLock' AND relation IS NOT NULL",
            (name,),
        )
        return {str(row[0]) for row in found}

    def times_stored_by(self, name: str) -> int:
        """How many hours the process has stored counts of."""
        row = self.watch.execute("SELECT count(*) FROM writers WHERE name = %s", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def is_idle(self, name: str) -> bool:
        """Whether the process has no transaction open: even one that only locked a row would hold up who gives its job up."""
        row = self.watch.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND xact_start IS NOT NULL", (name,)
        ).fetchone()
        return row == (0,)

    def freeze(self, name: str, *, while_writing: bool) -> None:
        """Stop the process while it stores counts, or while it has no transaction open."""

        def hit() -> bool:
            self.signal(name, signal.SIGSTOP)
            time.sleep(0.02)
            if while_writing:
                written = self.written_by(name)
                # The scheduler's lease stays free: who holds that holds up everybody.
                is_caught = "metric_coverage" in written and "job_leases" not in written
            else:
                is_caught = self.is_idle(name)
                if is_caught:
                    # What it had sent just before may reach the database only now, and open a transaction after all.
                    time.sleep(0.5)
                    is_caught = self.is_idle(name)
            if is_caught:
                return True
            self.signal(name, signal.SIGCONT)
            return False

        until(hit, "the process is caught in the right moment")

    def holder_of(self, job_id: str) -> str:
        def claimed() -> bool:
            row = self.bench.job(job_id)
            return row.status == "running" and int(str(row.result_summary.get("replay_chunks_completed", 0))) > 0

        until(claimed, "a worker is at it")
        return str(self.bench.job(job_id).claimed_by).partition("/")[0]


@pytest.fixture
def bench(engine, postgres_server) -> SqlWorkbench:
    made = SqlWorkbench(
        engine, base_query="SELECT kind, name, at FROM visits", time_column="at", interval=Interval.HOUR,
        event_name_format="{name}", replay_chunk_interval=Interval.HOUR,
    )  # fmt: skip
    made.add_type("web", name="string")
    database = postgres_server.create_database(migrated=False)
    made.warehouse = postgres_server.url(database)
    parts = psycopg.conninfo.conninfo_to_dict(made.warehouse)
    with made.transaction() as session:
        source = session.get_one(DataSource, made.source_id)
        source.host, source.port, source.database_name, source.username = "127.0.0.1", int(parts["port"]), database, "postgres"
        # Nothing but what the test asks for.
        session.execute(sa.update(ScanConfig).values(is_paused=True))
    made.stop = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    made.clock.at = datetime.now(UTC)
    run(made.warehouse, "CREATE TABLE visits (kind text, name text, at timestamptz)", rows(made.stop, 3))
    return made


def rows(stop: datetime, per_hour: int) -> str:
    return (
        f"INSERT INTO visits SELECT 'web', 'open', '{stop}'::timestamptz - h * interval '1 hour' "
        f"FROM generate_series(1, {HOURS}) h, generate_series(1, {per_hour})"
    )


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        for statement in statements:
            session.execute(statement)


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.03)


@contextmanager
def two_workers(bench: SqlWorkbench, url: str) -> Iterator[Pair]:
    pair = Pair(bench, url)
    try:
        yield pair
    finally:
        pair.close()


def replay(bench: SqlWorkbench, config_id: str | None = None) -> str:
    with bench.transaction() as session:
        wanted = (bench.stop - HOURS * HOUR, bench.stop)
        return scans.request_replay(session, SYSTEM_ACTOR, "shop", config_id or bench.config_id, *wanted).id


def caught_at_work(bench: SqlWorkbench, pair: Pair) -> tuple[str, str]:
    """A replay and the process that was frozen in its first half, so that the one that goes on has something left to do."""
    for _ in range(5):
        # A replay that went on where one before it was given up could be done in a moment.
        pair.watch.execute("UPDATE scan_jobs SET completed_at = completed_at - interval '2 hours'")
        job_id = replay(bench)
        holder = pair.holder_of(job_id)
        pair.freeze(holder, while_writing=False)
        job = bench.job(job_id)
        if job.status == "running" and int(str(job.result_summary["replay_chunks_completed"])) <= HOURS // 2:
            return job_id, holder
        pair.signal(holder, signal.SIGCONT)
        until(lambda: bench.job(job_id).status in ("completed", "failed"), "it ends")  # noqa: B023 - asked at once
    raise AssertionError("every replay was too far when its process was caught")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_worker_that_froze_and_comes_back_never_writes_beside_its_successor(bench, database_url, monkeypatch):
    monkeypatch.setattr(type(bench), "tools", replace(bench.tools, open_sql=scans.DEFAULT_TOOLS.open_sql))
    assert bench.collect().status == "completed"  # the event is planned
    second = bench.add_scan("Second", naming={})
    run(database_url, *WATCHED)
    with two_workers(bench, database_url) as pair:
        # Frozen with a transaction open: the job waits for it, and everything else goes on.
        job_id = replay(bench)
        frozen = pair.holder_of(job_id)
        pair.freeze(frozen, while_writing=True)
        other = replay(bench, second)
        until(lambda: bench.job(other).status == "completed", "the other worker runs the other scan")
        assert bench.job(job_id).status == "running"
        with bench.transaction(write=False) as session:
            living = {one.holder for one in session.execute(sa.select(JobLease)).scalars() if one.expires_at > datetime.now(UTC)}
        assert not any(holder.startswith(frozen) for holder in living), "it is believed dead"
        with pytest.raises(Conflict):
            replay(bench)
        pair.signal(frozen, signal.SIGCONT)
        until(lambda: bench.job(job_id).status in ("completed", "failed"), "it ends")
        assert bench.job(job_id).error_message in (None, ABANDONED_MESSAGE)

        # Frozen between transactions: it is given up, and what it brings when it comes back is not taken.
        job_id, frozen = caught_at_work(bench, pair)
        until(lambda: bench.job(job_id).status == "failed", "the living worker gives it up")
        run(bench.warehouse, rows(bench.stop, 2))
        successor = replay(bench)
        assert pair.holder_of(successor) != frozen
        stored = pair.times_stored_by(frozen)
        pair.signal(frozen, signal.SIGCONT)
        with pytest.raises(Conflict):
            replay(bench)
        until(lambda: bench.job(successor).status not in ("pending", "running"), "the successor ends")
        time.sleep(0.5)
        assert pair.times_stored_by(frozen) == stored, "what it brings is not taken"
        assert pair.watch.execute("SELECT count(*) FROM writers WHERE NOT was_alone").fetchone() == (0,)
    assert (bench.job(successor).status, bench.job(successor).error_message) == ("completed", None)
    assert (bench.job(job_id).status, bench.job(job_id).error_message) == ("failed", ABANDONED_MESSAGE)
    assert {job.error_message for job in bench.rows_of(ScanJob)} <= {None, ABANDONED_MESSAGE}
    counted = {
        bucket.bucket: bucket.count
        for bucket in bench.rows_of(MetricBucket)
        if (bucket.scan_config_id, bucket.scope_type) == (bench.config_id, "event") and bucket.bucket >= bench.stop - HOURS * HOUR
    }
    # The successor goes on after the hours, oldest first, that were counted while there were three visits in each.
    resumed = int(str(bench.job(successor).result_summary["replay_chunks_resumed"]))
    assert 0 < resumed < HOURS
    assert counted == {bench.stop - hour * HOUR: 3 if hour > HOURS - resumed else 5 for hour in range(1, HOURS + 1)}
    for config_id in (bench.config_id, second):
        days = {day.day: day.count for day in bench.rows_of(MetricDay) if day.scan_config_id == config_id}
        buckets = [one for one in bench.rows_of(MetricBucket) if (one.scan_config_id, one.scope_type) == (config_id, "event")]
        assert days == {day: sum(one.count for one in buckets if one.bucket.date() == day.date()) for day in {*days}}
        assert sum(days.values()) == sum(one.count for one in buckets)
