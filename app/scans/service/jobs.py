"""Runs: asked for, watched and cancelled."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK, as_utc
from app.kernel.errors import BadRequest, Conflict, Forbidden, NotFound
from app.kernel.intervals import Interval
from app.kernel.pagination import Page
from app.plan import service as plan
from app.projects import service as projects
from app.scans.contracts import JobMode, JobStatus, ScanJobView
from app.scans.drafts import draft_of
from app.scans.lifecycle import create_job
from app.scans.repository import jobs
from app.scans.service.configs import find_config
from app.scans.service.views import job_view
from app.scans.summaries import replay_start, resumed
from app.scans.windows import chunk_width, chunks, replay_window
from models.scans import ScanConfig, ScanJob

LARGEST_JOB_PAGE = 200
RESUMED_WITHIN = timedelta(hours=1)


def request_run(session: Session, actor: Actor, slug: str, scan_config_id: str, *, now: datetime | None = None) -> ScanJobView:
    """Queue a run at once: catalog sync, and collection when the config is schedulable.

    Errors: NotFound, Forbidden below editor, Conflict while a job of the config is live.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    config, _ = find_config(session, project.id, scan_config_id)
    job = create_job(session, config, requested_by=actor.user_id, summary={}, now=now or SYSTEM_CLOCK.now())
    identity.record_audit(session, actor, "scan.run", "scan_config", config.id, project_slug=slug, payload={"job_id": job.id})
    return job_view(job)


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

    The same replay goes on after the chunks that were finished when it was cancelled or failed, at most an hour ago; of these
    nothing is counted again, so what came late there is found by a further replay.
    Errors: NotFound, Forbidden below owner, InvalidInput for an empty range, BadRequest for a config without time column or
    interval and for a range that reaches into the incomplete bucket, Conflict while a job of the config is live.
    """
    # The one operation of owners that their write keys may call: backfills run from scripts.
    actor.require_write()
    if actor.role is not UserRole.OWNER:
        raise Forbidden("Owner role required")
    now = now or SYSTEM_CLOCK.now()
    project = projects.get_project(session, actor, slug)
    config, _ = find_config(session, project.id, scan_config_id)
    if config.interval is None or not config.time_column:
        raise BadRequest("This scan has no time column and interval, so it has no metrics to replay")
    interval = Interval(config.interval)
    window = replay_window(as_utc(time_from), as_utc(time_to), interval, now)
    chunk = Interval(config.replay_chunk_interval) if config.replay_chunk_interval else None
    pieces = sum(1 for _ in chunks(window, chunk_width(interval, chunk)))
    summary = replay_start(window, chunk, pieces, _counts_by(session, config))
    before = jobs.page_of_jobs(session, project.id, config_id=config.id, limit=1, offset=0)[0]
    if before and _may_resume(before[0], now):
        summary = resumed(summary, before[0].result_summary)
    job = create_job(session, config, requested_by=actor.user_id, summary=summary, now=now)
    payload = {"job_id": job.id, "time_from": window.start.isoformat(), "time_to": window.stop.isoformat()}
    identity.record_audit(session, actor, "scan.replay", "scan_config", config.id, project_slug=slug, payload=payload)
    return job_view(job)


def request_grouping(session: Session, actor: Actor, slug: str, scan_config_id: str, *, now: datetime | None = None) -> ScanJobView:
    """Queue the merge of existing events by the config's group rules (contract 4.7).

    Errors: NotFound, Forbidden below owner, BadRequest for a config without rules, Conflict while a job of the config is live.
    """
    actor.require_owner()
    project = projects.get_project(session, actor, slug)
    config, _ = find_config(session, project.id, scan_config_id)
    if not config.event_group_rules:
        raise BadRequest("This scan has no event group rules")
    summary = {"mode": JobMode.GROUPING.value, "event_group_rules": len(config.event_group_rules)}
    job = create_job(session, config, requested_by=actor.user_id, summary=summary, now=now or SYSTEM_CLOCK.now())
    identity.record_audit(session, actor, "scan.group", "scan_config", config.id, project_slug=slug, payload={"job_id": job.id})
    return job_view(job)


def cancel_job(
    session: Session, actor: Actor, slug: str, job_id: str, *, scan_config_id: str | None = None, now: datetime | None = None
) -> ScanJobView:
    """Cancel a live job; its worker stops before it writes again.

    Errors: NotFound, Forbidden below editor, Conflict when it has ended already.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    job = _job(session, project.id, job_id, scan_config_id)
    status = JobStatus(job.status)
    moment = now or SYSTEM_CLOCK.now()
    if not status.is_live or not jobs.change_job(
        session, job.id, status, None, status=JobStatus.CANCELLED.value, completed_at=moment
    ):
        raise Conflict("Only a pending or running job can be cancelled")
    identity.record_audit(session, actor, "scan.cancel", "scan_job", job.id, project_slug=slug)
    return job_view(_job(session, project.id, job_id, None))


def get_job(session: Session, actor: Actor, slug: str, job_id: str, *, scan_config_id: str | None = None) -> ScanJobView:
    """One job of the project, of the one scan when it is named. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return job_view(_job(session, project.id, job_id, scan_config_id))


def list_jobs(
    session: Session, actor: Actor, slug: str, scan_config_id: str | None = None, *, limit: int = 50, offset: int = 0
) -> Page[ScanJobView]:
    """Jobs of the project, or of one scan, newest first; `limit` is taken as at most 200. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    if scan_config_id is not None:
        find_config(session, project.id, scan_config_id)
    limit, offset = max(1, min(limit, LARGEST_JOB_PAGE)), max(0, offset)
    rows, total = jobs.page_of_jobs(session, project.id, config_id=scan_config_id, limit=limit, offset=offset)
    return Page([job_view(job) for job in rows], total, limit, offset)


def _may_resume(job: ScanJob, now: datetime) -> bool:
    """Whether chunks of this job, the scan's newest, are still good: later what was counted could have changed again."""
    is_broken_off = job.status in (JobStatus.CANCELLED, JobStatus.FAILED)
    return is_broken_off and job.completed_at is not None and job.completed_at > now - RESUMED_WITHIN


def _counts_by(session: Session, config: ScanConfig) -> str:
    """A short name for what the config counts by: itself without its limits, and the plan, which may gain an event in between."""
    drafted = replace(draft_of(config), name="", metrics_row_limit=None)
    known = plan.plan_identities(session, config.project_id)
    fields = {name: sorted(one.name for one in of.fields) for name, of in plan.scan_targets(session, config.project_id).items()}
    columns = plan.own_breakdown_columns(session, config.project_id)
    counted = [config.data_source_id, asdict(drafted), config.naming, sorted(known.events.items()), fields, columns]
    text = json.dumps(counted, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _job(session: Session, project_id: str, job_id: str, scan_config_id: str | None) -> ScanJob:
    if scan_config_id is not None:
        find_config(session, project_id, scan_config_id)
    job = jobs.find_job(session, project_id, job_id)
    if job is None or (scan_config_id is not None and job.scan_config_id != scan_config_id):
        raise NotFound("Job not found")
    return job
