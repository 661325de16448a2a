"""Active signals: the newest anomaly of each scope that still counts, and which of them a total speaks for (contract 6.6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlmodel import Session

from app.detection import planned, repository
from app.detection.contracts import Direction, Signal, SignalState
from app.metrics.contracts import ScopeType, SeriesKey
from models.detection import Anomaly

RECENT = timedelta(hours=24)


def active(
    session: Session, project_id: str, now: datetime, *, scan_config_id: str | None = None, project_name: str = ""
) -> list[Signal]:
    """Signals of every scope of the project, newest bucket first. Archived and deleted events are left out."""
    newest = repository.newest_buckets(session, project_id)
    if scan_config_id is not None:
        newest = {config_id: bucket for config_id, bucket in newest.items() if config_id == scan_config_id}
    since = {config_id: min(bucket, now - RECENT) for config_id, bucket in newest.items()}
    rows = repository.newest_anomalies(session, project_id, since)
    if not rows:
        return []
    names = repository.scope_names(session, project_id)
    scans = repository.scan_names(session, project_id)
    expected = planned.expected_departures(session, project_id, min(row.bucket for row in rows))
    found = []
    for row in rows:
        scope_type = ScopeType(row.scope_type)
        if scope_type is ScopeType.PROJECT_TOTAL:
            name = repository.ScopeName(project_name, None, None)
        elif (scope_type, row.scope_ref) in names:
            name = names[(scope_type, row.scope_ref)]
        else:
            continue
        reason = expected.reason(
            SeriesKey(row.scan_config_id, scope_type, row.scope_ref),
            Direction(row.direction),
            row.bucket,
            row.last_bucket,
            timedelta(seconds=row.bucket_seconds),
        )
        found.append(_signal(row, scope_type, name, scans[row.scan_config_id], newest[row.scan_config_id], reason))
    return found


def _signal(
    row: Anomaly, scope_type: ScopeType, name: repository.ScopeName, scan_name: str, newest: datetime, expected_because: str
) -> Signal:
    # An outage is one anomaly at its first bucket; it stays current for as long as it lasts.
    state = SignalState.LATEST_SCAN if row.last_bucket >= newest else SignalState.RECENT
    return Signal(
        scan_config_id=row.scan_config_id,
        scan_name=scan_name,
        scope_type=scope_type,
        scope_ref=row.scope_ref,
        scope_name=name.name,
        state=state,
        bucket=row.bucket,
        direction=Direction(row.direction),
        actual_count=row.actual_count,
        expected_count=row.expected_count,
        stddev=row.stddev,
        z_score=row.z_score,
        event_id=name.event_id,
        event_type_id=name.event_type_id,
        expected_because=expected_because,
    )


def shown(found: Iterable[Signal], event_ids: Collection[str], *, expanded: bool) -> list[Signal]:
    """The signals of a list: totals and event types, plus the events asked for; all of them flat when expanded.

    An event type's signal in the same scan, bucket and direction as the total's is spoken for by it.
    """
    signals = list(found)
    if expanded:
        return signals
    totals = {
        (signal.scan_config_id, signal.bucket, signal.direction)
        for signal in signals
        if signal.scope_type is ScopeType.PROJECT_TOTAL
    }
    kept = []
    for signal in signals:
        match signal.scope_type:
            case ScopeType.PROJECT_TOTAL:
                is_kept = True
            case ScopeType.EVENT_TYPE:
                is_kept = (signal.scan_config_id, signal.bucket, signal.direction) not in totals
            case ScopeType.EVENT:
                is_kept = signal.scope_ref in event_ids
        if is_kept:
            kept.append(signal)
    return kept
