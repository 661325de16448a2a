"""The life of a job's row: made, claimed, kept alive, ended, reaped. Every change is a compare-and-set on its status."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from sqlmodel import Session

from app.kernel.errors import Conflict
from app.kernel.intervals import Interval
from app.scans.contracts import JobMode, JobStatus
from app.scans.leases import live_workers
from app.scans.repository import configs, jobs, looks
from app.scans.windows import rest_after_failures
from models.scans import ScanConfig, ScanJob

LONGEST_SILENCE = timedelta(minutes=75)
SILENT_MESSAGE = "The scan showed no sign of life for 75 minutes and was stopped."
ABANDONED_MESSAGE = "The process that ran this scan ended before it was done."
ONE_AT_A_TIME = "A job of this scan is already pending or running"
ABANDONED_LOOK_MESSAGE = "The process that read the data source ended before it was done."
LOOKS_KEPT = timedelta(days=1)
# Jobs that threads of this process are running.
under_way: set[str] = set()


def create_job(
    session: Session, config: ScanConfig, *, requested_by: str | None, summary: Mapping[str, object], now: datetime
) -> ScanJob:
    """Queue a run of the config, at most one at a time; a live job that fell silent is failed and replaced. Errors: Conflict."""
    live = jobs.live_job(session, config.id)
    if live is not None:
        if not _is_silent(live, now):
            raise Conflict(ONE_AT_A_TIME)
        fail_job(session, live, SILENT_MESSAGE, now)
    # After the job, in the order of every run: the other way round the two could wait for each other.
    configs.lock_config(session, config.id)
    if jobs.live_job(session, config.id) is not None:
        raise Conflict(ONE_AT_A_TIME)
    job = ScanJob(
        project_id=config.project_id,
        scan_config_id=config.id,
        status=JobStatus.PENDING.value,
        requested_by=requested_by,
        result_summary=dict(summary),
        progress_phase="Waiting to start",
        created_at=now,
    )
    session.add(job)
    session.flush()
    return job


def create_due_jobs(session: Session, now: datetime) -> list[str]:
    """Queue a collection for every config that is due; ids of the jobs (contract 5.1)."""
    summary = {"mode": JobMode.COLLECTION.value}
    created = []
    for config in configs.due_configs(session, now):
        with suppress(Conflict):  # somebody was faster; the others are due all the same
            created.append(create_job(session, config, requested_by=None, summary=summary, now=now).id)
    return created


def note_alerts(session: Session, project_id: str, job_id: str, queued: int) -> None:
    """Complete the summary of a collection with the alerts it led to: rules are asked only after it has ended (contract 5.3)."""
    job = jobs.find_job(session, project_id, job_id)
    if job is not None:
        job.result_summary = {**(job.result_summary or {}), "alerts_queued": queued}
        session.add(job)


def has_pending_jobs(session: Session) -> bool:
    """Whether a job waits to be claimed; a cheap look without writing."""
    return bool(jobs.oldest_pending(session, 1))


def claim_next_job(session: Session, holder: str, now: datetime, *, except_for: Collection[str] = ()) -> str | None:
    """Make the oldest waiting job the holder's; None when there is none. No two holders get the same job.

    A job that went back to the queue while this process still runs it is left to others: claimed by the same holder, it would look
    to that run as if still its own. `except_for` are those that the caller has claimed and not begun.
    """
    own = under_way.union(except_for)
    for job_id in jobs.oldest_pending(session, 10 + len(own)):
        if job_id not in own and jobs.claim_job(session, job_id, holder, now):
            return job_id
    return None


def fail_job(session: Session, job: ScanJob, message: str, now: datetime, summary: Mapping[str, object] | None = None) -> bool:
    """End a live job as failed, with a message its owner may read; False when somebody else ended it meanwhile.

    Failed collections count towards the config's rest; replays do not, they say nothing about the next collection.
    """
    changed = jobs.change_job(
        session,
        job.id,
        JobStatus(job.status),
        job.claimed_by,
        status=JobStatus.FAILED.value,
        error_message=message[:1000],
        completed_at=now,
        **({"result_summary": dict(summary)} if summary is not None else {}),
    )
    if changed and job.result_summary.get("mode") != JobMode.REPLAY:
        config = configs.lock_config(session, job.scan_config_id)
        if config is not None and config.interval is not None:
            config.consecutive_failures += 1
            rest = rest_after_failures(Interval(config.interval), config.consecutive_failures)
            config.next_attempt_at = None if rest is None else now + rest
            session.flush()
    return changed


def reap_jobs(session: Session, now: datetime) -> list[str]:
    """Fail jobs that are silent for 75 minutes, and running ones whose worker is gone, at once; ids of the failed.

    Looks of dead workers fail too, and those nobody needs any more are deleted.
    """
    workers = live_workers(session, now)
    reaped = []
    for live in jobs.live_jobs(session):
        if not _is_abandoned(live, workers) and not _is_silent(live, now):
            continue
        # A run that is just writing holds its job, possibly for long: whoever waited here would hold the scheduler's lease.
        job = jobs.lock_job_if_free(session, live.id)
        if job is None or not JobStatus(job.status).is_live:
            continue
        is_abandoned = _is_abandoned(job, workers)
        if (is_abandoned or _is_silent(job, now)) and fail_job(
            session, job, ABANDONED_MESSAGE if is_abandoned else SILENT_MESSAGE, now
        ):
            reaped.append(job.id)
    looks.fail_abandoned_looks(session, workers, ABANDONED_LOOK_MESSAGE, now)
    looks.delete_old_looks(session, now - LOOKS_KEPT)
    return reaped


def _is_abandoned(job: ScanJob, workers: set[str]) -> bool:
    return job.status == JobStatus.RUNNING and job.claimed_by not in workers


def _is_silent(job: ScanJob, now: datetime) -> bool:
    return (job.heartbeat_at or job.started_at or job.created_at) < now - LONGEST_SILENCE
