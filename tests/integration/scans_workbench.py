"""A project with its built-in scan on a real database, and an event store of rows in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from app.eventstore.contracts import BucketCount, GroupCount, ReceivedSpan
from app.identity.contracts import SYSTEM_ACTOR, Actor, UserRole
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.scans import service as scans
from app.scans.runs import RunTools
from app.scans.windows import Window
from app.warehouse.builtin import BuiltinWarehouse
from models.identity import Tenant
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, EventType
from models.projects import Project
from models.scans import ScanConfig, ScanJob

NOW = datetime(2026, 3, 18, 10, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
VIEWER = Actor(user_id=None, email="viewer@example.com", name="V", role=UserRole.VIEWER)
EDITOR = Actor(user_id=None, email="editor@example.com", name="E", role=UserRole.EDITOR)
HOLDER = "machine/1/holder"


@dataclass(frozen=True)
class StoredRow:
    source: str
    name: str
    time: datetime
    received_at: datetime
    count: int


@dataclass
class FakeEventStore:
    """Counts rows in memory; `fail_with` makes the next read of that name raise, `on_read` runs before each read."""

    rows: list[StoredRow] = field(default_factory=list)
    fail_with: dict[str, Exception] = field(default_factory=dict)
    on_read: dict[str, object] = field(default_factory=dict)
    reads: list[tuple[str, datetime | None, datetime | None]] = field(default_factory=list)

    def add(self, source: str, name: str, time: datetime, count: int = 1, *, received_at: datetime | None = None) -> None:
        self.rows.append(StoredRow(source, name, time, received_at or time, count))

    def _read(self, what: str, start: datetime | None = None, stop: datetime | None = None) -> None:
        self.reads.append((what, start, stop))
        if what in self.on_read:
            self.on_read[what]()
        if what in self.fail_with:
            raise self.fail_with.pop(what)

    def count_groups(self, tenant_id, project_id, kind, start, stop):
        self._read("groups", start, stop)
        found = [row for row in self.rows if start <= row.time < stop]
        counts = Counter()
        for row in found:
            counts[(row.source, row.name)] += row.count
        return [
            GroupCount(
                *key,
                count,
                min(row.time for row in found if (row.source, row.name) == key),
                max(row.time for row in found if (row.source, row.name) == key),
            )
            for key, count in counts.most_common()
        ]

    def count_buckets(self, tenant_id, project_id, kind, start, stop, *, seconds, anchor, limit):
        self._read("buckets", start, stop)
        counts = Counter()
        for row in self.rows:
            if start <= row.time < stop:
                index = int((row.time - anchor).total_seconds() // seconds)
                counts[(row.source, row.name, anchor + timedelta(seconds=seconds) * index)] += row.count
        return [BucketCount(*key, count) for key, count in counts.items()][:limit]

    def received_span(self, tenant_id, project_id, kind, after):
        self._read("span", after)
        found = [row for row in self.rows if after is None or row.received_at > after]
        if not found:
            return None
        times = [row.time for row in found]
        return ReceivedSpan(min(times), max(times), max(row.received_at for row in found))


@dataclass(frozen=True)
class Found:
    anomaly_count: int = 0
    signal_count: int = 0
    unknown_count: int = 0


class Workbench:
    """One project on one database; the clock and the event store are the test's."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.clock = FixedClock(NOW)
        self.store = FakeEventStore()
        self.evaluated: list[Window] = []
        self.evaluation_error: Exception | None = None
        with self.transaction() as session:
            tenant = Tenant(id="tenant_1", name="Acme")
            session.add(tenant)
            session.flush()
            self.project = Project(tenant_id=tenant.id, name="Shop", slug="shop")
            session.add(self.project)
            session.flush()
            self.config_id = scans.ensure_builtin_scan(session, self.project).id

    @contextmanager
    def transaction(self, *, write: bool = True):
        with session_scope(self.engine, write=write) as session:
            yield session

    @property
    def tools(self) -> RunTools:
        return RunTools(
            transaction=self.transaction,
            open_warehouse=lambda run: BuiltinWarehouse(self.store, run.tenant_id, run.project_id),
            evaluate=self._evaluate,
            clock=self.clock,
        )

    def _evaluate(self, session: Session, config_id: str, now: datetime, window: Window) -> Callable[[Session], Found]:
        if self.evaluation_error is not None:
            raise self.evaluation_error
        assert (config_id, now) == (self.config_id, self.clock.now())
        self.evaluated.append(window)
        return lambda _: Found(anomaly_count=2, signal_count=1)

    def request(self) -> str:
        with self.transaction() as session:
            return scans.request_run(session, EDITOR, "shop", self.config_id, now=self.clock.now()).id

    def request_replay(self, start: datetime, stop: datetime) -> str:
        with self.transaction() as session:
            return scans.request_replay(session, SYSTEM_ACTOR, "shop", self.config_id, start, stop, now=self.clock.now()).id

    def claim(self, holder: str = HOLDER) -> str | None:
        with self.transaction() as session:
            return scans.claim_next_job(session, holder, self.clock.now())

    def work(self, *, should_stop=lambda: False) -> ScanJob:
        """Claim the oldest waiting job, run it, and give back its row."""
        job_id = self.claim()
        assert job_id is not None, "no job waits"
        scans.run_job(job_id, HOLDER, tools=self.tools, should_stop=should_stop)
        return self.job(job_id)

    def collect(self) -> ScanJob:
        self.request()
        return self.work()

    def replay(self, start: datetime, stop: datetime) -> ScanJob:
        self.request_replay(start, stop)
        return self.work()

    def job(self, job_id: str) -> ScanJob:
        with self.transaction(write=False) as session:
            return session.get_one(ScanJob, job_id)

    def config(self) -> ScanConfig:
        with self.transaction(write=False) as session:
            return session.get_one(ScanConfig, self.config_id)

    def change_config(self, **values: object) -> None:
        with self.transaction() as session:
            config = session.get_one(ScanConfig, self.config_id)
            for name, value in values.items():
                setattr(config, name, value)

    def change_job(self, job_id: str, **values: object) -> None:
        with self.transaction() as session:
            job = session.get_one(ScanJob, job_id)
            for name, value in values.items():
                setattr(job, name, value)

    def events(self) -> dict[tuple[str, str], Event]:
        with self.transaction(write=False) as session:
            rows = session.execute(sa.select(Event, EventType.name).join(EventType, EventType.id == Event.event_type_id))
            return {(type_name, event.name): event for event, type_name in rows}

    def counts(self, source: str, name: str) -> dict[datetime, int]:
        event = self.events()[(source, name)]
        return self.counts_of("event", event.id)

    def counts_of(self, scope_type: str, ref: str) -> dict[datetime, int]:
        with self.transaction(write=False) as session:
            rows = session.execute(
                sa.select(MetricBucket.bucket, MetricBucket.count).where(
                    MetricBucket.scope_type == scope_type, MetricBucket.scope_ref == ref
                )
            )
            return {row[0]: row[1] for row in rows}

    def coverage(self) -> dict[datetime, tuple[int, int]]:
        with self.transaction(write=False) as session:
            rows = session.execute(sa.select(MetricCoverage.bucket, MetricCoverage.total_count, MetricCoverage.matched_count))
            return {bucket: (total, matched) for bucket, total, matched in rows}

    def everything(self) -> tuple[object, ...]:
        """All stored counts, coverage and events, for "the same data" comparisons."""
        with self.transaction(write=False) as session:
            columns = (MetricBucket.scope_type, MetricBucket.scope_ref, MetricBucket.bucket, MetricBucket.count)
            buckets = {tuple(row) for row in session.execute(sa.select(*columns))}
        events = {key: (event.id, event.status, event.last_seen_at, event.order) for key, event in self.events().items()}
        return buckets, self.coverage(), events
