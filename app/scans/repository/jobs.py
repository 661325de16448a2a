"""Every query on jobs. Jobs are locked before configs everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.scans.contracts import LIVE_STATUSES, JobMode, JobStatus
from app.scans.repository.rows import affected_count
from models.projects import Project
from models.scans import DataSource, ScanConfig, ScanJob

# Among so many jobs there is a collection, unless somebody replayed one after the other; then it is as if there was none.
_JOBS_LOOKED_THROUGH = 50


def live_job(session: Session, config_id: str) -> ScanJob | None:
    """The config's pending or running job."""
    statement = sa.select(ScanJob).where(col(ScanJob.scan_config_id) == config_id, col(ScanJob.status).in_(LIVE_STATUSES))
    return session.execute(statement.limit(1)).scalar_one_or_none()


def live_jobs(session: Session) -> Sequence[ScanJob]:
    """Every pending or running job of the instance."""
    statement = sa.select(ScanJob).where(col(ScanJob.status).in_(LIVE_STATUSES)).order_by(col(ScanJob.created_at), col(ScanJob.id))
    return session.execute(statement).scalars().all()


def find_job(session: Session, project_id: str, job_id: str) -> ScanJob | None:
    """One job of the project."""
    statement = sa.select(ScanJob).where(col(ScanJob.project_id) == project_id, col(ScanJob.id) == job_id)
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def last_collections(session: Session, config_id: str, except_for: str) -> tuple[ScanJob | None, ScanJob | None]:
    """The config's newest collection that has ended, and the newest that has completed, manual ones included, without that job."""
    statement = (
        sa.select(ScanJob)
        .where(
            col(ScanJob.scan_config_id) == config_id,
            col(ScanJob.id) != except_for,
            col(ScanJob.status).in_((JobStatus.COMPLETED.value, JobStatus.FAILED.value)),
        )
        .order_by(col(ScanJob.created_at).desc(), col(ScanJob.id).desc())
        .limit(_JOBS_LOOKED_THROUGH)
    )
    ended = [job for job in session.execute(statement).scalars() if JobMode.is_of_collection(job.result_summary)]
    completed = (job for job in ended if job.status == JobStatus.COMPLETED)
    return next(iter(ended), None), next(completed, None)


def claimed_job(session: Session, job_id: str, holder: str) -> ScanJob | None:
    """The job while the holder runs it."""
    statement = sa.select(ScanJob).where(
        col(ScanJob.id) == job_id, col(ScanJob.status) == JobStatus.RUNNING.value, col(ScanJob.claimed_by) == holder
    )
    return session.execute(statement).scalar_one_or_none()


def job_with_context(session: Session, job_id: str, holder: str) -> tuple[ScanJob, ScanConfig, DataSource, Project] | None:
    """The job while the holder runs it, with everything it refers to."""
    statement = (
        sa.select(ScanJob, ScanConfig, DataSource, Project)
        .join(ScanConfig, col(ScanConfig.id) == col(ScanJob.scan_config_id))
        .join(DataSource, col(DataSource.id) == col(ScanConfig.data_source_id))
        .join(Project, col(Project.id) == col(ScanJob.project_id))
        .where(col(ScanJob.id) == job_id, col(ScanJob.status) == JobStatus.RUNNING.value, col(ScanJob.claimed_by) == holder)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1], row[2], row[3])


def page_of_jobs(session: Session, project_id: str, *, config_id: str | None, limit: int, offset: int) -> tuple[list[ScanJob], int]:
    """Jobs of the project (of one config when given), newest first, and how many there are."""
    statement = sa.select(ScanJob).where(col(ScanJob.project_id) == project_id)
    if config_id is not None:
        statement = statement.where(col(ScanJob.scan_config_id) == config_id)
    total = session.execute(sa.select(sa.func.count()).select_from(statement.subquery())).scalar_one()
    ordered = statement.order_by(col(ScanJob.created_at).desc(), col(ScanJob.id).desc()).limit(limit).offset(offset)
    return list(session.execute(ordered).scalars()), total


def oldest_pending(session: Session, limit: int) -> list[str]:
    """Ids of waiting jobs, oldest first."""
    statement = sa.select(col(ScanJob.id)).where(col(ScanJob.status) == JobStatus.PENDING.value)
    return list(session.execute(statement.order_by(col(ScanJob.created_at), col(ScanJob.id)).limit(limit)).scalars())


def claim_job(session: Session, job_id: str, holder: str, now: datetime) -> bool:
    """Make a pending job the holder's; of several who try, one succeeds."""
    return change_job(
        session,
        job_id,
        JobStatus.PENDING,
        None,
        status=JobStatus.RUNNING.value,
        claimed_by=holder,
        started_at=now,
        heartbeat_at=now,
    )


def change_job(session: Session, job_id: str, expected: JobStatus, holder: str | None, **values: Any) -> bool:
    """Change the job if it still has the expected status and, when given, the holder; says whether it did."""
    statement = sa.update(ScanJob).where(col(ScanJob.id) == job_id, col(ScanJob.status) == expected.value)
    if holder is not None:
        statement = statement.where(col(ScanJob.claimed_by) == holder)
    return affected_count(session, statement.values(**values)) == 1


def lock_job_if_free(session: Session, job_id: str) -> ScanJob | None:
    """The job as it is now, held until the transaction ends; None while another transaction holds it."""
    statement = sa.select(ScanJob).where(col(ScanJob.id) == job_id).with_for_update(skip_locked=True)
    return session.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()


def lock_project(session: Session, project_id: str) -> None:
    """Held until the transaction ends: of jobs that go through a whole project, one at a time."""
    session.execute(sa.select(col(Project.id)).where(col(Project.id) == project_id).with_for_update(key_share=True)).all()


def hold_project(session: Session, project_id: str, job_id: str) -> int:
    """Until the transaction ends no other job of the project writes, starts or is made; how many went back to the queue."""
    statement = sa.update(ScanJob).where(
        col(ScanJob.project_id) == project_id, col(ScanJob.id) != job_id, col(ScanJob.status).in_(LIVE_STATUSES)
    )
    waiting = {"status": JobStatus.PENDING.value, "claimed_by": None, "progress_phase": "Waiting to resume"}
    requeued = affected_count(session, statement.values(**waiting))
    # Jobs are locked before configs everywhere.
    configs = sa.select(col(ScanConfig.id)).where(col(ScanConfig.project_id) == project_id).order_by(col(ScanConfig.id))
    session.execute(configs.with_for_update(key_share=True)).all()
    return requeued
