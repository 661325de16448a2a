"""Every query on data sources, scan configs, jobs and leases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col

from app.kernel.intervals import Interval, floor_to_bucket
from app.scans.contracts import LIVE_STATUSES, JobMode, JobStatus
from models.projects import Project
from models.scans import DataSource, JobLease, ScanConfig, ScanJob, ScanLook

# Among so many jobs there is a collection, unless somebody replayed one after the other; then it is as if there was none.
_JOBS_LOOKED_THROUGH = 50


def _insert_if_absent(session: Session, table: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert unless a row with the same unique key exists; says whether the row is ours. Same on both engines."""
    target = cast(sa.Table, table.__table__)  # type: ignore[attr-defined]
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(target).values(**values).on_conflict_do_nothing().returning(*target.primary_key.columns)
    return session.execute(statement).first() is not None


def _affected(session: Session, statement: Any) -> int:
    return cast("sa.CursorResult[Any]", session.execute(statement, execution_options={"synchronize_session": False})).rowcount


def builtin_data_source(session: Session, *, name: str, db_type: str) -> DataSource:
    """The instance's one built-in source, created when missing."""
    wanted = (
        sa.select(DataSource).where(col(DataSource.is_builtin)).order_by(col(DataSource.created_at), col(DataSource.id)).limit(1)
    )
    found: DataSource | None = session.execute(wanted).scalar_one_or_none()
    if found is not None:
        return found
    _insert_if_absent(session, DataSource, DataSource(name=name, db_type=db_type, is_builtin=True).model_dump())
    created: DataSource = session.execute(wanted).scalar_one()
    return created


def builtin_config(session: Session, project_id: str) -> ScanConfig | None:
    """The project's config on the built-in source."""
    statement = (
        sa.select(ScanConfig)
        .join(DataSource, col(DataSource.id) == col(ScanConfig.data_source_id))
        .where(col(ScanConfig.project_id) == project_id, col(DataSource.is_builtin))
        .order_by(col(ScanConfig.created_at), col(ScanConfig.id))
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def add_config_unless_present(session: Session, config: ScanConfig) -> None:
    """Store the config unless the project has one of that name on the source, also when another process is as fast."""
    _insert_if_absent(session, ScanConfig, config.model_dump())


def configs_with_sources(session: Session, project_id: str, config_id: str | None = None) -> list[tuple[ScanConfig, DataSource]]:
    """The project's configs, newest first, each with its source; only one when `config_id` is given."""
    statement = (
        sa.select(ScanConfig, DataSource)
        .join(DataSource, col(DataSource.id) == col(ScanConfig.data_source_id))
        .where(col(ScanConfig.project_id) == project_id)
        .order_by(col(ScanConfig.created_at).desc(), col(ScanConfig.id))
    )
    if config_id is not None:
        statement = statement.where(col(ScanConfig.id) == config_id)
    return [(row[0], row[1]) for row in session.execute(statement)]


def is_config_name_taken(session: Session, project_id: str, source: DataSource, name: str) -> bool:
    """Whether the source has a scan of that name; every project has scans of its own on the built-in source."""
    statement = sa.select(col(ScanConfig.id)).where(col(ScanConfig.data_source_id) == source.id, col(ScanConfig.name) == name)
    if source.is_builtin:
        statement = statement.where(col(ScanConfig.project_id) == project_id)
    return session.execute(statement.limit(1)).first() is not None


def data_source(session: Session, data_source_id: str) -> DataSource | None:
    """A data source of the instance."""
    return session.get(DataSource, data_source_id)


def data_sources(session: Session) -> list[DataSource]:
    """The instance's data sources by name."""
    return list(session.execute(sa.select(DataSource).order_by(col(DataSource.name))).scalars())


def add(session: Session, row: SQLModel) -> None:
    """Write the row now."""
    session.add(row)
    session.flush()


def delete(session: Session, row: SQLModel) -> None:
    """Delete the row with everything that hangs on it."""
    session.delete(row)
    session.flush()


def find_look(session: Session, project_id: str, look_id: str, kind: str) -> ScanLook | None:
    """The project's look of that kind."""
    statement = sa.select(ScanLook).where(
        col(ScanLook.project_id) == project_id, col(ScanLook.id) == look_id, col(ScanLook.kind) == kind
    )
    return session.execute(statement).scalar_one_or_none()


def look_with_context(session: Session, look_id: str, holder: str) -> tuple[ScanLook, DataSource, Project] | None:
    """The look while the holder runs it, with everything it refers to."""
    statement = (
        sa.select(ScanLook, DataSource, Project)
        .join(DataSource, col(DataSource.id) == col(ScanLook.data_source_id))
        .join(Project, col(Project.id) == col(ScanLook.project_id))
        .where(col(ScanLook.id) == look_id, col(ScanLook.status) == JobStatus.RUNNING.value, col(ScanLook.claimed_by) == holder)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def oldest_pending_looks(session: Session, limit: int) -> list[str]:
    """Ids of waiting looks, oldest first."""
    statement = sa.select(col(ScanLook.id)).where(col(ScanLook.status) == JobStatus.PENDING.value)
    return list(session.execute(statement.order_by(col(ScanLook.created_at), col(ScanLook.id)).limit(limit)).scalars())


def change_look(session: Session, look_id: str, expected: JobStatus, holder: str | None, **values: Any) -> bool:
    """Change the look if it still has the expected status and, when given, the holder; says whether it did."""
    statement = sa.update(ScanLook).where(col(ScanLook.id) == look_id, col(ScanLook.status) == expected.value)
    if holder is not None:
        statement = statement.where(col(ScanLook.claimed_by) == holder)
    return _affected(session, statement.values(**values)) == 1


def fail_abandoned_looks(session: Session, workers: set[str], message: str, now: datetime) -> int:
    """End running looks whose worker is gone; returns how many."""
    statement = sa.update(ScanLook).where(col(ScanLook.status) == JobStatus.RUNNING.value, col(ScanLook.claimed_by).not_in(workers))
    return _affected(session, statement.values(status=JobStatus.FAILED.value, error_message=message, completed_at=now))


def delete_old_looks(session: Session, before: datetime) -> int:
    """Remove looks made before the instant; returns how many."""
    return _affected(session, sa.delete(ScanLook).where(col(ScanLook.created_at) < before))


def lock_config(session: Session, config_id: str) -> ScanConfig | None:
    """The config, held until the transaction ends; whoever stores rows that refer to it is not waited for."""
    statement = sa.select(ScanConfig).where(col(ScanConfig.id) == config_id).with_for_update(key_share=True)
    return session.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()


def due_configs(session: Session, now: datetime) -> list[ScanConfig]:
    """Schedulable configs with a complete bucket to collect, that do not rest and have no live job; longest waiting first."""
    live = sa.select(col(ScanJob.id)).where(
        col(ScanJob.scan_config_id) == col(ScanConfig.id), col(ScanJob.status).in_(LIVE_STATUSES)
    )
    # A demo project is counted by its own job while it is being filled.
    being_generated = sa.select(col(Project.id)).where(col(Project.generation_status) == "running")
    waiting = [
        sa.and_(col(ScanConfig.interval) == interval.value, col(ScanConfig.collected_until) < floor_to_bucket(now, interval))
        for interval in Interval
    ]
    statement = (
        sa.select(ScanConfig)
        .where(
            col(ScanConfig.is_paused).is_(False),
            col(ScanConfig.interval).is_not(None),
            col(ScanConfig.time_column).is_not(None),
            col(ScanConfig.time_column) != "",
            sa.or_(col(ScanConfig.next_attempt_at).is_(None), col(ScanConfig.next_attempt_at) <= now),
            sa.or_(col(ScanConfig.collected_until).is_(None), *waiting),
            ~live.exists(),
            ~col(ScanConfig.project_id).in_(being_generated),
        )
        .order_by(col(ScanConfig.collected_until).is_not(None), col(ScanConfig.collected_until), col(ScanConfig.id))
    )
    return list(session.execute(statement).scalars())


def live_job(session: Session, config_id: str) -> ScanJob | None:
    """The config's pending or running job."""
    statement = sa.select(ScanJob).where(col(ScanJob.scan_config_id) == config_id, col(ScanJob.status).in_(LIVE_STATUSES))
    return session.execute(statement.limit(1)).scalar_one_or_none()


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
    return _affected(session, statement.values(**values)) == 1


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
    requeued = _affected(session, statement.values(**waiting))
    # Jobs are locked before configs everywhere.
    configs = sa.select(col(ScanConfig.id)).where(col(ScanConfig.project_id) == project_id).order_by(col(ScanConfig.id))
    session.execute(configs.with_for_update(key_share=True)).all()
    return requeued


def live_jobs(session: Session) -> Sequence[ScanJob]:
    """Every pending or running job of the instance."""
    statement = sa.select(ScanJob).where(col(ScanJob.status).in_(LIVE_STATUSES)).order_by(col(ScanJob.created_at), col(ScanJob.id))
    return session.execute(statement).scalars().all()


def acquire_lease(session: Session, name: str, holder: str, now: datetime, expires_at: datetime) -> bool:
    """Take, renew, or take over an expired lease; of several holders exactly one gets True."""
    statement = (
        sa.update(JobLease)
        .where(col(JobLease.name) == name, sa.or_(col(JobLease.holder) == holder, col(JobLease.expires_at) <= now))
        .values(holder=holder, expires_at=expires_at)
    )
    if _affected(session, statement) == 1:
        return True
    return _insert_if_absent(session, JobLease, {"name": name, "holder": holder, "expires_at": expires_at})


def release_all_leases(session: Session, holder: str) -> None:
    """Free every lease the holder has."""
    session.execute(sa.delete(JobLease).where(col(JobLease.holder) == holder))


def live_holders(session: Session, prefix: str, now: datetime) -> set[str]:
    """Holders of unexpired leases whose name starts with the prefix."""
    statement = sa.select(col(JobLease.holder)).where(
        col(JobLease.name).startswith(prefix, autoescape=True), col(JobLease.expires_at) > now
    )
    return set(session.execute(statement).scalars())


def delete_expired_leases(session: Session, prefix: str, before: datetime) -> int:
    """Remove leases that nobody renewed since; returns how many."""
    return _affected(
        session,
        sa.delete(JobLease).where(col(JobLease.name).startswith(prefix, autoescape=True), col(JobLease.expires_at) < before),
    )
