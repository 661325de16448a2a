"""Every statement of the retention. What is removed in one transaction is bounded by the caller."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from models.alerting import AlertDelivery
from models.erasure import RetentionRun
from models.identity import Tenant
from models.ingest import ReplayedRecord
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage, MetricDay, MetricDistribution, MetricSummedDay
from models.projects import Project
from models.scans import ScanConfig, ScanJob, ScanLook
from models.security import SecurityActorScore, SecurityAlert

EVENTS_BEFORE: Final = (
    "kind = {{kind:String}} AND time < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC') "
    "AND received_at < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC')"
)
"""What happened and was received before: an old event that has just arrived stays as long as a fresh one."""
AUDIT_BEFORE: Final = (
    "kind = 'audit' AND time < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC') "
    "AND received_at < fromUnixTimestamp64Milli({{sealed:Int64}}, 'UTC')"
)
FACTS_BEFORE: Final = "time < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC')"
HOURS_BEFORE: Final = "hour < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC')"
QUARANTINE_BEFORE: Final = "received_at < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC')"
# The count of audit records is what the chain is held against.
ROLLUP_BEFORE: Final = "kind != 'audit' AND minute < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC')"

_LIVE: Final = ("pending", "running")
_SETTLED_ALERTS: Final = ("resolved", "dismissed")
METRIC_TABLES: Final[tuple[type[SQLModel], ...]] = (MetricBucket, MetricBreakdown, MetricDistribution, MetricCoverage)


@dataclass(frozen=True, slots=True)
class Place:
    """A project with its tenant and the tenant's plan."""

    tenant_id: str
    project_id: str
    tenant_plan: str


def places(session: Session) -> list[Place]:
    """Every project."""
    statement = (
        sa.select(col(Project.tenant_id), col(Project.id), col(Tenant.plan))
        .join(Tenant, col(Tenant.id) == col(Project.tenant_id))
        .order_by(col(Project.id))
    )
    return [Place(row[0], row[1], str(row[2])) for row in session.execute(statement)]


def scan_ids(session: Session) -> list[str]:
    """Every scan that may have counts."""
    return list(session.scalars(sa.select(col(ScanConfig.id)).order_by(col(ScanConfig.id))))


def delete_oldest_counts(session: Session, table: type[SQLModel], scan_id: str, before: datetime, span: timedelta) -> int | None:
    """Delete the scan's oldest counts before the instant, at most a span of them; None when there are none left."""
    columns: Any = table
    of_scan = columns.scan_config_id == scan_id
    oldest = session.scalar(sa.select(sa.func.min(columns.bucket)).where(of_scan, columns.bucket < before))
    if oldest is None:
        return None
    end = min(before, oldest + span)
    deleted = _deleted(session, table, of_scan, columns.bucket < end)
    if table is MetricBucket:
        # No sum outlives the buckets it was made of: what is left of the last day is read from them. They are no counts of
        # their own, and are deleted last, so that a day that another run summed meanwhile is forgotten too.
        for sums in (MetricSummedDay, MetricDay):
            _deleted(session, sums, col(sums.scan_config_id) == scan_id, col(sums.day) < end)
    return deleted


def delete_deliveries(session: Session, before: datetime, limit: int) -> int:
    """Delete some deliveries of before that have arrived or were given up."""
    chosen = (
        sa.select(col(AlertDelivery.id))
        .where(
            col(AlertDelivery.created_at) < before,
            col(AlertDelivery.status).in_(("sent", "failed")),
            col(AlertDelivery.next_attempt_at).is_(None),
            col(AlertDelivery.claimed_by).is_(None),
        )
        .order_by(col(AlertDelivery.created_at))
        .limit(limit)
    )
    return _delete_ids(session, AlertDelivery, chosen)


def delete_scan_jobs(session: Session, before: datetime, limit: int) -> int:
    """Delete some runs of before that have ended; the newest run of every scan stays."""
    newer = sa.orm.aliased(ScanJob)
    chosen = (
        sa.select(col(ScanJob.id))
        .where(
            col(ScanJob.created_at) < before,
            col(ScanJob.status).not_in(_LIVE),
            sa.exists().where(
                col(newer.scan_config_id) == col(ScanJob.scan_config_id), col(newer.created_at) > col(ScanJob.created_at)
            ),
        )
        .order_by(col(ScanJob.created_at))
        .limit(limit)
    )
    return _delete_ids(session, ScanJob, chosen)


def delete_looks(session: Session, before: datetime, limit: int) -> int:
    """Delete some previews and rehearsals of before that have ended."""
    chosen = sa.select(col(ScanLook.id)).where(col(ScanLook.created_at) < before, col(ScanLook.status).not_in(_LIVE)).limit(limit)
    return _delete_ids(session, ScanLook, chosen)


def delete_replayed(session: Session, before: datetime) -> int:
    """Forget which refused records of before were taken in again."""
    return _deleted(session, ReplayedRecord, col(ReplayedRecord.received_at) < before)


def delete_security(session: Session, project_id: str, before: datetime) -> int:
    """Delete a project's settled alerts and its scores of before."""
    alerts = _deleted(
        session,
        SecurityAlert,
        col(SecurityAlert.project_id) == project_id,
        col(SecurityAlert.created_at) < before,
        col(SecurityAlert.last_event_at) < before,
        col(SecurityAlert.status).in_(_SETTLED_ALERTS),
    )
    return alerts + _deleted(
        session, SecurityActorScore, col(SecurityActorScore.project_id) == project_id, col(SecurityActorScore.day) < before.date()
    )


def last_run(session: Session, statuses: Collection[str] | None = None) -> RetentionRun | None:
    """The newest pass, of these statuses when they are given."""
    statement = sa.select(RetentionRun).order_by(col(RetentionRun.started_at).desc(), col(RetentionRun.id).desc()).limit(1)
    if statuses is not None:
        statement = statement.where(col(RetentionRun.status).in_(list(statuses)))
    return session.scalars(statement).first()


def run_of(session: Session, run_id: str) -> RetentionRun | None:
    """One pass."""
    return session.get(RetentionRun, run_id)


def interrupt_others(session: Session, run_id: str, now: datetime) -> None:
    """End passes that a process left behind when it died."""
    session.execute(
        sa.update(RetentionRun)
        .where(col(RetentionRun.status) == "running", col(RetentionRun.id) != run_id)
        .values(status="partial", finished_at=now)
    )


def delete_runs(session: Session, before: datetime) -> int:
    """Forget passes of before."""
    return _deleted(session, RetentionRun, col(RetentionRun.started_at) < before)


def save(session: Session, row: RetentionRun) -> None:
    """Write the row now."""
    session.add(row)
    session.flush()


def _delete_ids(session: Session, table: type[Any], chosen: sa.Select[Any]) -> int:
    found = list(session.scalars(chosen))
    if found:
        session.execute(sa.delete(table).where(col(table.id).in_(found)))
    return len(found)


def _deleted(session: Session, table: type[SQLModel], *where: Any) -> int:
    """Delete the rows; how many there were, counted before because drivers differ in what they report."""
    count = int(session.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)
    if count:
        session.execute(sa.delete(table).where(*where))
    return count
