"""What follows one collection, end to end on a database: `python -m benchmarks.detection.collection`.

A project with thousands of events at 15 minutes and the history that the contract's baseline looks at. Some events are counted in
every bucket, the others seldom, as in real projects. Each run judges the newest 30 buckets: it loads, judges and stores.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, col

from app.detection import service as detection
from app.detection.contracts import DetectionSettings
from app.detection.engine.baseline import history_needed
from app.detection.evaluation import TRAILING_BUCKETS
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval
from app.migrations import upgrade
from app.projects import service as projects
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.scans import DataSource, ScanConfig

WIDTH = Interval.QUARTER_HOUR
NEWEST = datetime(2026, 3, 2, tzinfo=UTC)
# A seldom event has a count in one of so many buckets.
SELDOM = 20


def fill(session: Session, events: int, always: int) -> str:
    """The project; `always` of the events have a count in every bucket. Returns the scan's id."""
    project = projects.create_project(session, SYSTEM_ACTOR, "Large", "large")
    branch_id = session.execute(sa.select(col(PlanBranch.id)).where(col(PlanBranch.project_id) == project.id)).scalar_one()
    owned = {"project_id": project.id, "branch_id": branch_id}
    kind = EventType(**owned, name="web", display_name="Web")
    source = DataSource(name="Counts", db_type="clickhouse")
    session.add_all([kind, source])
    session.flush()
    config = ScanConfig(
        project_id=project.id, data_source_id=source.id, name="Quarters", base_query="SELECT 1", event_type_column="type",
        time_column="at", event_name_format="{name}", interval=WIDTH.value,
    )  # fmt: skip
    rows = [Event(**owned, event_type_id=kind.id, name=f"event_{number}", order=number) for number in range(events)]
    session.add_all([config, *rows])
    session.flush()
    detection.enable_by_default(session, project.id)
    count = history_needed(WIDTH, DetectionSettings()) + TRAILING_BUCKETS
    covered = [
        {"bucket": NEWEST - back * timedelta(seconds=WIDTH.seconds), "total_count": 1, "matched_count": 1} for back in range(count)
    ]
    session.execute(sa.insert(MetricCoverage), [{"scan_config_id": config.id, **bucket} for bucket in covered])
    dice = sa.func.abs(sa.func.random())
    many = 20 + col(Event.order) * 7 % 900 + dice % 40
    is_seldom = col(Event.order) >= always
    events_and_buckets = sa.join(Event, MetricCoverage, sa.true())
    parts: tuple[tuple[str, Any, Any, Any, Any], ...] = (
        ("event", col(Event.id), many, events_and_buckets, ~is_seldom),
        ("event", col(Event.id), 1 + dice % 2, events_and_buckets, sa.and_(is_seldom, dice % SELDOM == 0)),
        ("event_type", sa.literal(kind.id), 50_000 + dice % 9_000, MetricCoverage, sa.true()),
    )
    for scope, ref, number, source_rows, wanted in parts:
        every = (
            sa.select(sa.literal(config.id), sa.literal(scope), ref, col(MetricCoverage.bucket), number)
            .select_from(source_rows)
            .where(wanted)
            .order_by(ref, col(MetricCoverage.bucket))
        )
        names = ["scan_config_id", "scope_type", "scope_ref", "bucket", "count"]
        session.execute(sa.insert(MetricBucket).from_select(names, every))
    return config.id


def run(engine: Engine, config_id: str, now: datetime) -> tuple[float, float]:
    """Seconds of the clock and of the processor of one evaluation."""
    window = (NEWEST, NEWEST + timedelta(seconds=WIDTH.seconds))
    began, busy = time.perf_counter(), time.process_time()
    with session_scope(engine, write=False) as session:
        judged = detection.judge_config(session, config_id, now, window=window)
    with session_scope(engine) as session:
        detection.store_judged(session, judged)
    return time.perf_counter() - began, time.process_time() - busy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--always", type=int, default=1_000, help="events with a count in every bucket")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'counts.sqlite'}"
        upgrade(url)
        engine = create_engine(url)
        with session_scope(engine) as session:
            config_id = fill(session, arguments.events, arguments.always)
        with session_scope(engine, write=False) as session:
            rows = session.execute(sa.select(sa.func.count()).select_from(MetricBucket)).scalar_one()
        print(f"{arguments.events:,} series, {rows:,} stored counts", flush=True)
        for name in ("first evaluation", "next evaluation", "next evaluation"):
            seconds, busy = run(engine, config_id, NEWEST)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name}: {seconds:.1f} s, processor {busy:.1f} s, at most {memory:,.0f} MB", flush=True)
        engine.dispose()


if __name__ == "__main__":
    main()
