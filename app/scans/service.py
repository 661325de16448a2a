"""Scan configs and their runs."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK, as_utc
from app.kernel.errors import BadRequest, Conflict, NotFound
from app.kernel.intervals import Interval
from app.kernel.pagination import Page
from app.projects import service as projects
from app.scans import repository
from app.scans.contracts import JobStatus, ScanConfigView, ScanJobView
from app.scans.leases import SCHEDULER, Holder, acquire, announce_worker, this_process, withdraw_worker
from app.scans.lifecycle import claim_next_job, create_due_jobs, create_job, has_pending_jobs, reap_jobs
from app.scans.progress import Transaction
from app.scans.runner import DEFAULT_TOOLS, RunTools, run_job
from app.scans.summaries import replay_start
from app.scans.windows import chunk_width, chunks, replay_window
from models.scans import DataSource, ScanConfig, ScanJob

__all__ = [
    "DEFAULT_TOOLS",
    "SCHEDULER",
    "Holder",
    "RunTools",
    "Transaction",
    "acquire",
    "announce_worker",
    "cancel_job",
    "claim_next_job",
    "create_due_jobs",
    "due_configs",
    "ensure_builtin_scan",
    "get_config",
    "get_job",
    "has_pending_jobs",
    "list_configs",
    "list_jobs",
    "reap_jobs",
    "request_replay",
    "request_run",
    "run_job",
    "this_process",
    "withdraw_worker",
]

BUILTIN_SOURCE = "Built-in event store"
BUILTIN_SCAN = "Received events"
BUILTIN_QUERY = "SELECT source, name, time FROM events"
# Reading the store's own roll-up is cheap: ten thousand events that occur in every hour of a day fit.
BUILTIN_ROW_LIMIT = 500_000
LARGEST_JOB_PAGE = 200


class ProjectRef(Protocol):
    """Anything that stands for a project."""

    @property
    def id(self) -> str:
        """The project's id."""
        ...


def ensure_builtin_scan(session: Session, project: ProjectRef) -> ScanConfig:
    """The project's hourly scan of the built-in event store, made when missing. Commit is the caller's."""
    found = repository.builtin_config(session, project.id)
    if found is not None:
        return found
    source = repository.builtin_data_source(session, name=BUILTIN_SOURCE, db_type="clickhouse")
    wanted = ScanConfig(
        project_id=project.id,
        data_source_id=source.id,
        name=BUILTIN_SCAN,
        base_query=BUILTIN_QUERY,
        event_type_column="source",
        event_name_format="{name}",
        time_column="time",
        interval=Interval.HOUR.value,
        replay_chunk_interval=Interval.DAY.value,
        metrics_row_limit=BUILTIN_ROW_LIMIT,
    )
    repository.add_config_unless_present(session, wanted)
    found = repository.builtin_config(session, project.id)
    assert found is not None
    return found


def list_configs(session: Session, actor: Actor, slug: str) -> list[ScanConfigView]:
    """The project's scan configs, newest first. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return [_config_view(*row) for row in repository.configs_with_sources(session, project.id)]


def get_config(session: Session, actor: Actor, slug: str, scan_config_id: str) -> ScanConfigView:
    """One scan config of the project. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return _config_view(*_config(session, project.id, scan_config_id))


def due_configs(session: Session, now: datetime) -> list[str]:
    """Ids of configs with a complete bucket to collect, longest waiting first (contract 5.1)."""
    return [config.id for config in repository.due_configs(session, now)]


def request_run(session: Session, actor: Actor, slug: str, scan_config_id: str, *, now: datetime | None = None) -> ScanJobView:
    """Queue a run at once: catalog sync, and collection when the config is schedulable.

    Errors: NotFound, Forbidden below editor, Conflict while a job of the config is live.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    config, _ = _config(session, project.id, scan_config_id)
    job = create_job(session, config, requested_by=actor.user_id, summary={}, now=now or SYSTEM_CLOCK.now())
    identity.record_audit(session, actor, "scan.run", "scan_config", config.id, project_slug=slug, payload={"job_id": job.id})
    return _job_view(job)


def request_replay(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    time_from: datetime,
    time_to: datetime,
    *,
    now: datetime | None = None,
) -> ScanJobView:
    """Queue a fresh count of a past range; it creates no events (contract 5.6). Naive times are UTC.

    Errors: NotFound, Forbidden below owner, InvalidInput for an empty range, BadRequest for a config without time column or
    interval and for a range that reaches into the incomplete bucket, Conflict while a job of the config is live.
    """
    actor.require_owner()
    now = now or SYSTEM_CLOCK.now()
    project = projects.get_project(session, actor, slug)
    config, _ = _config(session, project.id, scan_config_id)
    if config.interval is None or not config.time_column:
        raise BadRequest("This scan has no time column and interval, so it has no metrics to replay")
    interval = Interval(config.interval)
    window = replay_window(as_utc(time_from), as_utc(time_to), interval, now)
    chunk = Interval(config.replay_chunk_interval) if config.replay_chunk_interval else None
    pieces = sum(1 for _ in chunks(window, chunk_width(interval, chunk)))
    job = create_job(session, config, requested_by=actor.user_id, summary=replay_start(window, chunk, pieces), now=now)
    payload = {"job_id": job.id, "time_from": window.start.isoformat(), "time_to": window.stop.isoformat()}
    identity.record_audit(session, actor, "scan.replay", "scan_config", config.id, project_slug=slug, payload=payload)
    return _job_view(job)


def cancel_job(session: Session, actor: Actor, slug: str, job_id: str, *, now: datetime | None = None) -> ScanJobView:
    """Cancel a live job; its worker stops before it writes again.

    Errors: NotFound, Forbidden below editor, Conflict when it has ended already.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    job = _job(session, project.id, job_id)
    status = JobStatus(job.status)
    moment = now or SYSTEM_CLOCK.now()
    if not status.is_live or not repository.change_job(
        session, job.id, status, None, status=JobStatus.CANCELLED.value, completed_at=moment
    ):
        raise Conflict("Only a pending or running job can be cancelled")
    identity.record_audit(session, actor, "scan.cancel", "scan_job", job.id, project_slug=slug)
    return _job_view(_job(session, project.id, job_id))


def get_job(session: Session, actor: Actor, slug: str, job_id: str) -> ScanJobView:
    """One job of the project. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return _job_view(_job(session, project.id, job_id))


def list_jobs(
    session: Session, actor: Actor, slug: str, scan_config_id: str | None = None, *, limit: int = 50, offset: int = 0
) -> Page[ScanJobView]:
    """Jobs of the project, or of one scan, newest first; `limit` is taken as at most 200. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    if scan_config_id is not None:
        _config(session, project.id, scan_config_id)
    limit, offset = max(1, min(limit, LARGEST_JOB_PAGE)), max(0, offset)
    rows, total = repository.page_of_jobs(session, project.id, config_id=scan_config_id, limit=limit, offset=offset)
    return Page([_job_view(job) for job in rows], total, limit, offset)


def _config(session: Session, project_id: str, config_id: str) -> tuple[ScanConfig, DataSource]:
    rows = repository.configs_with_sources(session, project_id, config_id)
    if not rows:
        raise NotFound("Scan not found")
    return rows[0]


def _job(session: Session, project_id: str, job_id: str) -> ScanJob:
    job = repository.find_job(session, project_id, job_id)
    if job is None:
        raise NotFound("Job not found")
    return job


def _config_view(config: ScanConfig, source: DataSource) -> ScanConfigView:
    return ScanConfigView(
        id=config.id,
        project_id=config.project_id,
        data_source_id=source.id,
        data_source_name=source.name,
        is_builtin=source.is_builtin,
        event_type_id=config.event_type_id,
        name=config.name,
        base_query=config.base_query,
        event_type_column=config.event_type_column,
        time_column=config.time_column,
        event_name_format=config.event_name_format,
        interval=Interval(config.interval) if config.interval else None,
        replay_chunk_interval=Interval(config.replay_chunk_interval) if config.replay_chunk_interval else None,
        metrics_row_limit=config.metrics_row_limit,
        is_paused=config.is_paused,
        collected_until=config.collected_until,
        received_until=config.received_until,
        consecutive_failures=config.consecutive_failures,
        next_attempt_at=config.next_attempt_at,
        created_at=config.created_at,
        updated_at=config.updated_at,
    )


def _job_view(job: ScanJob) -> ScanJobView:
    mode = job.result_summary.get("mode")
    return ScanJobView(
        id=job.id,
        project_id=job.project_id,
        scan_config_id=job.scan_config_id,
        status=JobStatus(job.status),
        mode=None if mode is None else str(mode),
        progress_percent=job.progress_percent,
        progress_phase=job.progress_phase,
        result_summary=dict(job.result_summary),
        error_message=job.error_message,
        started_at=job.started_at,
        heartbeat_at=job.heartbeat_at,
        completed_at=job.completed_at,
        created_at=job.created_at,
        updated_at=job.updated_at,
    )
