"""How long the metrics routes of a large project take, beside reading the same counts as objects.

    python -m benchmarks.metrics [--events 5000] [--days 90] [--url postgresql://user@host/empty_database]

Every event has a count in every hour. The peer loads the stored rows of one event as objects and turns each into a dictionary:
what a route without a query of its own does. Without a URL a SQLite file in a temporary folder is used. Times are those of whole
requests in this process, database included; the ratio is to the peer in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine
from sqlmodel import Session, col

from app import http
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics.api import router
from app.migrations import upgrade
from app.projects import service as projects
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.scans import DataSource, ScanConfig

SLUG = "large"
TYPES = 20
COUNTRIES = 12
REQUESTS = 40
HOUR = timedelta(hours=1)


def fill(session: Session, events: int, days: int) -> tuple[str, str, str]:
    """A project with so many events, counted in every hour of so many days; the ids of the scan, an event and its type."""
    project = projects.create_project(session, SYSTEM_ACTOR, "Large", SLUG)
    branch_id = session.execute(sa.select(PlanBranch.id).where(col(PlanBranch.project_id) == project.id)).scalar_one()
    owned = {"project_id": project.id, "branch_id": branch_id}
    types = [EventType(**owned, name=f"type_{number}", display_name="Type", order=number) for number in range(TYPES)]
    source = DataSource(name="Counts", db_type="clickhouse")
    session.add_all([*types, source])
    session.flush()
    config = ScanConfig(
        project_id=project.id, data_source_id=source.id, name="Hourly", base_query="SELECT 1", event_type_column="type",
        time_column="at", event_name_format="{name}", interval="1h", metric_breakdown_columns=["country"],
    )  # fmt: skip
    rows = [
        Event(**owned, event_type_id=types[number % TYPES].id, name=f"event_{number}", order=number) for number in range(events)
    ]
    session.add_all([config, *rows])
    session.flush()
    newest = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - HOUR
    hours = [newest - back * HOUR for back in range(days * 24)]
    session.execute(
        sa.insert(MetricCoverage),
        [{"scan_config_id": config.id, "bucket": hour, "total_count": events, "matched_count": events} for hour in hours],
    )
    for scope, model in (("event", Event), ("event_type", EventType)):
        every = sa.select(
            sa.literal(config.id), sa.literal(scope), col(model.id), col(MetricCoverage.bucket), sa.literal(25)
        ).select_from(sa.join(model, MetricCoverage, sa.true()))
        names = ["scan_config_id", "scope_type", "scope_ref", "bucket", "count"]
        session.execute(sa.insert(MetricBucket).from_select(names, every.order_by(col(model.id), col(MetricCoverage.bucket))))
    session.execute(
        sa.insert(MetricBreakdown),
        [
            {
                "scan_config_id": config.id, "scope_type": "event", "scope_ref": rows[0].id, "breakdown_column": "country",
                "breakdown_value": f"country {value}", "is_other": False, "bucket": hour, "count": 2,
            }
            for value in range(COUNTRIES)
            for hour in hours
        ],
    )  # fmt: skip
    return config.id, rows[0].id, types[0].id


def read_plainly(engine: Engine, config_id: str, event_id: str) -> None:
    """The rows of one event as objects, then as JSON."""
    wanted = sa.select(MetricBucket).where(
        col(MetricBucket.scan_config_id) == config_id,
        col(MetricBucket.scope_type) == "event",
        col(MetricBucket.scope_ref) == event_id,
    )
    with session_scope(engine, write=False) as session:
        json.dumps([row.model_dump(mode="json") for row in session.execute(wanted).scalars()])


def milliseconds(work: Callable[[], object], times: int = REQUESTS) -> tuple[float, float, float]:
    """Median, 95th percentile, and the processor's time of one on average, which others on the machine do not lengthen."""
    work()
    taken = []
    busy = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    busy = 1000 * (time.process_time() - busy) / times
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1], busy


def measure(url: str, events: int, days: int) -> None:
    """Print the table."""
    upgrade(url)
    engine = create_engine(url)
    with session_scope(engine) as session:
        config_id, event_id, type_id = fill(session, events, days)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))

    def transaction() -> Iterator[Session]:
        with session_scope(engine, write=False) as session:
            yield session

    application = http.area_app("benchmark", router)
    application.dependency_overrides = {http._transaction: transaction, http._caller: lambda: SYSTEM_ACTOR}
    project = f"/api/v1/projects/{SLUG}"
    scan = f"{project}/scans/{config_id}"
    week = (SYSTEM_CLOCK.now() - 7 * 24 * HOUR).isoformat().replace("+", "%2B")
    paths = {
        "event, all days": f"{project}/events/{event_id}/metrics",
        "event, a week": f"{project}/events/{event_id}/metrics?from={week}",
        "event type, all days": f"{project}/event-types/{type_id}/metrics",
        "project total, all days": f"{project}/metrics/total",
        "breakdown, a week": f"{project}/events/{event_id}/metrics/breakdowns?from={week}",
        "heatmap of an event": f"{scan}/seasonality?scope_type=event&scope_ref={event_id}",
        "heatmap of the total": f"{scan}/seasonality?scope_type=project_total&scope_ref={config_id}",
        "top events, 48 hours": f"{project}/overview/top-events",
        "events of one type, a week": f"{project}/events-metrics?event_type_id={type_id}&from={week}",
    }
    print(f"{events} events, {days} days of hours, {engine.dialect.name}")
    plain, _, _ = milliseconds(lambda: read_plainly(engine, config_id, event_id))
    print(f"{'one event as objects':30s} {plain:7.1f} ms")
    print(f"load average {os.getloadavg()[0]:.1f}")
    with TestClient(application) as client:
        for name, path in paths.items():
            assert client.get(path).status_code == 200, client.get(path).text
            median, high, busy = milliseconds(lambda path=path: client.get(path))
            print(f"{name:30s} {median:7.1f} ms  p95 {high:7.1f} ms  processor {busy:7.1f} ms {median / plain:6.2f} x", flush=True)
    engine.dispose()


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--url", help="an empty database; SQLite in a temporary folder when left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options.url or f"sqlite:///{Path(folder) / 'counts.db'}", options.events, options.days)


if __name__ == "__main__":
    main()
