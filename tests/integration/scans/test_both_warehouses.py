"""The same rows in PostgreSQL and in the event store: the same plan and the same counts; and a PostgreSQL that dies mid-scan."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.intervals import Interval
from app.plan.service import main_branch_id
from app.scans import service as scans
from app.scans.config_rules import ConfigDraft
from app.scans.contracts import LookKind
from app.scans.drafts import stored_values
from app.scans.runs import DEFAULT_TOOLS, RunTools
from models.identity import Tenant
from models.metrics import MetricBreakdown
from models.plan import Event
from models.plan_entities import EventFieldValue, FieldDefinition, Variable
from models.projects import Project
from models.scans import DataSource, ScanConfig
from tests.eventstore_fixtures import StoredProject
from tests.factories import make_event_type
from tests.integration.eventstore.rows import event, lines, token
from tests.integration.scans_workbench import HOLDER, NOW, Workbench
from tests.postgres_server import PostgresServer

FLOOR = NOW.replace(minute=0)
QUERIES = {
    "postgres": "SELECT source, name, time, properties FROM flights",
    "builtin": "SELECT source, name, time, properties FROM events",
}
DRAFT = ConfigDraft(
    name="Flights", base_query="", event_type_column="source", time_column="time", interval=Interval.HOUR,
    event_name_format="{name} {properties.carrier}", json_value_paths=("properties.carrier",),
    metric_breakdown_columns=(), cardinality_threshold=20,
)  # fmt: skip


def flights() -> list[dict[str, object]]:
    chance = random.Random(11)
    rows = []
    for number in range(1500):
        properties: dict[str, object] = {"carrier": chance.choice(["UA", "DL", "AA"]), "flight": number, "origin": "JFK"}
        if number % 3 == 0:
            properties["delay"] = chance.randrange(90)
        moment = FLOOR - timedelta(seconds=chance.randrange(1, 28 * 3600))
        rows.append({"source": "airline", "name": chance.choice(["departed", "landed"]), "time": moment, "properties": properties})
    return rows


class BothBench(Workbench):
    """Two projects of one instance, each scanning the same rows from another warehouse."""

    def __init__(self, engine: sa.Engine, server: PostgresServer, database: str) -> None:
        super().__init__(engine)
        self.server = server
        with self.transaction() as session:
            session.get_one(ScanConfig, self.config_id).is_paused = True
            postgres = DataSource(
                name="Flights warehouse", db_type="postgres", host="127.0.0.1", port=port_of(server), database_name=database,
                username="postgres",
            )  # fmt: skip
            session.add(postgres)
            session.flush()
            builtin = session.execute(sa.select(DataSource).where(DataSource.is_builtin)).scalar_one()
            self.sources = {"postgres": postgres.id, "builtin": builtin.id}
            self.projects = {"postgres": self.project.id}

    @property
    def tools(self) -> RunTools:
        return replace(super().tools, open_sql=DEFAULT_TOOLS.open_sql)

    def _evaluate(self, session, config_id, now, window):
        from tests.integration.scans_workbench import Found

        return lambda _: Found()

    def add_scan(self, kind: str, project_id: str, **changes: object) -> str:
        with self.transaction() as session:
            project = session.get_one(Project, project_id)
            main_branch_id(session, project.id)
            event_type = make_event_type(session, project, name="airline")
            for order, (name, field_type) in enumerate((("name", "string"), ("properties", "json"))):
                session.add(
                    FieldDefinition(event_type_id=event_type.id, name=name, display_name=name, field_type=field_type, order=order)
                )
            draft = replace(DRAFT, base_query=QUERIES[kind], **changes)
            config = ScanConfig(project_id=project.id, data_source_id=self.sources[kind], **stored_values(draft))
            session.add(config)
            session.flush()
            return config.id

    def picture(self, project_id: str) -> dict[str, object]:
        """Events with values, variables and counts, without ids."""
        with self.transaction(write=False) as session:
            names = dict(session.execute(sa.select(Event.id, Event.name).where(Event.project_id == project_id)).all())
            values = {
                (names[event_id], name, json.dumps(json.loads(value), sort_keys=True) if value.startswith("{") else value)
                for event_id, name, value in session.execute(
                    sa.select(EventFieldValue.event_id, FieldDefinition.name, EventFieldValue.value).join(
                        FieldDefinition, FieldDefinition.id == EventFieldValue.field_definition_id
                    )
                )
                if event_id in names
            }
            variables = set(
                session.execute(
                    sa.select(Variable.name, Variable.source_name, Variable.variable_type).where(Variable.project_id == project_id)
                ).all()
            )
            breakdowns: Counter = Counter()
            for row in session.execute(sa.select(MetricBreakdown)).scalars():
                if row.scope_ref in names:
                    breakdowns[(names[row.scope_ref], row.breakdown_value, row.is_other, row.bucket)] += row.count
        counts = {name: self.counts_of("event", event_id) for event_id, name in names.items()}
        return {"values": values, "variables": variables, "counts": counts, "breakdowns": breakdowns}


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server that the test may kill."""
    server = PostgresServer()
    yield server
    server.stop()


def port_of(server: PostgresServer) -> int:
    port = sa.make_url(server.url("postgres")).port
    assert port is not None
    return port


def fill(server: PostgresServer, database: str, rows: Sequence[dict[str, object]]) -> None:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute("CREATE TABLE flights (source text, name text, time timestamptz, properties jsonb)")
        with connection.cursor() as cursor, cursor.copy("COPY flights FROM STDIN") as copy:
            for row in rows:
                copy.write_row((row["source"], row["name"], row["time"], json.dumps(row["properties"])))


@pytest.fixture
def both(engine, event_store, stored_project: StoredProject, own_postgres: PostgresServer) -> BothBench:
    return bench_with(flights(), engine, event_store, stored_project, own_postgres)


def bench_with(
    flown: Sequence[dict[str, object]], engine: sa.Engine, event_store, stored_project: StoredProject, server: PostgresServer
) -> BothBench:
    """The rows in both warehouses."""
    database = server.create_database(migrated=False)
    fill(server, database, flown)
    bench = BothBench(engine, server, database)
    with bench.transaction() as session:
        session.add(Tenant(id=stored_project.tenant_id, name="Stored"))
        session.flush()
        stored = Project(tenant_id=stored_project.tenant_id, name="Stored", slug="stored")
        session.add(stored)
        session.flush()
        bench.projects["builtin"] = stored.id
    target = StoredProject(stored_project.tenant_id, bench.projects["builtin"])
    rows = [
        event(target, time=row["time"], source=row["source"], name=row["name"], properties=json.dumps(row["properties"]))
        for row in flown
    ]
    event_store.insert_lines("events", lines(*rows), rows=len(rows), token=token())
    return bench


def test_both_warehouses_give_the_same_plan_and_the_same_counts(both: BothBench):
    pictures = {}
    for kind, project_id in both.projects.items():
        both.config_id = both.add_scan(kind, project_id, metric_breakdown_columns=("name",), metric_breakdown_values_limit=1)
        slug = "shop" if kind == "postgres" else "stored"
        with both.transaction() as session:
            job_id = scans.request_run(session, SYSTEM_ACTOR, slug, both.config_id, now=NOW).id
        both.work()
        job = both.job(job_id)
        assert (job.status, job.error_message) == ("completed", None), kind
        pictures[kind] = both.picture(project_id)
    expected: Counter = Counter(f"{row['name']} {row['properties']['carrier']}" for row in flights())
    found = {name: sum(buckets.values()) for name, buckets in pictures["postgres"]["counts"].items()}
    assert found == dict(expected)
    assert pictures["postgres"] == pictures["builtin"]
    assert ("properties_flight", "properties.flight", "string") in pictures["postgres"]["variables"]


def test_a_preview_and_a_dry_run_show_what_is_there_and_write_nothing(both: BothBench):
    for kind, slug in (("postgres", "shop"), ("builtin", "stored")):
        with both.transaction() as session:
            wanted = scans.PreviewRequest(both.sources[kind], QUERIES[kind], limit=3, include_json_paths=True)
            preview = scans.request_preview(session, SYSTEM_ACTOR, slug, wanted, now=NOW)
            draft = replace(DRAFT, base_query=QUERIES[kind])
            dry_run = scans.request_dry_run(session, SYSTEM_ACTOR, slug, both.sources[kind], draft, now=NOW)
        for _ in range(2):
            with both.transaction() as session:
                look_id = scans.claim_next_look(session, HOLDER, NOW)
            assert scans.run_look(look_id, HOLDER, tools=both.tools) == "completed"
        with both.transaction(write=False) as session:
            shown = scans.get_look(session, SYSTEM_ACTOR, slug, preview.id, LookKind.PREVIEW).result_summary
            forecast = scans.get_look(session, SYSTEM_ACTOR, slug, dry_run.id, LookKind.DRY_RUN).result_summary
        assert [column["name"] for column in shown["columns"]] == ["source", "name", "time", "properties"]
        assert len(shown["rows"]) == 3
        (paths,) = shown["json_columns"]
        assert [path["path"] for path in paths["paths"]] == ["carrier", "delay", "flight", "origin"]
        assert set(paths["paths"][0]["sample_values"]) == {"UA", "DL", "AA"}
        assert (forecast["events_to_create"], forecast["event_types_to_create"]) == (6, ["airline"])
        assert forecast["variables_to_create"] == 3
        assert any("variable" in column["why"] for column in forecast["columns"])
    assert both.events() == {}


class DyingWarehouse:
    """A warehouse whose server is killed after it was asked for groups."""

    def __init__(self, inner, server: PostgresServer) -> None:
        self._inner, self._server = inner, server

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def groups(self, query, window):
        found = self._inner.groups(query, window)
        self._server.stop()
        return found


def test_a_postgres_that_dies_mid_scan_fails_the_job_in_plain_words_and_stores_no_counts(both: BothBench):
    both.config_id = both.add_scan("postgres", both.projects["postgres"])
    both.request()
    with both.transaction() as session:
        job_id = scans.claim_next_job(session, HOLDER, both.clock.now())
    tools = replace(both.tools, open_sql=lambda connection: DyingWarehouse(DEFAULT_TOOLS.open_sql(connection), both.server))
    scans.run_job(job_id, HOLDER, tools=tools)
    job = both.job(job_id)
    assert job.status == "failed"
    assert job.error_message.startswith("The data source could not be reached.")
    assert both.coverage() == {}
    assert both.config().consecutive_failures == 1
    replacement = PostgresServer()
    try:
        database = replacement.create_database(migrated=False)
        fill(replacement, database, flights())
        with both.transaction() as session:
            source = session.get_one(DataSource, both.sources["postgres"])
            source.port, source.database_name = port_of(replacement), database
        job = both.collect()
        assert (job.status, job.error_message) == ("completed", None)
        assert both.config().consecutive_failures == 0
        assert sum(total for total, _ in both.coverage().values()) == len(flights())
    finally:
        replacement.stop()
