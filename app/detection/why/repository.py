"""Every query of explanations that no other area answers. Callers name the scan; nothing here decides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import SeriesKey
from models.detection import Anomaly
from models.metrics import MetricCoverage


def anomaly_at(session: Session, key: SeriesKey, bucket: datetime | None) -> Anomaly | None:
    """The series' anomaly that holds the bucket, or its newest one."""
    statement = sa.select(Anomaly).where(
        col(Anomaly.scan_config_id) == key.scan_config_id,
        col(Anomaly.scope_type) == key.scope_type.value,
        col(Anomaly.scope_ref) == key.ref,
    )
    if bucket is not None:
        statement = statement.where(col(Anomaly.bucket) <= bucket, col(Anomaly.last_bucket) >= bucket)
    return session.execute(statement.order_by(col(Anomaly.bucket).desc()).limit(1)).scalar_one_or_none()


def coverage(session: Session, scan_config_id: str, start: datetime, stop: datetime) -> dict[datetime, tuple[int, int]]:
    """(rows returned, rows that match the plan) of each collected bucket in [start, stop)."""
    statement = sa.select(col(MetricCoverage.bucket), col(MetricCoverage.total_count), col(MetricCoverage.matched_count)).where(
        col(MetricCoverage.scan_config_id) == scan_config_id, col(MetricCoverage.bucket) >= start, col(MetricCoverage.bucket) < stop
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in session.execute(statement)}
