"""Queries on fire drills, their runs, and the rows that the canary of a run leaves behind."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from models.alerting import AlertDelivery, AlertDestination, AlertDrill, AlertDrillRun, AlertEvaluation
from models.detection import Anomaly, AnomalySettings
from models.metrics import MetricCoverage
from models.projects import Project
from models.scans import ScanConfig, ScanJob

_RUNNING = "running"


def drill_of(session: Session, project_id: str, *, lock: bool = False) -> AlertDrill | None:
    """The project's drill, when it was ever set up."""
    statement = sa.select(AlertDrill).where(col(AlertDrill.project_id) == project_id)
    return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()


def due_drills(session: Session, now: datetime) -> list[AlertDrill]:
    """Drills whose time has come, longest waiting first."""
    statement = sa.select(AlertDrill).where(col(AlertDrill.enabled), col(AlertDrill.next_run_at) <= now)
    return list(session.execute(statement.order_by(col(AlertDrill.next_run_at), col(AlertDrill.project_id))).scalars())


def running(session: Session, project_id: str | None = None) -> list[AlertDrillRun]:
    """Drills that have not ended, oldest first; of all projects when none is named."""
    statement = sa.select(AlertDrillRun).where(col(AlertDrillRun.outcome) == _RUNNING)
    if project_id is not None:
        statement = statement.where(col(AlertDrillRun.project_id) == project_id)
    return list(session.execute(statement.order_by(col(AlertDrillRun.started_at), col(AlertDrillRun.id))).scalars())


def run_by_id(session: Session, run_id: str) -> AlertDrillRun | None:
    """One run as it is now."""
    statement = sa.select(AlertDrillRun).where(col(AlertDrillRun.id) == run_id).with_for_update()
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def page(session: Session, project_id: str, *, limit: int, offset: int) -> tuple[list[AlertDrillRun], int]:
    """The project's drills, newest first, and how many there are."""
    of_project = col(AlertDrillRun.project_id) == project_id
    total = session.execute(sa.select(sa.func.count()).select_from(AlertDrillRun).where(of_project)).scalar_one()
    newest = sa.select(AlertDrillRun).where(of_project).order_by(col(AlertDrillRun.started_at).desc(), col(AlertDrillRun.id).desc())
    return list(session.execute(newest.limit(limit).offset(offset)).scalars()), total


def delete_before(session: Session, before: datetime) -> None:
    """Forget drills that began before the instant."""
    session.execute(sa.delete(AlertDrillRun).where(col(AlertDrillRun.started_at) < before))


def project(session: Session, project_id: str) -> Project | None:
    """The project's row."""
    return session.get(Project, project_id)


def slug_of_canary(session: Session, canary_project_id: str) -> str | None:
    """The slug of the project whose drill the canary belongs to."""
    statement = (
        sa.select(col(Project.slug))
        .join(AlertDrillRun, col(AlertDrillRun.project_id) == col(Project.id))
        .where(col(AlertDrillRun.canary_project_id) == canary_project_id)
    )
    return session.execute(statement.limit(1)).scalar_one_or_none()


def detection_enabled(session: Session, project_id: str) -> bool:
    """Whether the project's anomalies are looked for."""
    statement = sa.select(col(AnomalySettings.anomaly_detection_enabled)).where(col(AnomalySettings.project_id) == project_id)
    return bool(session.execute(statement).scalar_one_or_none())


def copied_destination(session: Session, source: AlertDestination, project_id: str) -> AlertDestination:
    """The destination with its secrets as they are sealed, in another project."""
    kept = {"id", "project_id", "created_at", "updated_at"}
    names = [column.name for column in sa.inspect(AlertDestination).local_table.columns if column.name not in kept]
    copy = AlertDestination(project_id=project_id, **{name: getattr(source, name) for name in names})
    session.add(copy)
    session.flush()
    return copy


def job(session: Session, job_id: str) -> ScanJob | None:
    """The run of the canary's scan."""
    return session.get(ScanJob, job_id, populate_existing=True)


def config(session: Session, config_id: str) -> ScanConfig | None:
    """The canary's scan."""
    return session.get(ScanConfig, config_id)


def counted_total(session: Session, config_id: str, bucket: datetime) -> int:
    """What was counted in the bucket."""
    statement = sa.select(col(MetricCoverage.total_count)).where(
        col(MetricCoverage.scan_config_id) == config_id, col(MetricCoverage.bucket) == bucket
    )
    return session.execute(statement).scalar_one_or_none() or 0


def anomaly_at(session: Session, config_id: str, bucket: datetime) -> datetime | None:
    """When the anomaly of the canary's total in the bucket was stored; None without one."""
    statement = sa.select(col(Anomaly.created_at)).where(
        col(Anomaly.scan_config_id) == config_id, col(Anomaly.scope_type) == "project_total", col(Anomaly.bucket) == bucket
    )
    return session.execute(statement).scalar_one_or_none()


def delivery_of(session: Session, config_id: str, rule_id: str) -> AlertDelivery | None:
    """The message that the canary's rule queued."""
    statement = sa.select(AlertDelivery).where(
        col(AlertDelivery.scan_config_id) == config_id, col(AlertDelivery.rule_id) == rule_id
    )
    statement = statement.order_by(col(AlertDelivery.created_at)).limit(1)
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def asked_at(session: Session, config_id: str) -> datetime | None:
    """When the rules were asked about the canary's scan; None before."""
    found = session.get(AlertEvaluation, config_id, populate_existing=True)
    return None if found is None else found.evaluated_at


def add(session: Session, row: AlertDrill | AlertDrillRun | AlertDelivery) -> None:
    """Insert the row now."""
    session.add(row)
    session.flush()
