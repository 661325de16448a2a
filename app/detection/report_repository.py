"""Every query behind drift and regression reports. Callers name the project or the scan; nothing here decides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from models.metrics import MetricBreakdown, MetricDistribution
from models.plan import Event, EventType
from models.scans import ScanConfig


def scan_of_project(session: Session, project_id: str, scan_config_id: str) -> ScanConfig | None:
    """The scan, when it is one of the project's."""
    row = session.get(ScanConfig, scan_config_id)
    return row if row is not None and row.project_id == project_id else None


def find_scan(session: Session, scan_config_id: str) -> ScanConfig | None:
    """The scan of whatever project."""
    return session.get(ScanConfig, scan_config_id)


def scans_of_project(session: Session, project_id: str) -> list[ScanConfig]:
    """The project's scans, newest first."""
    statement = (
        sa.select(ScanConfig)
        .where(col(ScanConfig.project_id) == project_id)
        .order_by(col(ScanConfig.created_at).desc(), col(ScanConfig.id).desc())
    )
    return list(session.execute(statement).scalars())


def event_type_of(session: Session, project_id: str, event_type_id: str) -> str | None:
    """The id again, when it is an event type of the project."""
    row = session.get(EventType, event_type_id)
    return row.id if row is not None and row.project_id == project_id else None


def type_of_event(session: Session, project_id: str, event_id: str) -> str | None:
    """The event type of an event of the project."""
    row = session.get(Event, event_id)
    return row.event_type_id if row is not None and row.project_id == project_id else None


def distribution_rows(
    session: Session, config_id: str, event_type_id: str | None, start: datetime | None, stop: datetime | None
) -> list[tuple[str, datetime, str, int]]:
    """(field, bucket, value, count) of an event type, or summed over all of them; by field and bucket."""
    field, bucket, value = col(MetricDistribution.field_name), col(MetricDistribution.bucket), col(MetricDistribution.value)
    count = sa.cast(sa.func.sum(col(MetricDistribution.count)), sa.BigInteger)
    statement = (
        sa.select(field, bucket, value, count)
        .where(col(MetricDistribution.scan_config_id) == config_id)
        .group_by(field, bucket, value)
        .order_by(field, bucket, value)
    )
    if event_type_id is not None:
        statement = statement.where(col(MetricDistribution.event_type_id) == event_type_id)
    if start is not None:
        statement = statement.where(bucket >= start)
    if stop is not None:
        statement = statement.where(bucket < stop)
    return [(row[0], row[1], row[2], int(row[3])) for row in session.execute(statement)]


def distribution_types(session: Session, config_id: str) -> list[str]:
    """Event types of which the scan counted a watched field."""
    statement = (
        sa.select(col(MetricDistribution.event_type_id)).where(col(MetricDistribution.scan_config_id) == config_id).distinct()
    )
    return sorted(session.execute(statement).scalars())


def version_totals(session: Session, config_id: str, column: str) -> list[tuple[str, bool, datetime, int]]:
    """(version, is_other, bucket, count) of all event types together, oldest bucket first."""
    version, is_other = col(MetricBreakdown.breakdown_value), col(MetricBreakdown.is_other)
    bucket = col(MetricBreakdown.bucket)
    count = sa.cast(sa.func.sum(col(MetricBreakdown.count)), sa.BigInteger)
    statement = (
        sa.select(version, is_other, bucket, count)
        .where(
            col(MetricBreakdown.scan_config_id) == config_id,
            col(MetricBreakdown.scope_type) == "event_type",
            col(MetricBreakdown.breakdown_column) == column,
        )
        .group_by(version, is_other, bucket)
        .order_by(bucket, version, is_other)
    )
    return [(row[0], bool(row[1]), row[2], int(row[3])) for row in session.execute(statement)]


def version_scopes(
    session: Session, config_id: str, column: str, versions: list[str], start: datetime, stop: datetime
) -> list[tuple[str, str, str, int]]:
    """(scope type, ref, version, count in the buckets from `start` to `stop`, both included) of the versions named."""
    scope_type, ref = col(MetricBreakdown.scope_type), col(MetricBreakdown.scope_ref)
    version = col(MetricBreakdown.breakdown_value)
    count = sa.cast(sa.func.sum(col(MetricBreakdown.count)), sa.BigInteger)
    statement = (
        sa.select(scope_type, ref, version, count)
        .where(
            col(MetricBreakdown.scan_config_id) == config_id,
            scope_type != "project_total",
            col(MetricBreakdown.breakdown_column) == column,
            col(MetricBreakdown.is_other).is_(False),
            version.in_(versions),
            col(MetricBreakdown.bucket) >= start,
            col(MetricBreakdown.bucket) <= stop,
        )
        .group_by(scope_type, ref, version)
        .order_by(scope_type, ref, version)
    )
    return [(row[0], row[1], row[2], int(row[3])) for row in session.execute(statement)]
