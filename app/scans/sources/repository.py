"""Every query on data sources as people manage them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from models.metrics import MetricBucket
from models.projects import Project
from models.scans import DataSource, ScanConfig

MOST_SOURCES = 1000
_EVENT = "event"
_EVENT_TYPE = "event_type"


def list_sources(session: Session) -> Sequence[DataSource]:
    """Newest first."""
    statement = sa.select(DataSource).order_by(col(DataSource.created_at).desc(), col(DataSource.id).desc()).limit(MOST_SOURCES)
    return session.execute(statement).scalars().all()


def find_source(session: Session, source_id: str) -> DataSource | None:
    """The source of that id."""
    return session.get(DataSource, source_id)


def save(session: Session, source: DataSource) -> bool:
    """Write the row; False when another source has its name, also when that one was faster."""
    try:
        with session.begin_nested():
            session.add(source)
            session.flush()
    except IntegrityError:
        return False
    return True


def delete_source(session: Session, source: DataSource) -> None:
    """Remove the source; its scan configs go with it."""
    session.delete(source)
    session.flush()


def dependent_scans(session: Session, source_id: str) -> list[tuple[str, str, str]]:
    """Id, name and project name of the scan configs on the source."""
    statement = (
        sa.select(col(ScanConfig.id), col(ScanConfig.name), col(Project.name))
        .join(Project, col(Project.id) == col(ScanConfig.project_id))
        # Projects that only Plumbline itself works with have a colon in their slug.
        .where(col(ScanConfig.data_source_id) == source_id, ~col(Project.slug).contains(":"))
        .order_by(col(Project.name), col(ScanConfig.name), col(ScanConfig.id))
        .limit(MOST_SOURCES)
    )
    return [(identifier, name, project) for identifier, name, project in session.execute(statement)]


def tracked_events(session: Session, source_id: str, since: datetime) -> int:
    """Distinct events counted by the source's scans since the instant."""
    statement = _counts(sa.func.count(sa.distinct(col(MetricBucket.scope_ref))), source_id, _EVENT, since)
    return int(session.execute(statement).scalar_one())


def throughput(session: Session, source_id: str, since: datetime) -> list[tuple[datetime, int]]:
    """Rows per bucket counted by the source's scans since the instant, in order of time."""
    statement = (
        _counts(sa.func.sum(col(MetricBucket.count)), source_id, _EVENT_TYPE, since)
        .add_columns(col(MetricBucket.bucket))
        .group_by(col(MetricBucket.bucket))
        .order_by(col(MetricBucket.bucket))
    )
    return [(bucket, int(count)) for count, bucket in session.execute(statement)]


def _counts(figure: sa.ColumnElement[int], source_id: str, scope_type: str, since: datetime) -> sa.Select[int]:
    return (
        sa.select(figure)
        .select_from(MetricBucket)
        .join(ScanConfig, col(ScanConfig.id) == col(MetricBucket.scan_config_id))
        .where(
            col(ScanConfig.data_source_id) == source_id,
            col(MetricBucket.scope_type) == scope_type,
            col(MetricBucket.bucket) >= since,
        )
    )
