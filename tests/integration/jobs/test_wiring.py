"""The scheduler as the web process starts it: configured database, real event store, real detection."""

import threading
import time
from datetime import timedelta

import sqlalchemy as sa

from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from app.kernel.settings import get_settings
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType
from app.projects import onboarding
from jobs import scheduler
from models.scans import ScanJob
from tests.eventstore_fixtures import StoredProject
from tests.integration.eventstore.rows import event, lines, token


def test_events_of_a_watched_project_become_a_series_without_anybody_asking(engine, event_store):
    with session_scope() as session:
        project = onboarding.create_watched_project(session, SYSTEM_ACTOR, "Shop", "shop")
    complete = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR)
    stored = StoredProject(project.tenant_id, project.id)
    rows = [event(stored, name="click", time=complete - timedelta(hours=hour)) for hour in (1, 1, 2)]
    event_store.insert_lines("events", lines(*rows), rows=3, token=token())
    scheduler.start(get_settings())
    try:
        deadline = time.monotonic() + 60
        while (job := _only_job()) is None or job.status in ("pending", "running"):
            assert time.monotonic() < deadline, "the due scan is collected"
            threading.Event().wait(0.05)
    finally:
        scheduler.stop()
    assert (job.status, job.error_message) == ("completed", None)
    with session_scope(write=False) as session:
        series = metrics.series_for(
            session, SYSTEM_ACTOR, "shop", ScopeType.PROJECT_TOTAL, start=complete - timedelta(hours=3), stop=complete
        )
    assert dict(zip(series.buckets, series.counts, strict=True)) == {
        complete - timedelta(hours=3): 0,
        complete - timedelta(hours=2): 1,
        complete - timedelta(hours=1): 2,
    }


def _only_job() -> ScanJob | None:
    with session_scope(write=False) as session:
        return session.execute(sa.select(ScanJob)).scalar_one_or_none()
