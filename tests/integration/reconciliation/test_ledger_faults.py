"""The ledger on real adapters: the built-in event store as what arrived, a PostgreSQL as the warehouse, hour by hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import FixedClock
from app.kernel.intervals import Interval
from app.plan.service import main_branch_id
from app.reconciliation import ledger_service
from app.reconciliation.ledger import FindingKind
from app.scans import service as scans
from app.scans.config_rules import ConfigDraft
from app.scans.drafts import stored_values
from app.scans.runs import DEFAULT_TOOLS, RunTools
from models.identity import Tenant
from models.plan import Event
from models.projects import Project
from models.scans import DataSource, ScanConfig
from tests.eventstore_fixtures import StoredProject
from tests.factories import make_event_type
from tests.integration.eventstore.rows import event, instant, lines, token
from tests.integration.scans_workbench import HOLDER, Found, Workbench

pytestmark = pytest.mark.postgres

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 17, 18, tzinfo=UTC)
USUAL_DELAY = timedelta(seconds=90)
LOOK = 3 * MINUTE
"""Both scans run so long after the end of each hour."""


@dataclass(frozen=True)
class Sent:
    """One event as its sender made it; it reaches the event store and the warehouse at their own times, or never."""

    name: str
    time: datetime
    arrives: datetime
    loaded: datetime | None
    copies: int = 1


Path = Callable[[str, int, datetime], Sent]


@dataclass
class Pipeline(Workbench):
    """A project whose events arrive here and are loaded into a PostgreSQL."""

    engine: sa.Engine
    store_of: object
    stored: StoredProject
    server: object
    to_arrive: list[Sent] = field(default_factory=list)
    to_load: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.engine)
        self.clock = FixedClock(START)
        self.database = self.server.create_database(migrated=False)
        self.url = self.server.url(self.database)
        with psycopg.connect(self.url, autocommit=True) as session:
            # Clocks on a wall without a zone, in a session that lives in New York.
            session.execute(f"ALTER DATABASE {self.database} SET timezone TO 'America/New_York'")
            session.execute("CREATE TABLE facts (source text, name text, wall timestamp)")
        self.port = int(str(psycopg.conninfo.conninfo_to_dict(self.url)["port"]))
        with self.transaction() as session:
            session.add(Tenant(id=self.stored.tenant_id, name="Stored"))
            session.flush()
            session.get_one(Project, self.project.id).tenant_id = self.stored.tenant_id
            session.get_one(ScanConfig, self.config_id).interval = Interval.HOUR.value
            main_branch_id(session, self.project.id)
            make_event_type(session, self.project, name="web")
            source = DataSource(
                name="Lake", db_type="postgres", host="127.0.0.1", port=self.port, database_name=self.database, username="postgres"
            )
            session.add(source)
            session.flush()
            self.source_id = source.id
            draft = ConfigDraft(
                name="Lake", base_query="SELECT source, name, wall FROM facts", event_type_column="source", time_column="wall",
                interval=Interval.HOUR, event_name_format="{name}",
            )  # fmt: skip
            session.add(ScanConfig(project_id=self.project.id, data_source_id=source.id, **stored_values(draft)))
        self.into = StoredProject(self.stored.tenant_id, self.project.id)

    @property
    def tools(self) -> RunTools:
        return RunTools(self.transaction, DEFAULT_TOOLS.open_warehouse, lambda *_: lambda _: Found(), self.clock)

    def send(self, sent: Sequence[Sent]) -> None:
        self.to_arrive += sent
        self.to_load += [one for one in sent if one.loaded is not None]

    def set_port(self, port: int) -> None:
        with self.transaction() as session:
            session.get_one(DataSource, self.source_id).port = port

    def look(self, at: datetime) -> list[tuple[str, FindingKind, datetime]]:
        """Let everything happen until then, run what is due, and read the ledger: (event, what is wrong, since when)."""
        self._arrive(at)
        self.clock.at = at
        with self.transaction() as session:
            scans.create_due_jobs(session, at)
        while (job_id := self.claim()) is not None:
            scans.run_job(job_id, HOLDER, tools=self.tools)
        with self.transaction() as session:
            ledger_service.note_first_counts(session, at + MINUTE)
        with self.transaction(write=False) as session:
            view = ledger_service.get_ledger(session, SYSTEM_ACTOR, "shop", now=at + MINUTE)
        return sorted((one.event_name, one.finding.kind, one.finding.since) for one in view.findings if one.event_id is not None)

    def _arrive(self, until: datetime) -> None:
        """What reaches either side until then."""
        here, self.to_arrive = _parted(self.to_arrive, lambda one: one.arrives <= until)
        there, self.to_load = _parted(self.to_load, lambda one: one.loaded is not None and one.loaded <= until)
        if here:
            rows = [event(self.into, name=one.name, time=one.time, received_at=instant(one.arrives)) for one in here]
            self.store_of.insert_lines("events", lines(*rows), rows=len(rows), token=token())
        with psycopg.connect(self.url) as session, session.cursor() as cursor, cursor.copy("COPY facts FROM STDIN") as copy:
            for one in there:
                for _ in range(one.copies):
                    copy.write_row(("web", one.name, one.time.replace(tzinfo=None)))


def _parted(sent: Sequence[Sent], is_due: Callable[[Sent], bool]) -> tuple[list[Sent], list[Sent]]:
    return [one for one in sent if is_due(one)], [one for one in sent if not is_due(one)]


@pytest.fixture
def pipeline(engine, event_store, stored_project, postgres_server) -> Pipeline:
    return Pipeline(engine, event_store, stored_project, postgres_server)


def hour_of(name: str, hour: datetime, count: int, path: Path | None = None) -> list[Sent]:
    """Events spread over the hour; without a path they reach both sides as usual."""
    usual: Path = lambda name, _, at: Sent(name, at, at, at + USUAL_DELAY)  # noqa: E731
    return [(path or usual)(name, index, hour + HOUR * (index + 0.5) / count) for index in range(count)]


FAULTS: dict[str, tuple[int, FindingKind, Path]] = {
    "drops 1 %": (3000, FindingKind.LOSS, lambda name, i, at: Sent(name, at, at, None if i % 100 == 7 else at + USUAL_DELAY)),
    "duplicates 0.5 %": (
        8000, FindingKind.DUPLICATES, lambda name, i, at: Sent(name, at, at, at + USUAL_DELAY, 1 + (i % 200 == 7)),
    ),
    "delays 40 minutes": (2000, FindingKind.LATENESS, lambda name, _, at: Sent(name, at, at, at + USUAL_DELAY + 40 * MINUTE)),
}  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_fault_is_named_within_one_hour_of_its_first_whole_hour(pipeline):
    healthy, faulty = 2, 2
    for index in range(healthy + faulty + 1):
        hour = START + index * HOUR
        for name, (count, _, path) in FAULTS.items():
            pipeline.send(hour_of(name, hour, count, path if index >= healthy else None))
        pipeline.send(hour_of("whole", hour, 500))
        found = pipeline.look(hour + HOUR + LOOK)
        # The first whole hour with a fault ends; an hour later its name is there, and no other.
        first = START + healthy * HOUR
        expected = [] if hour <= first else sorted((name, kind, first) for name, (_, kind, _) in FAULTS.items())
        assert found == expected, hour


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_called_lost_that_was_only_not_looked_at(pipeline):
    outage = range(8, 11)  # the warehouse is away from 02:00 to 05:00, and what fills it has caught up only at 06:45
    back = START + outage.stop * HOUR + 105 * MINUTE
    ashore = START + 9 * HOUR

    def through_outage(name: str, _: int, at: datetime) -> Sent:
        return Sent(name, at, at, max(at, back))

    def never(name: str, _: int, at: datetime) -> Sent:
        return Sent(name, at, at, None)

    def offline(name: str, _: int, at: datetime) -> Sent:
        return Sent(name, at, ashore, back)

    for index in range(15):
        hour = START + index * HOUR
        is_out = index in outage
        pipeline.send(hour_of("paid", hour, 400, through_outage if is_out else None))
        pipeline.send(hour_of("really lost", hour, 300, never if index == outage.start else through_outage if is_out else None))
        if index == 5:  # shortly before midnight, by phones that are offline until three o'clock
            pipeline.send(hour_of("paid", hour, 200, offline))
        if index == 3:
            with pipeline.transaction() as session:
                session.execute(sa.update(Event).where(Event.name == "paid").values(name="Payment done"))
        pipeline.set_port(1 if is_out else pipeline.port)
        found = pipeline.look(hour + HOUR + LOOK)
        lost = [one for one in found if one[1] is not FindingKind.LATENESS]
        # What is gone for good is named when the outage was looked at again, an hour after its end.
        is_known = index >= outage.stop + 1
        assert lost == ([("really lost", FindingKind.LOSS, START + outage.start * HOUR)] if is_known else []), hour
        if index == outage.stop - 1:
            assert not found
    with pipeline.transaction(write=False) as session:
        view = ledger_service.get_ledger(session, SYSTEM_ACTOR, "shop", now=pipeline.clock.at)
    assert sorted(name for _, name in view.events) == ["Payment done", "really lost"]
