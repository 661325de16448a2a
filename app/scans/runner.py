"""Running one claimed job: read the warehouse, sync the catalog, store counts, judge them (contract 5.3 and 5.6).

The warehouse is only read between transactions. A run may die at any point and be repeated: every step writes the same data again,
and the config's progress moves in the transaction that completes the job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.intervals import Interval, floor_to_bucket
from app.kernel.telemetry import JOB_RUNS
from app.metrics import service as metrics
from app.plan import service as plan
from app.plan.contracts import ObservedEvent, PlanIdentities
from app.plan.sync import MOST_CREATIONS_PER_PASS
from app.scans import repository, summaries
from app.scans.contracts import JobMode, JobStatus, ScanFailure
from app.scans.counting import CollectedCounts, collect
from app.scans.lifecycle import fail_job
from app.scans.progress import Interrupted, JobNoLongerOurs, JobProgress, Transaction
from app.scans.windows import ARRIVAL_OVERLAP, FIRST_RUN_INTERVALS, Window, chunk_width, chunks, collection_window
from app.warehouse import service as warehouses
from app.warehouse.contracts import Arrivals, TooManyRows, Warehouse

DEFAULT_METRICS_ROW_LIMIT = 100_000
# SQLite has one writer at a time; more rows would keep others waiting for longer than a few seconds.
ROWS_PER_TRANSACTION = 250_000
INTERNAL_ERROR = "Scan failed due to an internal error."
UNREACHABLE = "The data source could not be reached."

log = logging.getLogger("plumbline.scans")


class Evaluation(Protocol):
    """What detection reports after a run."""

    @property
    def anomaly_count(self) -> int:
        """Anomalies stored."""
        ...

    @property
    def signal_count(self) -> int:
        """Signals that are active now."""
        ...

    @property
    def unknown_count(self) -> int:
        """Series that could not be judged."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """What a run needs to know, read once when it starts."""

    job_id: str
    config_id: str
    project_id: str
    tenant_id: str
    is_builtin: bool
    mode: str | None
    interval: Interval
    chunk_width: timedelta | None
    row_limit: int
    collected_until: datetime | None
    received_until: datetime | None


@dataclass(frozen=True, slots=True)
class RunTools:
    """What a run works with; tests bring their own."""

    transaction: Transaction
    open_warehouse: Callable[[Run], Warehouse]
    evaluate: Callable[[Session, str, datetime, Window], Evaluation]
    clock: Clock


def _transaction(*, write: bool = True) -> AbstractContextManager[Session]:
    return session_scope(write=write)


def _open_warehouse(run: Run) -> Warehouse:
    if not run.is_builtin:
        raise ScanFailure("This kind of data source cannot be scanned.")
    return warehouses.open_builtin(run.tenant_id, run.project_id)


def _evaluate(session: Session, config_id: str, now: datetime, window: Window) -> Evaluation:
    from app.detection import service as detection  # imported when a run ends: detection reads scans

    return detection.evaluate_config(session, config_id, now, window=(window.start, window.stop))


DEFAULT_TOOLS = RunTools(_transaction, _open_warehouse, _evaluate, SYSTEM_CLOCK)


def run_job(
    job_id: str, holder: str, *, tools: RunTools = DEFAULT_TOOLS, should_stop: Callable[[], bool] = lambda: False
) -> JobStatus | None:
    """Run a job that the holder has claimed, to its end. Returns how it ended, None when it was no longer the holder's.

    Never raises for a failed run: the job's row says what went wrong, the log has the traceback.
    """
    progress = JobProgress(job_id, holder, tools.transaction, tools.clock, should_stop)
    status: JobStatus | None
    try:
        status = _run(progress, tools)
    except JobNoLongerOurs:
        log.info("scan job %s was cancelled or taken away", job_id)
        status = None
    except Interrupted:
        log.info("scan job %s goes back to the queue", job_id)
        status = _requeue(progress, tools)
    except ScanFailure as failure:
        log.warning("scan job %s failed: %s", job_id, failure)
        status = _fail(progress, tools, str(failure))
    except Unavailable:
        log.warning("scan job %s: the data source could not be reached", job_id, exc_info=True)
        status = _fail(progress, tools, UNREACHABLE)
    except Exception:
        log.exception("scan job %s failed", job_id)
        status = _fail(progress, tools, INTERNAL_ERROR)
    JOB_RUNS.labels(job="run_scan", result="stopped" if status is None else status.value).inc()
    return status


def _requeue(progress: JobProgress, tools: RunTools) -> JobStatus | None:
    try:
        with tools.transaction() as session:
            progress.requeue(session)
    except JobNoLongerOurs:
        return None
    return JobStatus.PENDING


def _fail(progress: JobProgress, tools: RunTools, message: str) -> JobStatus | None:
    with tools.transaction() as session:
        job = repository.claimed_job(session, progress.job_id, progress.holder)
        if job is not None and fail_job(session, job, message, tools.clock.now(), progress.summary):
            return JobStatus.FAILED
    return None


def _run(progress: JobProgress, tools: RunTools) -> JobStatus:
    with tools.transaction(write=False) as session:
        run = _load(session, progress)
    warehouse = tools.open_warehouse(run)
    if run.mode == JobMode.REPLAY:
        _replay(run, warehouse, progress, tools)
    else:
        _collect(run, warehouse, progress, tools)
    return JobStatus.COMPLETED


def _load(session: Session, progress: JobProgress) -> Run:
    found = repository.job_with_context(session, progress.job_id, progress.holder)
    if found is None:
        raise JobNoLongerOurs
    job, config, source, project = found
    progress.summary.update(job.result_summary)
    if config.event_type_id is None and not config.event_type_column:
        raise ScanFailure("The scan needs an event type or a column that names it.")
    if config.interval is None or not config.time_column:
        raise ScanFailure("The scan needs a time column and an interval.")
    mode = job.result_summary.get("mode")
    interval = Interval(config.interval)
    return Run(
        job_id=job.id,
        config_id=config.id,
        project_id=project.id,
        tenant_id=project.tenant_id,
        is_builtin=source.is_builtin,
        mode=None if mode is None else str(mode),
        interval=interval,
        chunk_width=chunk_width(interval, Interval(config.replay_chunk_interval) if config.replay_chunk_interval else None),
        row_limit=config.metrics_row_limit or DEFAULT_METRICS_ROW_LIMIT,
        collected_until=config.collected_until,
        received_until=config.received_until,
    )


def _collect(run: Run, warehouse: Warehouse, progress: JobProgress, tools: RunTools) -> None:
    now = tools.clock.now()
    progress.report(5, "Looking for late events")
    arrivals = warehouse.arrivals(None if run.received_until is None else run.received_until - ARRIVAL_OVERLAP)
    window = collection_window(
        now,
        run.interval,
        collected_until=run.collected_until,
        oldest_arrival=None if arrivals is None else arrivals.oldest_time,
    )
    identities = _sync_catalog(run, window, now, warehouse, progress, tools)
    # Pieces bound what one query returns; nothing is stored before all of them are counted.
    pieces = list(chunks(window, run.chunk_width or FIRST_RUN_INTERVALS * run.interval.duration))
    collected = []
    for index, piece in enumerate(pieces):
        progress.report(30 + 50 * index // len(pieces), f"Counting from {summaries.timestamp(piece.start)}")
        collected.append(_count(run, piece, warehouse, identities))
    progress.report(80, "Storing counts", summaries.collection_keys(window, *summaries.collection_totals(collected)))
    for batch in _batches(collected):
        with tools.transaction() as session:
            progress.confirm(session)
            for chunk in batch:
                _store(session, run.config_id, chunk)
    _judge(run, window, progress, tools)
    with tools.transaction() as session:
        progress.complete(session)
        _advance(session, run, window, arrivals)


def _sync_catalog(
    run: Run, window: Window, now: datetime, warehouse: Warehouse, progress: JobProgress, tools: RunTools
) -> PlanIdentities:
    progress.report(10, "Reading which events occur")
    # Names are taken up to this instant, so that an event is in the plan before its first bucket is complete.
    groups = warehouse.catalog(window.start, max(now, window.stop))
    progress.report(20, "Bringing the plan up to date")
    observed = [
        ObservedEvent(group.event_type, group.event_name, group.count, floor_to_bucket(group.last_at, run.interval))
        for group in groups
    ]
    with tools.transaction() as session:
        progress.confirm(session)
        result = plan.sync_observed_events(session, run.project_id, observed)
        identities = plan.plan_identities(session, run.project_id)
    progress.summary.update(summaries.catalog_keys(result, creation_limit=MOST_CREATIONS_PER_PASS))
    return identities


def _replay(run: Run, warehouse: Warehouse, progress: JobProgress, tools: RunTools) -> None:
    window = summaries.replay_window_of(progress.summary)
    pieces = list(chunks(window, run.chunk_width))
    # A replay that was interrupted continues with the first chunk it has not finished.
    done = min(int(str(progress.summary.get("replay_chunks_completed", 0))), len(pieces))
    with tools.transaction(write=False) as session:
        identities = plan.plan_identities(session, run.project_id)
    collected = []
    for index in range(done, len(pieces)):
        piece = pieces[index]
        state = summaries.replay_progress("counting", completed=index, total=len(pieces), current=piece)
        progress.report(90 * index // len(pieces), f"Counting from {summaries.timestamp(piece.start)}", state)
        chunk = _count(run, piece, warehouse, identities)
        with tools.transaction() as session:
            progress.confirm(session)
            _store(session, run.config_id, chunk)
        collected.append(CollectedCounts(chunk.window, [], chunk.coverage, chunk.last_seen))
        progress.summary["metric_rows"] = int(str(progress.summary.get("metric_rows", 0))) + len(chunk.rows)
    progress.report(90, "Counted", summaries.replay_progress("evaluating", completed=len(pieces), total=len(pieces)))
    _judge(run, window, progress, tools)
    progress.summary.update(summaries.replay_progress("completed", completed=len(pieces), total=len(pieces)))
    progress.summary.update({"event_count": summaries.collection_totals(collected)[0], "details": []})
    with tools.transaction() as session:
        progress.complete(session)


def _count(run: Run, piece: Window, warehouse: Warehouse, identities: PlanIdentities) -> CollectedCounts:
    try:
        counted = warehouse.count_buckets(piece.start, piece.stop, run.interval, row_limit=run.row_limit)
    except TooManyRows as excess:
        span = f"{summaries.timestamp(piece.start)} and {summaries.timestamp(piece.stop)}"
        raise ScanFailure(
            f"More than {excess.limit} metric rows between {span}. Raise metrics_row_limit of this scan or shorten its chunks."
        ) from None
    return collect(run.config_id, piece, run.interval, counted, identities)


def _batches(collected: Sequence[CollectedCounts]) -> Iterator[list[CollectedCounts]]:
    """The chunks in as few transactions as others can wait for; an ordinary run has one."""
    batch: list[CollectedCounts] = []
    row_count = 0
    for chunk in collected:
        if batch and row_count + len(chunk.rows) > ROWS_PER_TRANSACTION:
            yield batch
            batch, row_count = [], 0
        batch.append(chunk)
        row_count += len(chunk.rows)
    if batch:
        yield batch


def _store(session: Session, config_id: str, chunk: CollectedCounts) -> None:
    metrics.replace_window(session, config_id, chunk.window.start, chunk.window.stop, chunk.rows, chunk.coverage)
    plan.touch_last_seen(session, chunk.last_seen)


def _judge(run: Run, window: Window, progress: JobProgress, tools: RunTools) -> None:
    progress.report(90, "Looking for anomalies")
    with tools.transaction() as session:
        found = tools.evaluate(session, run.config_id, tools.clock.now(), window)
    progress.summary.update(summaries.evaluation_keys(found.anomaly_count, found.signal_count, found.unknown_count))


def _advance(session: Session, run: Run, window: Window, arrivals: Arrivals | None) -> None:
    config = repository.lock_config(session, run.config_id)
    if config is None:
        raise JobNoLongerOurs
    config.collected_until = max(window.stop, config.collected_until or window.stop)
    if arrivals is not None:
        config.received_until = max(arrivals.received_until, config.received_until or arrivals.received_until)
    config.consecutive_failures = 0
    config.next_attempt_at = None
