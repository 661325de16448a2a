"""The scan against the real event store: what was sent is what is counted."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from app.kernel.intervals import Interval, floor_to_bucket
from app.scans.runs import DEFAULT_TOOLS, RunTools
from models.identity import Tenant
from models.projects import Project
from tests.eventstore_fixtures import StoredProject
from tests.integration.eventstore.rows import event, instant, lines, token
from tests.integration.scans_workbench import NOW, Workbench

FLOOR = NOW.replace(minute=0)


class StoreBench(Workbench):
    """The workbench with the process-wide event store instead of rows in memory."""

    @property
    def tools(self) -> RunTools:
        return RunTools(self.transaction, DEFAULT_TOOLS.open_warehouse, self._evaluate, self.clock)


@pytest.fixture
def store_bench(engine, event_store, stored_project: StoredProject) -> StoreBench:
    bench = StoreBench(engine)
    with bench.transaction() as session:
        session.add(Tenant(id=stored_project.tenant_id, name="Stored"))
        session.flush()
        project = session.get_one(Project, bench.project.id)
        project.tenant_id = stored_project.tenant_id
    return bench


@pytest.mark.parametrize("interval", [Interval.QUARTER_HOUR, Interval.HOUR, Interval.WEEK])
def test_counts_per_event_and_bucket_are_exact(store_bench: StoreBench, event_store, stored_project, interval: Interval):
    store_bench.change_config(interval=interval.value)
    project = StoredProject(stored_project.tenant_id, store_bench.project.id)
    chance = random.Random(7)
    expected: Counter = Counter()
    rows = []
    for _ in range(3000):
        name = chance.choice(["click", "view", "Käse \U0001f9c0", "a b|c=d"])
        moment = FLOOR - timedelta(milliseconds=chance.randrange(1, 12 * 86_400_000))
        rows.append(event(project, name=name, time=moment))
        expected[(name, floor_to_bucket(moment, interval))] += 1
    rows.append(event(project, name="click", time=NOW - timedelta(minutes=1)))  # in the incomplete bucket
    rows += [event(project, kind="log", name="click", time=FLOOR - timedelta(hours=1))]
    event_store.insert_lines("events", lines(*rows), rows=len(rows), token=token())
    complete = floor_to_bucket(NOW, interval)
    job = store_bench.collect()
    assert (job.status, job.error_message) == ("completed", None)
    found = {
        (name, bucket): count
        for (source, name) in store_bench.events()
        for bucket, count in store_bench.counts(source, name).items()
    }
    assert found == {key: count for key, count in expected.items() if key[1] < complete}
    assert found
    event_type_id = store_bench.events()[("web", "click")].event_type_id
    assert sum(store_bench.counts_of("event_type", event_type_id).values()) == sum(found.values())


def test_late_rows_are_added_by_the_next_run(store_bench: StoreBench, event_store, stored_project):
    project = StoredProject(stored_project.tenant_id, store_bench.project.id)

    def send(time, received_at) -> None:
        row = event(project, name="click", time=time, received_at=instant(received_at))
        event_store.insert_lines("events", lines(row), rows=1, token=token())

    send(FLOOR - timedelta(hours=1), NOW - timedelta(hours=1))
    store_bench.collect()
    late = FLOOR - timedelta(days=45)
    send(late, NOW + timedelta(minutes=10))
    store_bench.clock.advance(timedelta(hours=1))
    store_bench.collect()
    assert store_bench.counts("web", "click") == {late: 1, FLOOR - timedelta(hours=1): 1}
