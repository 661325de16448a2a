"""The three kinds of reading runs: catalog only, collection, replay (contract 4.3, 5.3, 5.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics import service as metrics
from app.metrics.recording import replace_breakdowns
from app.plan import service as plan
from app.reconciliation import ledger_service as ledger
from app.reconciliation import service as reconciliation
from app.scans import summaries
from app.scans.contracts import SECOND_LOOK_KEYS, JobStatus
from app.scans.counting import CollectedCounts
from app.scans.progress import JobNoLongerOurs, JobProgress
from app.scans.readers import Reader
from app.scans.repository import configs, jobs
from app.scans.runs import Run, RunTools
from app.scans.windows import ARRIVAL_OVERLAP, FIRST_RUN_INTERVALS, Window, chunks, collection_window, second_look
from app.warehouse.contracts import Arrivals
from models.scans import ScanConfig

HOUR = Interval.HOUR.duration
# SQLite has one writer at a time; more rows would keep others waiting for longer than a few seconds.
ROWS_PER_TRANSACTION = 250_000


def scan_catalog(run: Run, reader: Reader, progress: JobProgress, tools: RunTools) -> None:
    """Bring the plan in step with everything the query returns, or with its look-back; nothing is counted."""
    _sync(reader, None, tools.clock.now(), progress, tools)
    with tools.transaction() as session:
        progress.complete(session)
        config = configs.lock_config(session, run.config_id)
        if config is not None:
            _recover(config)


def collect_metrics(run: Run, reader: Reader, progress: JobProgress, tools: RunTools) -> None:
    """Sync the catalog and store the counts of the buckets that became complete; nothing is stored before all are counted."""
    assert run.interval is not None
    now = tools.clock.now()
    progress.report(5, "Looking for late events")
    arrivals = reader.arrivals(None if run.received_until is None else run.received_until - ARRIVAL_OVERLAP)
    window = collection_window(
        now,
        run.interval,
        collected_until=run.collected_until,
        oldest_arrival=None if arrivals is None else arrivals.oldest_time,
    )
    if not reader.tells_arrivals:
        window = _look_again(run, window, now, progress, tools)
    _sync(reader, window, now, progress, tools)
    with tools.transaction(write=False) as session:
        reader.prepare_counting(session, window)
    # Pieces bound what one query returns.
    pieces = list(chunks(window, run.chunk_width or FIRST_RUN_INTERVALS * run.interval.duration))
    collected = []
    for index, piece in enumerate(pieces):
        progress.report(30 + 50 * index // len(pieces), f"Counting from {summaries.timestamp(piece.start)}")
        collected.append(reader.count(piece))
    progress.report(80, "Storing counts", summaries.collection_keys(window, collected))
    for batch in _batches(collected):
        with tools.transaction() as session:
            progress.confirm(session)
            for chunk in batch:
                _store(session, run.config_id, chunk)
    _judge(run, window, progress, tools)
    with tools.transaction() as session:
        _note_shadows(session, run, progress, collected, now)
        progress.complete(session)
        _advance(session, run, window, arrivals, leaves_types_out=reader.leaves_types_out)


def replay_metrics(run: Run, reader: Reader, progress: JobProgress, tools: RunTools) -> None:
    """Count a past range again, chunk by chunk; it creates no events and no variables."""
    window = summaries.replay_window_of(progress.summary)
    pieces = list(chunks(window, run.chunk_width))
    # A replay that was interrupted continues with the first chunk it has not finished.
    done = min(int(str(progress.summary.get("replay_chunks_completed", 0))), len(pieces))
    with tools.transaction(write=False) as session:
        reader.prepare_counting(session, window)
    collected = []
    for index in range(done, len(pieces)):
        piece = pieces[index]
        state = summaries.replay_progress("counting", completed=index, total=len(pieces), current=piece)
        progress.report(90 * index // len(pieces), f"Counting from {summaries.timestamp(piece.start)}", state)
        chunk = reader.count(piece)
        with tools.transaction() as session:
            progress.confirm(session)
            _store(session, run.config_id, chunk)
        collected.append(CollectedCounts(chunk.window, [], chunk.coverage, chunk.last_seen, unmatched=chunk.unmatched))
        for key, added in summaries.stored_rows(chunk).items():
            progress.summary[key] = int(str(progress.summary.get(key, 0))) + added
    progress.report(90, "Counted", summaries.replay_progress("evaluating", completed=len(pieces), total=len(pieces)))
    _judge(run, window, progress, tools)
    progress.summary.update(summaries.replay_progress("completed", completed=len(pieces), total=len(pieces)))
    details = summaries.resumed_sentences(progress.summary)
    progress.summary.update({"event_count": summaries.collection_totals(collected)[0], "details": details})
    with tools.transaction() as session:
        _note_shadows(session, run, progress, collected, tools.clock.now())
        progress.complete(session)


def _look_again(run: Run, window: Window, now: datetime, progress: JobProgress, tools: RunTools) -> Window:
    """The window with what was counted too soon after an outage; what this run counts too soon is left to the next."""
    assert run.interval is not None
    with tools.transaction(write=False) as session:
        ended, completed = jobs.last_collections(session, run.config_id, run.job_id)
        settling = ledger.settling_of(session, run.project_id)
    if run.interval is Interval.HOUR and run.collected_until is not None:
        # The ledger compares an hour once its warehouse had its time: by then it must have been looked at.
        unsettled = floor_to_bucket(run.collected_until - settling - HOUR, run.interval) + HOUR
        window = Window(min(window.start, unsettled), window.stop)
    known = None if completed is None else summaries.second_look_of(completed.result_summary)
    has_failed = ended is not None and ended.status == JobStatus.FAILED
    if known is not None:
        window = Window(min(window.start, known.start), window.stop)
    left = second_look(now, run.interval, window, has_failed=has_failed, known=known)
    for key in SECOND_LOOK_KEYS:  # of this run before it went back to the queue
        progress.summary.pop(key, None)
    progress.summary.update(summaries.second_look_keys(left))
    return window


def _sync(reader: Reader, window: Window | None, now: datetime, progress: JobProgress, tools: RunTools) -> None:
    progress.report(10, "Reading which events occur")
    reader.look(window, now)
    progress.report(20, "Bringing the plan up to date")
    with tools.transaction() as session:
        progress.confirm(session)
        keys = reader.sync(session, now)
    progress.summary.update(keys)


def _batches(collected: Sequence[CollectedCounts]) -> Iterator[list[CollectedCounts]]:
    """The chunks in as few transactions as others can wait for; an ordinary run has one."""
    batch: list[CollectedCounts] = []
    row_count = 0
    for chunk in collected:
        rows = sum(summaries.stored_rows(chunk).values())
        if batch and row_count + rows > ROWS_PER_TRANSACTION:
            yield batch
            batch, row_count = [], 0
        batch.append(chunk)
        row_count += rows
    if batch:
        yield batch


def _store(session: Session, config_id: str, chunk: CollectedCounts) -> None:
    start, stop = chunk.window.start, chunk.window.stop
    metrics.replace_window(session, config_id, start, stop, chunk.rows, chunk.coverage)
    replace_breakdowns(session, config_id, start, stop, chunk.breakdowns, chunk.distributions)
    plan.touch_last_seen(session, chunk.last_seen)


def _judge(run: Run, window: Window, progress: JobProgress, tools: RunTools) -> None:
    progress.report(90, "Looking for anomalies")
    with tools.transaction(write=False) as session:
        store = tools.evaluate(session, run.config_id, tools.clock.now(), window)
    with tools.transaction() as session:
        progress.confirm(session)  # judging takes a while, and what a later run stored meanwhile must stand
        found = store(session)
    progress.summary.update(summaries.evaluation_keys(found.anomaly_count, found.signal_count, found.unknown_count))


def _note_shadows(session: Session, run: Run, progress: JobProgress, collected: Sequence[CollectedCounts], now: datetime) -> None:
    """What the whole window holds beyond the plan becomes shadow candidates (contract 9)."""
    unmatched = [one for chunk in collected for one in chunk.unmatched]
    found = reconciliation.record_shadow_events(session, run.project_id, run.config_id, unmatched, now)
    progress.summary["shadow_events"] = found


def _advance(session: Session, run: Run, window: Window, arrivals: Arrivals | None, *, leaves_types_out: bool) -> None:
    config = configs.lock_config(session, run.config_id)
    if config is None:
        raise JobNoLongerOurs
    if leaves_types_out:
        # A later run will know these types, and then begins where this one did: otherwise their buckets were never counted.
        assert run.interval is not None
        config.collected_until = config.collected_until or window.start + run.interval.duration
    else:
        config.collected_until = max(window.stop, config.collected_until or window.stop)
        if arrivals is not None:
            config.received_until = max(arrivals.received_until, config.received_until or arrivals.received_until)
    _recover(config)


def _recover(config: ScanConfig) -> None:
    """A run that succeeded ends the config's rest after failures."""
    config.consecutive_failures = 0
    config.next_attempt_at = None
