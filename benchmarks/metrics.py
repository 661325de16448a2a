"""How long the metrics routes of a large project take, beside reading the same counts as objects.

    python -m benchmarks.metrics [--events 5000] [--days 90] [--url postgresql://user@host/database]

Every event has a count in every hour. The peer loads the stored rows of one event as objects and turns each into a dictionary:
what a route without a query of its own does. Without a URL a SQLite file in a temporary folder is used; a database that an earlier
run filled is measured as it is. Times are those of whole requests in this process, database included, after one to warm up; the
ratio is to the peer in the same run. The goal is 100 ms at the 95th percentile on a machine with nothing else to do: mind the load
average, and the processor's time of one request, which others do not lengthen.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine
from sqlmodel import Session, col

from app import http
from app.detection import service as detection
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.garbage import collect_seldom
from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics import day_repository
from app.metrics.api import router
from app.metrics.pages.monitoring_view import monitoring_view
from app.migrations import upgrade
from app.projects import service as projects
from app.reconciliation.api import router as reconciliation_router
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.scans import DataSource, ScanConfig

SLUG = "large"
TYPES = 20
VALUES = 12
REQUESTS = 20
GOAL_MILLISECONDS = 100
HOUR = timedelta(hours=1)
BY_TIME = "ix_metric_buckets_config_scope_bucket"


def fill(session: Session, events: int, days: int) -> None:
    """A project with so many events, counted in every hour of so many days; one event and the types by country and version.

    The newest hour of that event is an anomaly.
    """
    project = projects.create_project(session, SYSTEM_ACTOR, "Large", SLUG)
    branch_id = session.execute(sa.select(col(PlanBranch.id)).where(col(PlanBranch.project_id) == project.id)).scalar_one()
    owned = {"project_id": project.id, "branch_id": branch_id}
    types = [EventType(**owned, name=f"type_{number}", display_name="Type", order=number) for number in range(TYPES)]
    source = DataSource(name="Counts", db_type="clickhouse")
    session.add_all([*types, source])
    session.flush()
    config = ScanConfig(
        project_id=project.id, data_source_id=source.id, name="Hourly", base_query="SELECT 1", event_type_column="type",
        time_column="at", event_name_format="{name}", interval="1h", metric_breakdown_columns=["country"],
        app_version_column="version",
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
    table: sa.Table = MetricBucket.__table__  # type: ignore[attr-defined]
    by_time = next(index for index in table.indexes if index.name == BY_TIME)
    by_time.drop(session.connection())  # made again below in one pass instead of row by row
    for scope, model in (("event", Event), ("event_type", EventType)):
        every = sa.select(
            sa.literal(config.id), sa.literal(scope), col(model.id), col(MetricCoverage.bucket), sa.literal(25)
        ).select_from(sa.join(model, MetricCoverage, sa.true()))
        names = ["scan_config_id", "scope_type", "scope_ref", "bucket", "count"]
        session.execute(sa.insert(MetricBucket).from_select(names, every.order_by(col(model.id), col(MetricCoverage.bucket))))
    by_time.create(session.connection())
    # One anomaly, so that the page has values that moved to look for.
    newest_of_first = (col(MetricBucket.scope_ref) == rows[0].id, col(MetricBucket.bucket) == newest)
    session.execute(sa.update(MetricBucket).where(*newest_of_first).values(count=900))
    day_repository.sum_days(session, config.id, hours[-1], newest + HOUR)  # as the road that writes buckets does
    scopes = [("event", rows[0].id, 1), *(("event_type", one.id, 1) for one in types), ("project_total", config.id, TYPES)]
    session.execute(
        sa.insert(MetricBreakdown),
        [
            {
                "scan_config_id": config.id, "scope_type": scope, "scope_ref": ref, "breakdown_column": column,
                "breakdown_value": name.format(value), "is_other": False, "bucket": hour,
                "count": times * (2000 if hour == newest and value == 0 else 30 + hour.hour),
            }
            for scope, ref, times in scopes
            for column, name in (("country", "country {}"), ("version", "1.{}.0"))
            for value in range(VALUES)
            for hour in hours
        ],
    )  # fmt: skip
    detection.update_settings(session, SYSTEM_ACTOR, SLUG, {"anomaly_detection_enabled": True})


def filled(engine: Engine, events: int, days: int) -> tuple[str, str, str, datetime]:
    """The ids of the scan, of an event with breakdowns and of its type, and the newest bucket; an empty database is filled."""
    with session_scope(engine) as session:
        is_empty = session.execute(sa.select(col(ScanConfig.id))).first() is None
        if is_empty:
            fill(session, events, days)
    if is_empty:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))
    with session_scope(engine, write=False) as session:
        config_id = session.execute(sa.select(col(ScanConfig.id))).scalar_one()
        first = sa.select(col(Event.id), col(Event.event_type_id)).where(col(Event.name) == "event_0")
        event_id, type_id = session.execute(first).one()
        newest: datetime = session.execute(sa.select(sa.func.max(col(MetricCoverage.bucket)))).scalar_one()
        return config_id, event_id, type_id, newest


def read_plainly(engine: Engine, config_id: str, event_id: str) -> None:
    """The rows of one event as objects, then as JSON."""
    wanted = sa.select(MetricBucket).where(
        col(MetricBucket.scan_config_id) == config_id,
        col(MetricBucket.scope_type) == "event",
        col(MetricBucket.scope_ref) == event_id,
    )
    with session_scope(engine, write=False) as session:
        json.dumps([row.model_dump(mode="json") for row in session.execute(wanted).scalars()])


def milliseconds(work: Callable[[], object]) -> tuple[float, float, float]:
    """Median, 95th percentile, and the processor's time of one on average, which others on the machine do not lengthen."""
    work()
    taken = []
    busy = 0.0
    for _ in range(REQUESTS):
        started, used = time.perf_counter(), time.process_time()
        work()
        busy += time.process_time() - used
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken), statistics.quantiles(taken, n=20, method="inclusive")[-1], 1000 * busy / REQUESTS


def paths_of(config_id: str, event_id: str, type_id: str, newest: datetime) -> dict[str, str]:
    """Every reading route with its name in the table."""
    project = f"/api/v1/projects/{SLUG}"
    scan = f"{project}/scans/{config_id}"
    week = quote((newest - 7 * 24 * HOUR).isoformat())
    of_event = f"scope_type=event&scope_ref={event_id}"
    of_total = f"scope_type=project_total&scope_ref={config_id}"
    timeline = "breakdown_column=country&breakdown_value=country%201"
    return {
        "event, all days": f"{project}/events/{event_id}/metrics",
        "event, a week": f"{project}/events/{event_id}/metrics?from={week}",
        "event type, all days": f"{project}/event-types/{type_id}/metrics",
        "project total, all days": f"{project}/metrics/total",
        "breakdown, a week": f"{project}/events/{event_id}/metrics/breakdowns?from={week}",
        "breakdown, all days": f"{project}/events/{event_id}/metrics/breakdowns",
        "timeline of a value": f"{scan}/breakdown-timeline?{of_event}&{timeline}",
        "timeline, total": f"{scan}/breakdown-timeline?{of_total}&{timeline}",
        "heatmap of an event": f"{scan}/seasonality?{of_event}",
        "heatmap of the total": f"{scan}/seasonality?{of_total}",
        "movers of an event": f"{scan}/top-movers?{of_event}&bucket={quote(newest.isoformat())}",
        "movers of the total": f"{scan}/top-movers?{of_total}&bucket={quote(newest.isoformat())}",
        "versions of an event": f"{scan}/app-versions?{of_event}&from={week}",
        "adoption, a week": f"{scan}/version-adoption?from={week}",
        "adoption, all days": f"{scan}/version-adoption",
        "top events, 48 hours": f"{project}/overview/top-events",
        "top events, 30 days": f"{project}/overview/top-events?window_hours=720",
        "events of one type, a week": f"{project}/events-metrics?event_type_id={type_id}&from={week}",
        "events of one type, all days": f"{project}/events-metrics?event_type_id={type_id}",
        "coverage, 14 days": f"{project}/reconciliation/coverage",
    }


def measure(url: str, events: int, days: int) -> None:
    """Print the table."""
    upgrade(url)
    engine = create_engine(url)
    config_id, event_id, type_id, newest = filled(engine, events, days)

    def transaction() -> Iterator[Session]:
        with session_scope(engine, write=False) as session:
            yield session

    def page(days: int) -> None:
        with session_scope(engine, write=False) as session:
            monitoring_view(session, SYSTEM_ACTOR, SLUG, "event", event_id, days, "country", UTC)  # type: ignore[arg-type]

    def show(name: str, times: tuple[float, float, float]) -> None:
        median, high, busy = times
        print(f"{name:30s} {median:7.1f} ms  p95 {high:7.1f} ms  processor {busy:7.1f} ms {median / plain:6.2f} x", flush=True)

    print(f"{events} events, {days} days of hours, {engine.dialect.name}, load average {os.getloadavg()[0]:.1f}")
    plain, _, busy = milliseconds(lambda: read_plainly(engine, config_id, event_id))
    print(f"{'one event as objects':30s} {plain:7.1f} ms                  processor {busy:7.1f} ms")
    application = http.area_app("benchmark", router, reconciliation_router)
    application.dependency_overrides = {http._transaction: transaction, http._caller: lambda: SYSTEM_ACTOR}
    collect_seldom()  # as every served process does
    with TestClient(application) as client:
        for name, path in paths_of(config_id, event_id, type_id, newest).items():
            assert client.get(path).status_code == 200, client.get(path).text
            show(name, milliseconds(partial(client.get, path)))
    for shown in (7, 90):
        show(f"monitoring page, {shown} days", milliseconds(partial(page, shown)))
    print(f"goal {GOAL_MILLISECONDS} ms at the 95th percentile, load average {os.getloadavg()[0]:.1f}")
    engine.dispose()


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--url", help="an empty or a filled database; SQLite in a temporary folder when left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options.url or f"sqlite:///{Path(folder) / 'counts.db'}", options.events, options.days)


if __name__ == "__main__":
    main()
