"""Running bake-offs: claimed by one worker, told about in short transactions, ended by whoever cancels them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.detection import bakeoff_repository as rows
from app.detection import comparison, repository, service
from app.detection.bakeoff import BakeoffStatus
from app.detection.comparison import Contestant, DepartureKind, DetectorScore
from app.detection.contracts import DetectionSettings
from app.detection.engine.matrix import CountMatrix, matrix_of
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.telemetry import JOB_RUNS
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.scans.service import DEFAULT_TOOLS, Transaction
from models.detection import Bakeoff

MOST_BUCKETS = 2_000
MOST_SHOWN_BUCKETS = 720
# Longer than loading and compiling the adaptive engine takes on a slow machine, which is the longest step.
SILENT_AFTER = timedelta(minutes=5)
FAILED_MESSAGE = "The comparison failed. The log of the instance says why."

log = logging.getLogger("plumbline.detection")


class _NoLongerOurs(Exception):
    """It was cancelled, deleted or taken over; whoever runs it writes nothing more."""


class _Interrupted(Exception):
    """The process shuts down; it goes back to the queue."""


class _TooLittle(Exception):
    """The history cannot tell detectors apart; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class BakeoffTools:
    """What a run works with; tests bring their own."""

    clock: Clock = SYSTEM_CLOCK
    transaction: Transaction = DEFAULT_TOOLS.transaction
    should_stop: Callable[[], bool] = lambda: False


def has_waiting(session: Session, now: datetime) -> bool:
    """Whether a bake-off waits for a worker; a cheap look without writing."""
    return bool(rows.claimable(session, now - SILENT_AFTER, 1))


def claim_next(session: Session, holder: str, now: datetime) -> str | None:
    """Make the oldest waiting bake-off, or one whose worker fell silent, the holder's; None when there is none."""
    for bakeoff_id, status, before in rows.claimable(session, now - SILENT_AFTER, 10):
        claimed = {"status": BakeoffStatus.RUNNING.value, "claimed_by": holder, "started_at": now, "heartbeat_at": now}
        if rows.change(session, bakeoff_id, status, before, **claimed):
            return bakeoff_id
    return None


def run(bakeoff_id: str, holder: str, tools: BakeoffTools = BakeoffTools()) -> BakeoffStatus | None:
    """Run a bake-off that the holder has claimed, to its end; None when it is somebody else's by then. Never raises."""
    try:
        values: dict[str, Any] = {"status": BakeoffStatus.COMPLETED.value, "result": _compare(bakeoff_id, holder, tools)}
        values |= {"progress_percent": 100, "progress_phase": "Done"}
    except _NoLongerOurs:
        return None
    except _Interrupted:
        values = {"status": BakeoffStatus.PENDING.value, "claimed_by": None, "progress_phase": "Waiting to resume"}
    except _TooLittle as reason:
        values = {"status": BakeoffStatus.FAILED.value, "error_message": str(reason)}
    except Exception:
        log.exception("bake-off %s failed", bakeoff_id)
        values = {"status": BakeoffStatus.FAILED.value, "error_message": FAILED_MESSAGE}
    status = BakeoffStatus(values["status"])
    if not status.is_live:
        values["completed_at"] = tools.clock.now()
    with tools.transaction() as session:
        is_ours = rows.change(session, bakeoff_id, BakeoffStatus.RUNNING.value, holder, **values)
    JOB_RUNS.labels(job="run_bakeoff", result=status.value).inc()
    return status if is_ours else None


def _compare(bakeoff_id: str, holder: str, tools: BakeoffTools) -> dict[str, object]:
    with tools.transaction(write=False) as session:
        row = session.get(Bakeoff, bakeoff_id)
        if row is None or row.claimed_by != holder:
            raise _NoLongerOurs
        matrix, settings = _history(session, row)

    def report(done: int, total: int, phase: str) -> None:
        if tools.should_stop():
            raise _Interrupted
        told = {"progress_percent": 100 * done // total, "progress_phase": phase[:200], "heartbeat_at": tools.clock.now()}
        with tools.transaction() as session:
            if not rows.change(session, bakeoff_id, BakeoffStatus.RUNNING.value, holder, **told):
                raise _NoLongerOurs

    scores = comparison.compare(matrix, settings, comparison.contestants(settings), report=report)
    if not scores:
        raise _TooLittle(_lacking(matrix, settings))
    return _result(matrix, settings, scores)


def _history(session: Session, row: Bakeoff) -> tuple[CountMatrix, DetectionSettings]:
    scan, span = repository.watched_scan(session, row.scan_config_id), repository.covered_span(session, row.scan_config_id)
    if scan is None or span is None:
        raise _TooLittle("Nothing was counted yet: the scan has collected no bucket.")
    key = SeriesKey(scan.id, ScopeType(row.scope_type), row.scope_ref)
    [series] = metrics.load_series(session, scan.id, [key], span[1] - (MOST_BUCKETS - 1) * scan.interval.duration)
    return matrix_of([series]), service.settings_of_project(session, row.project_id)


def _lacking(matrix: CountMatrix, settings: DetectionSettings) -> str:
    if matrix.bucket_count < comparison.LEAST_BUCKETS:
        return f"The history is too short: {comparison.LEAST_BUCKETS} buckets are needed, {matrix.bucket_count} were collected."
    return f"Too little is counted to tell: no bucket reaches the {settings.min_expected_count} events that a judgement needs."


def _result(matrix: CountMatrix, settings: DetectionSettings, scores: list[DetectorScore]) -> dict[str, object]:
    changed, departures = comparison.inject(matrix, settings)
    first = max(matrix.bucket_count // 2, matrix.bucket_count - MOST_SHOWN_BUCKETS)
    best = comparison.best_of(scores)
    injected = dict.fromkeys(DepartureKind, 0)
    for one in departures:
        injected[one.kind] += 1
    return {
        "interval": matrix.interval.value,
        "from": matrix.bucket(0).isoformat(),
        "to": matrix.bucket(matrix.bucket_count - 1).isoformat(),
        "bucket_count": matrix.bucket_count,
        "injected": {kind.value: count for kind, count in injected.items()},
        "best": None if best is None else Contestant(best.detector, best.sigma_threshold).name,
        "scores": [_score(one) for one in scores],
        "shown_from": matrix.bucket(first).isoformat(),
        "counts": [None if math.isnan(count) else int(count) for count in changed[first:].tolist()],
        "departures": [
            {"kind": one.kind.value, "from": one.start - first, "to": one.stop - 1 - first, "factor": one.factor}
            for one in departures
            if one.start >= first
        ],
        "alarms": {
            Contestant(one.detector, one.sigma_threshold).name: [row - first for row in one.found_rows if row >= first]
            for one in scores
        },
    }


def _score(one: DetectorScore) -> dict[str, object]:
    return {
        "name": Contestant(one.detector, one.sigma_threshold).name,
        "detector": one.detector.value,
        "sigma_threshold": one.sigma_threshold,
        "injected_count": one.injected_count,
        "found_count": one.found_count,
        "false_alarm_count": one.false_alarm_count,
        "precision": round(one.precision, 4),
        "recall": round(one.recall, 4),
        "f1": round(one.f1, 4),
        "delay_buckets": one.delay_buckets,
        "alarms_per_week": round(one.alarms_per_week, 3),
        "found_by_kind": {kind.value: count for kind, count in one.found_by_kind.items()},
    }
