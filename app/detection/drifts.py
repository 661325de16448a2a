"""Distribution drift of a scope: an index per watched field and bucket (contract 8.4)."""

from __future__ import annotations

import uuid
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlmodel import Session

from app.detection import report_repository as queries
from app.detection import repository
from app.detection.contracts import DetectionSettings
from app.detection.engine.distribution import Band, Drift, drift_of
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.intervals import Interval, bucket_index
from app.metrics.contracts import ScopeType
from models.scans import ScanConfig

# What one answer covers when the caller names no start.
DEFAULT_BUCKETS = 1_000


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """The drift of one field in one bucket; `event_type_id` is None for all events. The id is the same at every reading."""

    id: str
    scan_config_id: str
    event_type_id: str | None
    field_name: str
    bucket: datetime
    drift: Drift


@dataclass(frozen=True, slots=True)
class DriftReport:
    """A scope's drifts, oldest bucket first and by field."""

    scope: ScopeType
    scan_config_id: str | None
    event_type_id: str | None
    points: list[DriftPoint]

    @property
    def fields(self) -> list[str]:
        """Distinct field names, sorted."""
        return sorted({point.field_name for point in self.points})


def report(
    session: Session,
    project_id: str,
    settings: DetectionSettings,
    scope_type: str,
    scope_ref: str,
    *,
    scan_config_id: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> DriftReport:
    """The drifts of a scope in [start, stop). An event shows those of its event type.

    Errors: InvalidInput for a scope without series or a ref that is no id, NotFound for a scan, event or type of another project.
    """
    try:
        scope = ScopeType(scope_type)
    except ValueError:
        raise InvalidInput("must be project_total, event_type or event", field="scope_type") from None
    try:
        ref = str(UUID(scope_ref))
    except ValueError:
        raise InvalidInput("must be an id", field="scope_ref") from None
    type_id = _type_of(session, project_id, scope, ref)
    if scan_config_id is None and scope is ScopeType.PROJECT_TOTAL and ref != project_id:
        scan_config_id = ref
    scans = queries.scans_of_project(session, project_id)
    if scan_config_id is not None:
        scans = [scan for scan in scans if scan.id == scan_config_id]
        if not scans:
            raise NotFound("Scan not found")
    points = [
        point
        for scan in scans
        for point in of_scan(session, scan, type_id, settings, start=start, stop=stop, all_types=type_id is None)
    ]
    points.sort(key=lambda point: (point.bucket, point.field_name, point.scan_config_id))
    return DriftReport(scope, scan_config_id, type_id, points)


def _type_of(session: Session, project_id: str, scope: ScopeType, ref: str) -> str | None:
    match scope:
        case ScopeType.PROJECT_TOTAL:
            return None
        case ScopeType.EVENT_TYPE:
            found = queries.event_type_of(session, project_id, ref)
            if found is None:
                raise NotFound("Event type not found")
            return found
        case ScopeType.EVENT:
            found = queries.type_of_event(session, project_id, ref)
            if found is None:
                raise NotFound("Event not found")
            return found


def of_scan(
    session: Session,
    scan: ScanConfig,
    event_type_id: str | None,
    settings: DetectionSettings,
    *,
    start: datetime | None = None,
    stop: datetime | None = None,
    all_types: bool = False,
) -> list[DriftPoint]:
    """One scan's drifts of an event type, or of all events together, by field and bucket."""
    if scan.interval is None or (event_type_id is None and not all_types):
        return []
    interval = Interval(scan.interval)
    width = interval.duration
    window = settings.baseline_window_buckets
    if start is None:
        span = repository.covered_span(session, scan.id)
        if span is None:
            return []
        start = max(span[0], span[1] - DEFAULT_BUCKETS * width)
    rows = queries.distribution_rows(session, scan.id, event_type_id, start - window * width, stop)
    found = []
    for field, of_field in groupby(rows, key=lambda row: row[0]):
        by_bucket = [
            (bucket, Counter({value: count for _, _, value, count in of_bucket}))
            for bucket, of_bucket in groupby(of_field, key=lambda row: row[1])
        ]
        for bucket, drift in _drifts(by_bucket, interval, settings):
            if bucket >= start:
                identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{scan.id}:{event_type_id}:{field}:{bucket.isoformat()}")
                found.append(DriftPoint(str(identity), scan.id, event_type_id, field, bucket, drift))
    return found


def _drifts(
    by_bucket: list[tuple[datetime, Counter[str]]], interval: Interval, settings: DetectionSettings
) -> list[tuple[datetime, Drift]]:
    baseline: Counter[str] = Counter()
    held: deque[tuple[int, Counter[str]]] = deque()
    found = []
    for bucket, current in by_bucket:
        place = bucket_index(bucket, interval)
        while held and held[0][0] < place - settings.baseline_window_buckets:
            baseline.subtract(held.popleft()[1])
        if len(held) >= settings.min_history_buckets:
            drift = drift_of({value: count for value, count in baseline.items() if count > 0}, current)
            if drift is not None:
                found.append((bucket, drift))
        held.append((place, current))
        baseline.update(current)
    return found


def candidates(session: Session, scan: ScanConfig, settings: DetectionSettings) -> list[DriftPoint]:
    """Significant drifts at the scan's newest bucket, of all events and of each event type: what alerting may tell."""
    span = repository.covered_span(session, scan.id)
    if span is None:
        return []
    newest = span[1]
    scopes: list[str | None] = [None, *queries.distribution_types(session, scan.id)]
    return [
        point
        for type_id in scopes
        for point in of_scan(session, scan, type_id, settings, start=newest, all_types=type_id is None)
        if point.drift.band is Band.SIGNIFICANT
    ]


def history(session: Session, scan: ScanConfig, settings: DetectionSettings, start: datetime, stop: datetime) -> list[DriftPoint]:
    """Significant drifts in [start, stop) of all events and of each event type, oldest first."""
    scopes: list[str | None] = [None, *queries.distribution_types(session, scan.id)]
    found = [
        point
        for type_id in scopes
        for point in of_scan(session, scan, type_id, settings, start=start, stop=stop, all_types=type_id is None)
        if point.drift.band is Band.SIGNIFICANT
    ]
    return sorted(found, key=lambda point: (point.bucket, point.event_type_id or "", point.field_name))
