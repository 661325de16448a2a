"""Queries of the ledger: counts of two scans of a project, first counts, settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import insert_into
from app.kernel.intervals import Interval
from app.scans.contracts import SECOND_LOOK_KEYS, JobMode, JobStatus
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.reconciliation import LedgerFirstCount, LedgerSettings
from models.scans import DataSource, ScanConfig, ScanJob

_EVENT = "event"
_ROWS_PER_STATEMENT = 5000
_JOBS_LOOKED_THROUGH = 50


def hourly_scans(session: Session, project_id: str | None = None) -> list[tuple[ScanConfig, bool]]:
    """(scan, whether it reads the built-in store) of hourly scans that have counted something, oldest first."""
    statement = (
        sa.select(ScanConfig, col(DataSource.is_builtin))
        .join(DataSource, col(DataSource.id) == col(ScanConfig.data_source_id))
        .where(col(ScanConfig.interval) == Interval.HOUR.value, col(ScanConfig.collected_until).is_not(None))
        .order_by(col(ScanConfig.created_at), col(ScanConfig.id))
    )
    if project_id is not None:
        statement = statement.where(col(ScanConfig.project_id) == project_id)
    return [(row[0], bool(row[1])) for row in session.execute(statement)]


def counted_events(session: Session, config_id: str) -> set[str]:
    """Ids of events that the scan ever counted."""
    statement = sa.select(col(MetricBucket.scope_ref)).where(
        col(MetricBucket.scan_config_id) == config_id, col(MetricBucket.scope_type) == _EVENT
    )
    return set(session.execute(statement.distinct()).scalars())


def event_counts(
    session: Session, config_id: str, start: datetime, stop: datetime, event_id: str | None = None
) -> Iterator[tuple[str, datetime, int]]:
    """(event id, bucket, count) in [start, stop), of one event or of all."""
    statement = sa.select(col(MetricBucket.scope_ref), col(MetricBucket.bucket), col(MetricBucket.count)).where(
        col(MetricBucket.scan_config_id) == config_id,
        col(MetricBucket.scope_type) == _EVENT,
        col(MetricBucket.bucket) >= start,
        col(MetricBucket.bucket) < stop,
    )
    if event_id is not None:
        statement = statement.where(col(MetricBucket.scope_ref) == event_id)
    yield from ((row[0], row[1], int(row[2])) for row in session.execute(statement))


def covered(session: Session, config_id: str, start: datetime, stop: datetime) -> set[datetime]:
    """Buckets in [start, stop) that the scan counted."""
    statement = sa.select(col(MetricCoverage.bucket)).where(
        col(MetricCoverage.scan_config_id) == config_id, col(MetricCoverage.bucket) >= start, col(MetricCoverage.bucket) < stop
    )
    return set(session.execute(statement).scalars())


def first_counts(
    session: Session, config_id: str, start: datetime, stop: datetime
) -> dict[tuple[str, datetime], tuple[int, datetime]]:
    """(count, when) of each (event id, hour) in [start, stop)."""
    statement = sa.select(LedgerFirstCount).where(
        col(LedgerFirstCount.scan_config_id) == config_id, col(LedgerFirstCount.hour) >= start, col(LedgerFirstCount.hour) < stop
    )
    return {(row.event_id, row.hour): (row.count, row.counted_at) for row in session.execute(statement).scalars()}


def noted_hours(session: Session, config_id: str, start: datetime, stop: datetime) -> set[datetime]:
    """Hours in [start, stop) of which counts were kept."""
    statement = sa.select(col(LedgerFirstCount.hour)).where(
        col(LedgerFirstCount.scan_config_id) == config_id, col(LedgerFirstCount.hour) >= start, col(LedgerFirstCount.hour) < stop
    )
    return set(session.execute(statement.distinct()).scalars())


def look_again_from(session: Session, config_id: str) -> datetime | None:
    """The start of what the scan's newest completed collection wants to be looked at once more; None when nothing does."""
    statement = (
        sa.select(col(ScanJob.result_summary))
        .where(col(ScanJob.scan_config_id) == config_id, col(ScanJob.status) == JobStatus.COMPLETED.value)
        .order_by(col(ScanJob.created_at).desc(), col(ScanJob.id).desc())
        .limit(_JOBS_LOOKED_THROUGH)
    )
    summaries = [dict(summary) for summary in session.execute(statement).scalars()]
    newest: dict[str, object] = next(filter(JobMode.is_of_collection, summaries), {})
    start = newest.get(SECOND_LOOK_KEYS[0])
    return None if start is None else datetime.fromisoformat(str(start))


def has_first_counts(session: Session, config_id: str, hour: datetime) -> bool:
    """Whether the hour was noted."""
    statement = sa.select(col(LedgerFirstCount.hour)).where(
        col(LedgerFirstCount.scan_config_id) == config_id, col(LedgerFirstCount.hour) == hour
    )
    return session.execute(statement.limit(1)).first() is not None


def insert_first_counts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note first counts; one that is there stays."""
    table = cast(sa.Table, LedgerFirstCount.__table__)  # type: ignore[attr-defined]
    for first in range(0, len(rows), _ROWS_PER_STATEMENT):
        session.execute(
            insert_into(session, table)
            .values([dict(row) for row in rows[first : first + _ROWS_PER_STATEMENT]])
            .on_conflict_do_nothing()
        )


def prune_first_counts(session: Session, *, before: datetime) -> None:
    """Delete first counts of hours before that instant."""
    session.execute(
        sa.delete(LedgerFirstCount).where(col(LedgerFirstCount.hour) < before), execution_options={"synchronize_session": False}
    )


def events_on_main(session: Session, project_id: str, event_ids: Collection[str]) -> dict[str, tuple[Event, str]]:
    """Main's events among the ids, each with the name of its type."""
    statement = (
        sa.select(Event, col(EventType.name))
        .join(EventType, col(EventType.id) == col(Event.event_type_id))
        .join(PlanBranch, col(PlanBranch.id) == col(Event.branch_id))
        .where(col(Event.project_id) == project_id, col(PlanBranch.kind) == "main")
    )
    return {row[0].id: (row[0], row[1]) for row in session.execute(statement) if row[0].id in event_ids}


def settings_of(session: Session, project_id: str) -> LedgerSettings | None:
    """The project's settings, None while nobody changed them."""
    return session.get(LedgerSettings, project_id)


def save_settings(session: Session, settings: LedgerSettings) -> None:
    """Keep the settings."""
    session.merge(settings)
    session.flush()
