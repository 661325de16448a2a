"""Queries on what rules look at: stored anomalies and schema drifts, with the names behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting.contracts import Candidate, ScopeKey
from app.alerting.vocabulary import AlertDirection, AlertDriftType, AlertScope
from app.kernel.intervals import Interval
from models.detection import Anomaly
from models.metrics import MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.plan_drifts import SchemaDrift
from models.scans import ScanConfig

_ARCHIVED = "archived"
_DRIFT_OPEN = "open"
_DRIFT_SNOOZED = "snoozed"


@dataclass(frozen=True, slots=True)
class Named:
    """What stands behind a scope ref."""

    name: str
    event_type_id: str | None
    event_id: str | None


Names = dict[ScopeKey, Named]


def names(session: Session, project_id: str) -> Names:
    """Event types and events of main that are not archived."""
    on_main = sa.and_(col(PlanBranch.project_id) == project_id, col(PlanBranch.kind) == "main")
    types = sa.select(col(EventType.id), col(EventType.display_name)).join(
        PlanBranch, sa.and_(col(PlanBranch.id) == col(EventType.branch_id), on_main)
    )
    events = (
        sa.select(col(Event.id), col(Event.name), col(Event.event_type_id))
        .join(PlanBranch, sa.and_(col(PlanBranch.id) == col(Event.branch_id), on_main))
        .where(col(Event.status) != _ARCHIVED)
    )
    found: Names = {(AlertScope.EVENT_TYPE, ref): Named(name, ref, None) for ref, name in session.execute(types)}
    for ref, name, type_id in session.execute(events):
        found[AlertScope.EVENT, ref] = Named(name, type_id, ref)
    return found


def anomalies(
    session: Session,
    project_id: str,
    project_name: str,
    known: Names,
    *,
    since: datetime,
    until: datetime,
    scan_config_id: str | None = None,
) -> list[tuple[Candidate, timedelta]]:
    """Anomalies of buckets in [since, until] with the width of a bucket, by bucket; those of archived and deleted events are
    left out."""
    table = (
        col(Anomaly.id), col(Anomaly.scope_type), col(Anomaly.scope_ref), col(Anomaly.bucket), col(Anomaly.last_bucket),
        col(Anomaly.direction), col(Anomaly.actual_count), col(Anomaly.expected_count), col(Anomaly.bucket_seconds),
    )  # fmt: skip
    statement = sa.select(*table).where(
        col(Anomaly.project_id) == project_id, col(Anomaly.bucket) >= since, col(Anomaly.bucket) <= until
    )
    if scan_config_id is not None:
        statement = statement.where(col(Anomaly.scan_config_id) == scan_config_id)
    total = Named(project_name, None, None)
    scopes = {scope.value: scope for scope in AlertScope}
    directions = {direction.value: direction for direction in AlertDirection}
    found = []
    order = (col(Anomaly.bucket), col(Anomaly.scope_type), col(Anomaly.scope_ref), col(Anomaly.id))
    for row in session.execute(statement.order_by(*order)):
        row_id, scope_value, ref, bucket, last_bucket, direction, actual, expected, seconds = row
        scope = scopes[scope_value]
        named = total if scope is AlertScope.PROJECT_TOTAL else known.get((scope, ref))
        if named is not None:
            candidate = Candidate(
                scope, ref, named.name, bucket, directions[direction], actual, expected, row_id, last_bucket,
                named.event_type_id, named.event_id,
            )  # fmt: skip
            found.append((candidate, timedelta(seconds=seconds)))
    return found


def last_buckets(session: Session, scan_config_id: str, since: datetime) -> dict[tuple[str, str, datetime], datetime]:
    """The last bucket of each anomaly of the scan that reaches `since` or later, by scope and first bucket."""
    statement = sa.select(col(Anomaly.scope_type), col(Anomaly.scope_ref), col(Anomaly.bucket), col(Anomaly.last_bucket)).where(
        col(Anomaly.scan_config_id) == scan_config_id, col(Anomaly.last_bucket) >= since
    )
    return {(scope, ref, bucket): last for scope, ref, bucket, last in session.execute(statement)}


def drifts(
    session: Session, project_id: str, *, now: datetime, since: datetime, scan_config_id: str | None = None
) -> list[Candidate]:
    """Active schema drifts of main detected since then, oldest first."""
    is_awake = sa.and_(col(SchemaDrift.status) == _DRIFT_SNOOZED, col(SchemaDrift.snoozed_until) <= now)
    statement = (
        sa.select(SchemaDrift, col(EventType.display_name))
        .join(EventType, col(EventType.id) == col(SchemaDrift.event_type_id))
        .join(PlanBranch, sa.and_(col(PlanBranch.id) == col(EventType.branch_id), col(PlanBranch.kind) == "main"))
        .where(
            col(EventType.project_id) == project_id,
            sa.or_(col(SchemaDrift.status) == _DRIFT_OPEN, is_awake),
            col(SchemaDrift.detected_at) >= since,
            col(SchemaDrift.detected_at) <= now,
        )
        .order_by(col(SchemaDrift.detected_at), col(SchemaDrift.id))
    )
    if scan_config_id is not None:
        statement = statement.where(col(SchemaDrift.scan_config_id) == scan_config_id)
    return [_drift(row, name) for row, name in session.execute(statement)]


def _drift(row: SchemaDrift, type_name: str) -> Candidate:
    return Candidate(
        scope_type=AlertScope.SCHEMA,
        scope_ref=row.id,
        scope_name=type_name,
        bucket=row.detected_at,
        direction=AlertDirection.SPIKE,
        actual=1,
        expected=0,
        id=row.id,
        event_type_id=row.event_type_id,
        drift_field=row.field_name,
        drift_type=AlertDriftType(row.drift_type),
        sample_value=row.sample_value,
    )


def looks(session: Session, project_id: str, since: datetime, until: datetime) -> dict[str, tuple[timedelta, list[datetime]]]:
    """For each of the project's scans the width of a bucket and the buckets in [since, until] that it has collected, in order."""
    statement = sa.select(col(ScanConfig.id), col(ScanConfig.interval)).where(col(ScanConfig.project_id) == project_id)
    found: dict[str, tuple[timedelta, list[datetime]]] = {
        config_id: (Interval(interval).duration if interval else timedelta(0), [])
        for config_id, interval in session.execute(statement)
    }
    collected = (
        sa.select(col(MetricCoverage.scan_config_id), col(MetricCoverage.bucket))
        .where(
            col(MetricCoverage.scan_config_id).in_(found), col(MetricCoverage.bucket) >= since, col(MetricCoverage.bucket) <= until
        )
        .order_by(col(MetricCoverage.bucket))
    )
    for config_id, bucket in session.execute(collected):
        found[config_id][1].append(bucket)
    return found


def scans_of(session: Session, project_id: str) -> Sequence[tuple[str, str]]:
    """Ids and names of the project's scans, oldest first."""
    statement = (
        sa.select(col(ScanConfig.id), col(ScanConfig.name))
        .where(col(ScanConfig.project_id) == project_id)
        .order_by(col(ScanConfig.created_at), col(ScanConfig.id))
    )
    return [(row[0], row[1]) for row in session.execute(statement)]
