"""A project with ten collected hours: counts, breakdowns, app versions, an anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.intervals import Interval, floor_to_bucket
from models.detection import AnomalySettings
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage
from models.projects import Project
from models.scans import ScanConfig
from tests.factories import make_anomaly, make_event, make_event_type, make_project, make_scan_config

HOUR = timedelta(hours=1)
HOURS = 10
COLUMN = "country"


@dataclass(frozen=True)
class MetricWorld:
    """Ids of one of everything; the buckets are `first` and the nine hours after it."""

    slug: str
    project_id: str
    event_type_id: str
    event_id: str
    scan_config_id: str
    first: datetime

    @property
    def base(self) -> str:
        """Where the project's routes begin."""
        return f"/api/v1/projects/{self.slug}"

    @property
    def scan(self) -> str:
        """Where the scan's routes begin."""
        return f"{self.base}/scans/{self.scan_config_id}"

    def bucket(self, hour: int) -> datetime:
        """The start of one of the collected hours."""
        return self.first + hour * HOUR


def make_metric_world(session: Session, project: Project | None = None) -> MetricWorld:
    """The event counts 10 an hour and the type 15, hour 9 counts 100 and 150; hour 4 was not collected, hour 5 counted nothing."""
    project = project or make_project(session)
    event_type = make_event_type(session, project, name="shop")
    event = make_event(session, event_type, name="purchase")
    config: ScanConfig = make_scan_config(session, project)
    config.metric_breakdown_columns = [COLUMN]
    config.app_version_column = "version"
    config.app_version_keep_releases = 2
    first = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - HOURS * HOUR
    session.add(AnomalySettings(project_id=project.id, anomaly_detection_enabled=True, min_history_buckets=3, min_expected_count=1))
    for hour in range(HOURS):
        at = first + hour * HOUR
        if hour == 4:
            continue
        session.add(MetricCoverage(scan_config_id=config.id, bucket=at, total_count=20, matched_count=10))
        if hour == 5:
            continue
        factor = 10 if hour == 9 else 1
        scopes = (("event", event.id, 10), ("event_type", event_type.id, 15), ("project_total", config.id, 15))
        for scope_type, ref, count in scopes:
            key = {"scan_config_id": config.id, "scope_type": scope_type, "scope_ref": ref, "bucket": at}
            if scope_type != "project_total":
                session.add(MetricBucket(**key, count=count * factor))
            parts = (
                (COLUMN, "de", False, (count - 4) * factor), (COLUMN, "Other", False, 1), (COLUMN, "Other", True, 3),
                ("version", "1.9.0", False, 2), ("version", "1.10.0", False, 3), ("version", "1.2.0", False, 1),
                ("version", "Other", True, count * factor - 6),
            )  # fmt: skip
            for column, value, is_other, part in parts:
                session.add(MetricBreakdown(**key, breakdown_column=column, breakdown_value=value, is_other=is_other, count=part))
    for scope_type, ref in (("project_total", config.id), ("event_type", event_type.id), ("event", event.id)):
        make_anomaly(session, config, bucket=first + 9 * HOUR, scope_type=scope_type, scope_ref=ref, actual=150, expected=15.0)
    session.flush()
    return MetricWorld(project.slug, project.id, event_type.id, event.id, config.id, first)
