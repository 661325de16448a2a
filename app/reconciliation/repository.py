"""Queries on shadow events, silent events and coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import insert_into
from app.reconciliation.policy import EXPECTED_STATUSES
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.reconciliation import ShadowEvent
from models.scans import DataSource, ScanConfig, ScanJob

# A shadow event has eleven values, and one statement of SQLite takes 32766.
_ROWS_PER_STATEMENT = 1000
NEW = "new"


def upsert_shadows(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert candidates; of one that is there the count is set anew and last seen only moves forward."""
    table = cast(sa.Table, ShadowEvent.__table__)  # type: ignore[attr-defined]
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    later = sa.func.max if is_sqlite else sa.func.greatest
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        statement = insert_into(session, table).values([dict(row) for row in rows[start : start + _ROWS_PER_STATEMENT]])
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["scan_config_id", "event_type_name", "event_name"],
                set_={
                    "observed_count": statement.excluded.observed_count,
                    "event_type_id": statement.excluded.event_type_id,
                    "last_seen_at": later(table.c.last_seen_at, statement.excluded.last_seen_at),
                    "updated_at": statement.excluded.updated_at,
                },
            )
        )


def list_shadows(session: Session, project_id: str, *, status: str | None, limit: int) -> list[tuple[ShadowEvent, str, str | None]]:
    """(candidate, scan name, name of its event type), most frequent first."""
    statement = (
        sa.select(ShadowEvent, col(ScanConfig.name), col(EventType.name))
        .join(ScanConfig, col(ScanConfig.id) == col(ShadowEvent.scan_config_id))
        .outerjoin(EventType, col(EventType.id) == col(ShadowEvent.event_type_id))
        .where(col(ShadowEvent.project_id) == project_id)
        .order_by(col(ShadowEvent.observed_count).desc(), col(ShadowEvent.event_name), col(ShadowEvent.id))
        .limit(limit)
    )
    if status is not None:
        statement = statement.where(col(ShadowEvent.status) == status)
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def shadow_counts(session: Session, project_id: str) -> dict[str, int]:
    """How many candidates the project has, by status."""
    statement = (
        sa.select(col(ShadowEvent.status), sa.func.count())
        .where(col(ShadowEvent.project_id) == project_id)
        .group_by(col(ShadowEvent.status))
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}


def lock_shadow(session: Session, project_id: str, candidate_id: str) -> ShadowEvent | None:
    """The project's candidate as it is now, held until the transaction ends."""
    statement = (
        sa.select(ShadowEvent)
        .where(col(ShadowEvent.project_id) == project_id, col(ShadowEvent.id) == candidate_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.execute(statement).scalar_one_or_none()


def event_of(session: Session, project_id: str, event_id: str) -> Event | None:
    """The project's event, whatever its branch."""
    statement = sa.select(Event).where(col(Event.project_id) == project_id, col(Event.id) == event_id)
    return session.execute(statement).scalar_one_or_none()


def statuses_of(session: Session, project_id: str, event_ids: Sequence[str]) -> dict[str, str]:
    """Status by id of those that are events of the project."""
    found: dict[str, str] = {}
    for first in range(0, len(event_ids), _ROWS_PER_STATEMENT):
        some = event_ids[first : first + _ROWS_PER_STATEMENT]
        statement = sa.select(col(Event.id), col(Event.status)).where(col(Event.project_id) == project_id, col(Event.id).in_(some))
        found |= {row[0]: row[1] for row in session.execute(statement)}
    return found


def dead_events(session: Session, project_id: str, *, before: datetime) -> list[tuple[Event, str]]:
    """(event on main, event type's name) of which data is expected and none came since, never seen ones first."""
    never_first = sa.case((col(Event.last_seen_at).is_(None), 0), else_=1)
    statement = (
        sa.select(Event, col(EventType.name))
        .join(EventType, col(EventType.id) == col(Event.event_type_id))
        .join(PlanBranch, col(PlanBranch.id) == col(Event.branch_id))
        .where(
            col(Event.project_id) == project_id,
            col(PlanBranch.kind) == "main",
            col(Event.status).in_(EXPECTED_STATUSES),
            col(Event.created_at) < before,
            sa.or_(col(Event.last_seen_at).is_(None), col(Event.last_seen_at) < before),
        )
        .order_by(never_first, col(Event.last_seen_at), col(Event.name), col(Event.id))
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def coverage_rows(
    session: Session, project_id: str, *, since: datetime, scan_config_id: str | None
) -> list[tuple[datetime, int, int]]:
    """(bucket, total, matched) of buckets at or after `since`, added up over the project's scans or of one."""
    statement = (
        sa.select(
            col(MetricCoverage.bucket), sa.func.sum(col(MetricCoverage.total_count)), sa.func.sum(col(MetricCoverage.matched_count))
        )
        .join(ScanConfig, col(ScanConfig.id) == col(MetricCoverage.scan_config_id))
        .where(col(ScanConfig.project_id) == project_id, col(MetricCoverage.bucket) >= since)
        .group_by(col(MetricCoverage.bucket))
    )
    if scan_config_id is not None:
        statement = statement.where(col(MetricCoverage.scan_config_id) == scan_config_id)
    return [(row[0], int(row[1]), int(row[2])) for row in session.execute(statement)]


def rows_of_types(
    session: Session, project_id: str, *, since: datetime, scan_config_id: str | None
) -> list[tuple[str, str, int, int]]:
    """(id, name, rows, rows of planned events) of each event type counted at or after `since`; most uncovered rows first."""
    of_type = col(EventType.id), col(EventType.display_name)
    total = _counted(session, "event_type", *of_type, EventType, project_id, since, scan_config_id)
    matched = _counted(session, "event", *of_type, Event, project_id, since, scan_config_id)
    found = [(key, name, count, min(count, matched.get((key, name), 0))) for (key, name), count in total.items()]
    return sorted(found, key=lambda row: (row[3] - row[2], row[1]))


def _counted(
    session: Session, scope_type: str, key: Any, name: Any, owner: type[Event] | type[EventType], project_id: str, since: datetime,
    scan_config_id: str | None,
) -> dict[tuple[str, str], int]:  # fmt: skip
    """Rows by event type, of the series of `owner`. The inner sum reads an index by time; names are looked up once per series."""
    series = (
        sa.select(col(MetricBucket.scope_ref), sa.func.sum(col(MetricBucket.count)).label("rows"))
        .join(ScanConfig, col(ScanConfig.id) == col(MetricBucket.scan_config_id))
        .where(
            col(ScanConfig.project_id) == project_id,
            col(MetricBucket.scope_type) == scope_type,
            col(MetricBucket.bucket) >= since,
            sa.true() if scan_config_id is None else col(MetricBucket.scan_config_id) == scan_config_id,
        )
        .group_by(col(MetricBucket.scope_ref))
        .subquery()
    )
    statement = (
        sa.select(key, name, sa.func.sum(series.c.rows)).select_from(series).join(owner, col(owner.id) == series.c.scope_ref)
    )
    if owner is Event:
        statement = statement.join(EventType, col(EventType.id) == col(Event.event_type_id))
    return {(row[0], row[1]): int(row[2]) for row in session.execute(statement.group_by(key, name))}


def scans_of_project(session: Session, project_id: str) -> list[tuple[ScanConfig, bool]]:
    """(scan, whether it reads the built-in store), oldest first."""
    statement = (
        sa.select(ScanConfig, col(DataSource.is_builtin))
        .join(DataSource, col(DataSource.id) == col(ScanConfig.data_source_id))
        .where(col(ScanConfig.project_id) == project_id)
        .order_by(col(ScanConfig.created_at), col(ScanConfig.id))
    )
    return [(row[0], bool(row[1])) for row in session.execute(statement)]


def newest_comparison(session: Session, project_id: str) -> tuple[int, datetime | None]:
    """(how many scans there are, when the newest completed run ended)."""
    scans = session.scalar(sa.select(sa.func.count()).select_from(ScanConfig).where(col(ScanConfig.project_id) == project_id))
    ended = (
        sa.select(ScanJob.completed_at)  # type: ignore[call-overload]
        .where(col(ScanJob.project_id) == project_id, col(ScanJob.status) == "completed", col(ScanJob.completed_at).is_not(None))
        .order_by(col(ScanJob.completed_at).desc(), col(ScanJob.id))
        .limit(1)
    )
    return scans or 0, session.scalar(ended)
