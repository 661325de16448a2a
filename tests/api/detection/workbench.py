"""A project with two releases, a watched field that moved, and a signal in its newest bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.intervals import Interval, floor_to_bucket
from models.detection import AnomalySettings
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage, MetricDistribution
from models.projects import Project
from tests.factories import make_anomaly, make_event, make_event_type, make_project, make_scan_config

HOUR = timedelta(hours=1)
HOURS = 12
FIELD = "currency"


@dataclass(frozen=True)
class DetectionWorld:
    """Ids of one of everything; hours count from `first`."""

    slug: str
    project_id: str
    event_type_id: str
    checkout_id: str
    scan_config_id: str
    first: datetime

    @property
    def base(self) -> str:
        """Where the project's routes begin."""
        return f"/api/v1/projects/{self.slug}"

    def bucket(self, hour: int) -> datetime:
        """The start of one of the hours."""
        return self.first + hour * HOUR


def make_detection_world(session: Session, project: Project | None = None) -> DetectionWorld:
    """1.9.0 counts 1000 an hour, 50 of them checkouts; 1.10.0 counts 250 and one from hour 4; currencies move in the last hour."""
    project = project or make_project(session)
    event_type = make_event_type(session, project, name="shop")
    checkout = make_event(session, event_type, name="checkout")
    config = make_scan_config(session, project)
    config.app_version_column = "version"
    config.distribution_drift_fields = [FIELD]
    session.add(AnomalySettings(project_id=project.id, anomaly_detection_enabled=True))
    first = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - HOURS * HOUR
    for hour in range(HOURS):
        at = first + hour * HOUR
        scan = {"scan_config_id": config.id, "bucket": at}
        session.add(MetricCoverage(**scan, total_count=1_250, matched_count=1_250))
        session.add(MetricBucket(**scan, scope_type="event_type", scope_ref=event_type.id, count=1_250))
        releases = [("1.9.0", 1_000, 50), ("2.0.0-beta", 10, 0)] + ([("1.10.0", 250, 1)] if hour >= 4 else [])
        for version, volume, checkouts in releases:
            part = {**scan, "breakdown_column": "version", "breakdown_value": version, "is_other": False}
            session.add(MetricBreakdown(**part, scope_type="event_type", scope_ref=event_type.id, count=volume))
            if checkouts:
                session.add(MetricBreakdown(**part, scope_type="event", scope_ref=checkout.id, count=checkouts))
        for value, count in (("EUR", 50), ("USD", 50)) if hour < HOURS - 1 else (("EUR", 80), ("USD", 20)):
            session.add(MetricDistribution(**scan, event_type_id=event_type.id, field_name=FIELD, value=value, count=count))
    newest = first + (HOURS - 1) * HOUR
    for scope_type, ref in (("project_total", config.id), ("event_type", event_type.id), ("event", checkout.id)):
        make_anomaly(session, config, bucket=newest, scope_type=scope_type, scope_ref=ref, actual=150, expected=15.0)
    session.flush()
    return DetectionWorld(project.slug, project.id, event_type.id, checkout.id, config.id, first)
