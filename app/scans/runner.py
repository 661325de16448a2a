"""Running one claimed job: read the warehouse, sync the catalog, store counts, judge them (contract 5.3 and 5.6).

The warehouse is only read between transactions. A run may die at any point and be repeated: every step writes the same data again,
and the config's progress moves in the transaction that completes the job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlmodel import Session

from app.kernel.intervals import Interval
from app.kernel.settings import get_settings
from app.kernel.telemetry import JOB_RUNS
from app.plan import service as plan
from app.plan.contracts import ScanTarget
from app.scans.builtin import is_rollup_config
from app.scans.catalog import PlanSide
from app.scans.collection import collect_metrics, replay_metrics, scan_catalog
from app.scans.contracts import JobMode, JobStatus, ScanFailure
from app.scans.drafts import draft_of
from app.scans.failures import INTERNAL_ERROR, curated
from app.scans.grouping_run import apply_groups
from app.scans.lifecycle import fail_job, under_way
from app.scans.progress import Interrupted, JobNoLongerOurs, JobProgress
from app.scans.readers import Reader, RollupReader
from app.scans.repository import jobs
from app.scans.runs import DEFAULT_TOOLS, Run, RunTools
from app.scans.sources.service import source_connection
from app.scans.sql_reader import SqlReader
from app.scans.windows import chunk_width

log = logging.getLogger("plumbline.scans")


def run_job(
    job_id: str, holder: str, *, tools: RunTools = DEFAULT_TOOLS, should_stop: Callable[[], bool] = lambda: False
) -> JobStatus | None:
    """Run a job that the holder has claimed, to its end. Returns how it ended, None when it was no longer the holder's.

    Never raises for a failed run: the job's row says what went wrong, the log has the traceback.
    """
    under_way.add(job_id)
    try:
        status = _ended(JobProgress(job_id, holder, tools.transaction, tools.clock, should_stop), tools)
    finally:
        under_way.discard(job_id)
    JOB_RUNS.labels(job="run_scan", result="stopped" if status is None else status.value).inc()
    return status


def _ended(progress: JobProgress, tools: RunTools) -> JobStatus | None:
    job_id = progress.job_id
    try:
        return _run(progress, tools)
    except JobNoLongerOurs:
        log.info("scan job %s was cancelled or taken away", job_id)
        return None
    except Interrupted:
        log.info("scan job %s goes back to the queue", job_id)
        return _requeue(progress, tools)
    except Exception as error:
        sentence = curated(error)
        if sentence is None:
            log.exception("scan job %s failed", job_id)
        else:
            log.warning("scan job %s failed: %s", job_id, sentence)
        return _fail(progress, tools, sentence or INTERNAL_ERROR)


def _requeue(progress: JobProgress, tools: RunTools) -> JobStatus | None:
    try:
        with tools.transaction() as session:
            progress.requeue(session)
    except JobNoLongerOurs:
        return None
    return JobStatus.PENDING


def _fail(progress: JobProgress, tools: RunTools, message: str) -> JobStatus | None:
    with tools.transaction() as session:
        job = jobs.claimed_job(session, progress.job_id, progress.holder)
        if job is not None and fail_job(session, job, message, tools.clock.now(), progress.summary):
            return JobStatus.FAILED
    return None


def _run(progress: JobProgress, tools: RunTools) -> JobStatus:
    with tools.transaction(write=False) as session:
        run, side = _load(session, progress)
    if run.mode == JobMode.GROUPING:
        apply_groups(run, progress, tools)
        return JobStatus.COMPLETED
    reader = _open(run, side, tools)
    try:
        if run.mode == JobMode.REPLAY:
            replay_metrics(run, reader, progress, tools)
        elif run.interval is None:
            scan_catalog(run, reader, progress, tools)
        else:
            collect_metrics(run, reader, progress, tools)
    finally:
        reader.close()
    return JobStatus.COMPLETED


def _load(session: Session, progress: JobProgress) -> tuple[Run, PlanSide]:
    found = jobs.job_with_context(session, progress.job_id, progress.holder)
    if found is None:
        raise JobNoLongerOurs
    job, config, source, project = found
    progress.summary.update(job.result_summary)
    if config.event_type_id is None and not config.event_type_column:
        raise ScanFailure("The scan needs an event type or a column that names it.")
    mode = job.result_summary.get("mode")
    is_schedulable = config.interval is not None and bool(config.time_column)
    interval = Interval(config.interval) if config.interval and is_schedulable else None
    if interval is None and mode in (JobMode.REPLAY, JobMode.COLLECTION):
        raise ScanFailure("The scan needs a time column and an interval.")
    targets = plan.scan_targets(session, project.id)
    side = PlanSide(targets, _fixed_event_type(targets, config.event_type_id), creates_event_types=mode == JobMode.COLLECTION)
    chunk = Interval(config.replay_chunk_interval) if config.replay_chunk_interval else None
    run = Run(
        job_id=job.id,
        config_id=config.id,
        project_id=project.id,
        tenant_id=project.tenant_id,
        is_rollup=source.is_builtin and is_rollup_config(config),
        connection=source_connection(session, source.id, tenant_id=project.tenant_id, project_id=project.id),
        mode=None if mode is None else str(mode),
        config=draft_of(config),
        naming=dict(config.naming),
        interval=interval,
        chunk_width=None if interval is None else chunk_width(interval, chunk),
        scan_row_limit=config.scan_row_limit or get_settings().scans.scan_row_limit_default,
        row_limit=config.metrics_row_limit or get_settings().scans.metrics_row_limit_default,
        collected_until=config.collected_until,
        received_until=config.received_until,
    )
    return run, side


def _fixed_event_type(targets: dict[str, ScanTarget], event_type_id: str | None) -> str | None:
    if event_type_id is None:
        return None
    name = next((name for name, target in targets.items() if target.id == event_type_id), None)
    if name is None:
        raise ScanFailure("The event type of this scan is not on the main branch any more.")
    return name


def _open(run: Run, side: PlanSide, tools: RunTools) -> Reader:
    if run.is_rollup:
        assert run.interval is not None
        return RollupReader(run, tools.open_warehouse(run), run.interval, side.targets)
    warehouse = tools.open_sql(run.connection)
    try:
        return SqlReader.open(run, warehouse, side)
    except BaseException:
        warehouse.close()
        raise
