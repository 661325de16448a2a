"""A project whose counts a test writes bucket by bucket, on a real database."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.detection import service as detection
from app.detection.contracts import EvaluationResult
from app.identity.contracts import Actor, UserRole
from app.kernel.database import session_scope
from app.metrics import service as metrics
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from models.detection import Anomaly, SeriesEvaluation
from tests import factories

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
VIEWER = Actor(user_id=None, email="viewer@example.com", name="V", role=UserRole.VIEWER)
EDITOR = Actor(user_id=None, email="editor@example.com", name="E", role=UserRole.EDITOR)


class WatchedProject:
    """One scan, one event type, two events; detection is on."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        with self.transaction() as session:
            project = factories.make_project(session, slug="shop", name="Shop")
            self.project_id = project.id
            event_type = factories.make_event_type(session, project, name="web")
            self.type_id = event_type.id
            self.view = factories.make_event(session, event_type, name="view").id
            self.pay = factories.make_event(session, event_type, name="pay").id
            self.scan_id = factories.make_scan_config(session, project, name="Received events").id
            detection.enable_by_default(session, project.id)

    @contextmanager
    def transaction(self, *, write: bool = True):
        with session_scope(self.engine, write=write) as session:
            yield session

    def count(self, start: datetime, view: list[int], pay: list[int] | None = None) -> datetime:
        """Store counts from `start` on; returns the end of the collected window."""
        pay = [0] * len(view) if pay is None else pay
        stop = start + len(view) * HOUR
        rows, coverage = [], []
        for index, (views, pays) in enumerate(zip(view, pay, strict=True)):
            bucket = start + index * HOUR
            of_scopes = [(ScopeType.EVENT, self.view, views), (ScopeType.EVENT, self.pay, pays)]
            of_scopes.append((ScopeType.EVENT_TYPE, self.type_id, views + pays))
            rows += [BucketRow(SeriesKey(self.scan_id, scope, ref), bucket, number) for scope, ref, number in of_scopes if number]
            coverage.append(CoverageRow(bucket, views + pays, views + pays))
        with self.transaction() as session:
            metrics.replace_window(session, self.scan_id, start, stop, rows, coverage)
        return stop

    def evaluate(self, now: datetime, window: tuple[datetime, datetime] | None = None) -> EvaluationResult:
        with self.transaction() as session:
            return detection.evaluate_config(session, self.scan_id, now, window=window)

    def anomalies(self) -> list[Anomaly]:
        with self.transaction(write=False) as session:
            return list(session.execute(sa.select(Anomaly).order_by(Anomaly.bucket, Anomaly.scope_type)).scalars())

    def evaluations(self) -> list[SeriesEvaluation]:
        with self.transaction(write=False) as session:
            return list(session.execute(sa.select(SeriesEvaluation)).scalars())

    def change_settings(self, **changes: object) -> None:
        with self.transaction() as session:
            detection.update_settings(session, EDITOR, "shop", changes)

    def signals(self, now: datetime, **options: object):
        with self.transaction(write=False) as session:
            return detection.list_signals(session, VIEWER, "shop", now=now, **options)

    def incidents(self, **options: object):
        with self.transaction(write=False) as session:
            return detection.list_incidents(session, VIEWER, "shop", **options)

    def add_anomaly(self, bucket: datetime, *, scope: str = "project_total", ref: str | None = None, actual: int = 10) -> None:
        with self.transaction() as session:
            from models.scans import ScanConfig

            config = session.get_one(ScanConfig, self.scan_id)
            factories.make_anomaly(session, config, bucket=bucket, scope_type=scope, scope_ref=ref, actual=actual)
