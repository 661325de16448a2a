"""Evaluating a scan: load its series, judge them, make the stored anomalies of the window what was found (contract 6.2 to 6.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.detection import repository, signals, tuning_repository
from app.detection.contracts import DetectionSettings, EvaluationResult, Outcome
from app.detection.detectors import USUAL, ScopeRules, judge_series
from app.detection.engine.baseline import history_needed
from app.detection.engine.episodes import Episode, episodes
from app.detection.engine.judging import Verdicts
from app.detection.engine.matrix import CountMatrix
from app.detection.judgements import judgement_at
from app.detection.repository import WatchedScan
from app.kernel.intervals import ceil_to_bucket, floor_to_bucket
from app.kernel.telemetry import ANOMALIES_DETECTED
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from models.detection import Anomaly

TRAILING_BUCKETS = 30
FIRST_EVALUATION = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Judged:
    """What an evaluation found in [start, stop), not stored yet. `outcomes` is None when the newest bucket was not judged."""

    scan: WatchedScan
    start: datetime
    stop: datetime
    found: dict[tuple[SeriesKey, datetime], Anomaly]
    outcomes: list[dict[str, object]] | None
    now: datetime


def judge_scan(
    session: Session,
    scan: WatchedScan,
    settings: DetectionSettings,
    now: datetime,
    window: tuple[datetime, datetime] | None,
) -> Judged | None:
    """Judge the scan's series from the window's start, at least the 30 newest buckets; the first time the last 60 days.

    Only reads, so that nobody waits for the numbers. None without a collected bucket.
    """
    span = repository.covered_span(session, scan.id)
    if span is None:
        return None
    start, stop = _evaluated_range(session, scan, settings, span, window)
    reaches_newest = stop > span[1]
    judged = Judged(scan, start, stop, {}, [] if reaches_newest else None, now)
    load_from = start - history_needed(scan.interval, settings) * scan.interval.duration
    rules = tuning_repository.rules_of_scan(session, scan.id)
    for block in metrics.count_blocks(session, scan.id, judged_keys(session, scan, settings), load_from, stop):
        matrix = CountMatrix(scan.interval, block.first_index, block.counts.T)
        verdicts = judge_series(matrix, block.keys, settings, rules)
        judged.found.update(_found(scan, block.keys, matrix, verdicts, settings, start, stop))
        if judged.outcomes is not None:
            judged.outcomes.extend(_outcomes(scan, block.keys, matrix, verdicts, settings, rules, now))
    return judged


def store(session: Session, judged: Judged) -> EvaluationResult:
    """Make the stored anomalies of the window what was found, and note how each series stands."""
    scan = judged.scan
    stored = _store(session, scan, judged.start, judged.stop, judged.found)
    outcomes = judged.outcomes
    if outcomes is not None:
        repository.replace_evaluations(session, scan.id, outcomes)
    return EvaluationResult(
        anomaly_count=stored,
        signal_count=sum(
            not signal.expected_because for signal in signals.active(session, scan.project_id, judged.now, scan_config_id=scan.id)
        ),
        unknown_count=sum(row["outcome"] == Outcome.UNKNOWN.value for row in outcomes or ()),
    )


def _evaluated_range(
    session: Session,
    scan: WatchedScan,
    settings: DetectionSettings,
    span: tuple[datetime, datetime],
    window: tuple[datetime, datetime] | None,
) -> tuple[datetime, datetime]:
    oldest, newest = span
    width = scan.interval.duration
    start = stop = end = newest + width
    if window is not None:
        # Counts that changed are history of what follows, so everything they reach is judged again.
        reach = ceil_to_bucket(window[1], scan.interval) + history_needed(scan.interval, settings) * width
        start, stop = floor_to_bucket(window[0], scan.interval), min(end, reach)
    start = min(start, stop - TRAILING_BUCKETS * width)
    if stop == end and not repository.is_evaluated(session, scan.id):
        start = min(start, floor_to_bucket(newest - FIRST_EVALUATION, scan.interval))
    return max(start, oldest), stop


def judged_keys(session: Session, scan: WatchedScan, settings: DetectionSettings) -> list[SeriesKey]:
    """The series to judge: what the settings ask for of all that was ever counted and is not archived."""
    switched_on = {ScopeType.EVENT_TYPE: settings.detect_event_types, ScopeType.EVENT: settings.detect_events}
    names = repository.scope_names(session, scan.project_id)
    keys = [SeriesKey(scan.id, scope_type, ref) for scope_type, ref in sorted(names) if switched_on[scope_type]]
    if settings.detect_project_total:
        keys.insert(0, SeriesKey(scan.id, ScopeType.PROJECT_TOTAL, scan.id))
    return metrics.counted_keys(session, scan.id, keys)


def _found(
    scan: WatchedScan,
    keys: list[SeriesKey],
    matrix: CountMatrix,
    verdicts: Verdicts,
    settings: DetectionSettings,
    start: datetime,
    stop: datetime,
) -> dict[tuple[SeriesKey, datetime], Anomaly]:
    found = {}
    for episode in episodes(matrix, verdicts):
        if matrix.bucket(episode.last_row) < start or matrix.bucket(episode.row) >= stop:
            continue
        key = keys[episode.column]
        found[(key, matrix.bucket(episode.row))] = _anomaly(scan, key, matrix, verdicts, settings, episode)
    return found


def _anomaly(
    scan: WatchedScan,
    key: SeriesKey,
    matrix: CountMatrix,
    verdicts: Verdicts,
    settings: DetectionSettings,
    episode: Episode,
) -> Anomaly:
    judgement = judgement_at(matrix, verdicts, episode.row, episode.column, settings)
    assert judgement.direction is not None and judgement.actual is not None
    assert judgement.expected is not None and judgement.spread is not None and judgement.score is not None
    return Anomaly(
        project_id=scan.project_id,
        scan_config_id=scan.id,
        scope_type=key.scope_type.value,
        scope_ref=key.ref,
        bucket=judgement.bucket,
        last_bucket=matrix.bucket(episode.last_row),
        bucket_seconds=scan.interval.seconds,
        direction=judgement.direction.value,
        actual_count=judgement.actual,
        expected_count=judgement.expected,
        stddev=judgement.spread,
        z_score=judgement.score,
    )


def _store(
    session: Session, scan: WatchedScan, start: datetime, stop: datetime, found: dict[tuple[SeriesKey, datetime], Anomaly]
) -> int:
    """Make the anomalies that touch [start, stop) those found; one found again keeps its row and id. Returns how many stand."""
    # An outage that grew was stored with an end before the window.
    earliest = min([start, *(bucket for _, bucket in found)])
    stale = []
    again = set()
    for row in repository.anomalies_in(session, scan.id, earliest, stop):
        fresh = found.get(repository.key_of(row))
        if fresh is None:
            if row.last_bucket >= start:
                stale.append(row.id)
            continue
        again.add(repository.key_of(row))
        for name in ("last_bucket", "direction", "actual_count", "expected_count", "stddev", "z_score"):
            setattr(row, name, getattr(fresh, name))
    fresh_rows = [anomaly for key, anomaly in found.items() if key not in again]
    repository.write_anomalies(session, fresh_rows, stale)
    ANOMALIES_DETECTED.inc(len(fresh_rows))
    return len(found)


def _outcomes(
    scan: WatchedScan,
    keys: list[SeriesKey],
    matrix: CountMatrix,
    verdicts: Verdicts,
    settings: DetectionSettings,
    rules: dict[SeriesKey, ScopeRules],
    now: datetime,
) -> list[dict[str, object]]:
    """How the newest bucket of each series ended."""
    newest = matrix.bucket_count - 1
    rows: list[dict[str, object]] = []
    for column, key in enumerate(keys):
        own = rules.get(key, USUAL).apply(settings)
        judgement = judgement_at(matrix, verdicts, newest, column, own)
        rows.append(
            {
                "scan_config_id": scan.id,
                "scope_type": key.scope_type.value,
                "scope_ref": key.ref,
                "outcome": judgement.outcome.value,
                "reason": judgement.reason,
                "bucket": judgement.bucket,
                "evaluated_at": now,
            }
        )
    return rows
