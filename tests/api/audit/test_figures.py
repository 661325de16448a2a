"""Figures from whole hours say what the records say, at every edge and for every way of summing up."""

from __future__ import annotations

import math
import random
import statistics
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.audit import records
from app.audit.contracts import Bucket
from app.audit.figures import AGGREGATES, RecordFilter
from app.audit.shapes import RecordIn
from tests.eventstore_fixtures import RETENTION_DAYS

START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(session_event_store):
    """The event store, as the one that the service reads."""
    from app.eventstore.service import set_event_store

    set_event_store(session_event_store)
    yield session_event_store
    set_event_store(None)


@pytest.fixture(scope="module")
def sent(store):
    """Some hundred records for all tests that only read them."""
    return send(store)


@pytest.fixture
def sent_alone(store):
    """The same in a project of its own, for a test that removes them or the tables' views."""
    return send(store)


def send(store):
    """Some hundred records over two days in a fresh project, one request each; where they are and what each holds."""
    from app.ingest import service as ingest

    rng, bucket = random.Random(7), Bucket(f"tenant-{uuid4()}", f"project-{uuid4()}")
    rows, kept = [], []
    for number in range(400):
        at = START + timedelta(minutes=rng.randrange(0, 2 * 24 * 60), milliseconds=rng.randrange(60_000))
        value, status = rng.random() * 100, rng.choice(["success", "error"])
        record = RecordIn.model_validate(
            {
                "category": "http", "source_information": {"application": "shop", "environment": rng.choice(["a", "b"])},
                "method": "GET", "status": status, "level": "info", "actor": {"origin": "10.0.0.1"},
                "event": {"name": "view", "type": "x", "latency": value + 1, "stage": 1},
                "metadata": [{"is_metric": True, "name": "price", "value": value}] if number % 3 else [],
            }
        )  # fmt: skip
        rows.append(records._row(record, str(uuid4()), 1, at))
        kept.append((at, value if number % 3 else None, status))
    lines = ingest.encode_records("audit", bucket.tenant_id, bucket.project_id, rows)
    store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid4()))
    return bucket, kept


def expected(kept, start, stop, step, aggregate, by_status):
    found: dict = {}
    for at, value, status in sorted(kept):
        if value is not None and start <= at < stop:
            window = int(at.timestamp() * 1000) // int(step.total_seconds() * 1000)
            found.setdefault((status if by_status else "all", window), []).append(value)
    work = {
        "mean": statistics.mean, "sum": math.fsum, "count": len, "min": min, "max": max, "median": statistics.median,
        "first": lambda values: values[0], "last": lambda values: values[-1], "spread": lambda values: max(values) - min(values),
        "stddev": lambda values: statistics.stdev(values) if len(values) > 1 else None,
    }[aggregate]  # fmt: skip
    return [work(values) for _, values in sorted(found.items())]


@pytest.mark.parametrize("aggregate", sorted(AGGREGATES))
@pytest.mark.parametrize("by_status", [False, True])
@pytest.mark.parametrize(
    ("first", "last", "step"),
    [
        (0, 48, timedelta(hours=1)),
        (0.4, 47.7, timedelta(hours=6)),
        (3.5, 4.5, timedelta(hours=1)),
        (3.6, 4.4, timedelta(days=1)),
        (10, 40, timedelta(days=1)),
        (1, 20, timedelta(minutes=90)),
    ],
)
def test_figures_equal_those_of_the_records(sent, aggregate, by_status, first, last, step):
    bucket, kept = sent
    start, stop = START + timedelta(hours=first), START + timedelta(hours=last)
    wanted = RecordFilter("http", "shop", start, stop)
    groups = records.metric(bucket, "price", wanted, step, aggregate, "status" if by_status else None)
    values = [point["value"] for group in groups for point in group.data]
    wished = expected(kept, start, stop, step, aggregate, by_status)
    assert len(values) == len(wished)
    for value, wish in zip(values, wished, strict=True):
        assert value == wish if wish is None or value is None else math.isclose(value, wish, rel_tol=1e-9)


def test_records_are_counted_by_value_and_window_with_and_without_their_metric(sent):
    bucket, kept = sent
    start, stop = START + timedelta(hours=0.3), START + timedelta(hours=40.2)
    found = records.counts(bucket, "status", RecordFilter("http", "shop", start, stop), timedelta(hours=1))
    totals: dict[str, int] = {}
    for window in found:
        for value, count in window["data"].items():
            totals[value] = totals.get(value, 0) + count
    assert totals == {
        status: sum(1 for at, _, one in kept if one == status and start <= at < stop) for status in ("success", "error")
    }


def test_records_from_before_there_were_figures_are_counted_once_the_tables_are_made(sent_alone, store):
    bucket, kept = sent_alone
    client = store._connected()
    for view in ("audit_facts_mv", "audit_hours_mv"):
        client.command(f"DROP VIEW plumbline.{view}")
    store.ensure_schema(RETENTION_DAYS)
    wanted = RecordFilter("http", "shop", START, START + timedelta(days=3))
    (group,) = records.metric(bucket, "price", wanted, timedelta(days=30), "count", None)
    assert sum(point["value"] for point in group.data) == sum(1 for _, value, _ in kept if value is not None)


def test_a_project_that_is_deleted_takes_its_figures_along(sent_alone, store):
    bucket, _ = sent_alone
    store.delete_project(bucket.tenant_id, bucket.project_id)
    wanted = RecordFilter("http", "shop", START, START + timedelta(days=2))
    assert records.counts(bucket, "status", wanted, timedelta(hours=1)) == []
    assert records.metric_names(bucket) == ["cpu_usage", "memory_usage"]
