"""Which detector suits a series: known departures are put into a copy of its own history, and each detector looks for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.detection.contracts import DetectionSettings
from app.detection.detectors import Detector, judge_with
from app.detection.engine.judging import Verdict, Verdicts
from app.detection.engine.matrix import CountMatrix, Floats

# (buckets, factor) of the departures, in turn: a spike, a drop, an outage, a lasting loss.
DEPARTURES = ((1, 2.5), (1, 0.3), (3, 0.0), (8, 0.6))
QUIET_BUCKETS = 24
GRACE_BUCKETS = 1
LEAST_BUCKETS = 8 * QUIET_BUCKETS
SEED = 20_130_208


@dataclass(frozen=True, slots=True)
class DetectorScore:
    """How one detector did. `delay_buckets` is the median over the departures found, None when none was.

    `alarms_per_week` is counted on the history as it is; precision and recall on the copy with the departures.
    """

    detector: Detector
    injected_count: int
    found_count: int
    false_alarm_count: int
    precision: float
    recall: float
    delay_buckets: float | None
    alarms_per_week: float


def compare(matrix: CountMatrix, settings: DetectionSettings) -> list[DetectorScore]:
    """The detectors on the one series of the matrix, the same departures for each; nothing for less than eight quiet spans.

    Departures lie in the newer half, so that the older half is history to all of them. The same series gives the same answer.
    """
    if matrix.bucket_count < LEAST_BUCKETS:
        return []
    changed, departures = _inject(matrix.counts[:, 0])
    if not departures:
        return []
    copy = CountMatrix(matrix.interval, matrix.first_index, changed[:, None])
    half = matrix.bucket_count // 2
    weeks = (matrix.bucket_count - half) * matrix.interval.seconds / 604_800
    scores = []
    for detector in Detector:
        usual = len(_alarms(judge_with(detector, matrix, settings), half))
        alarms = _alarms(judge_with(detector, copy, settings), half)
        delays = [
            min(rows) - start
            for start, stop in departures
            if (rows := [row for row in alarms if start <= row < stop + GRACE_BUCKETS])
        ]
        false = sum(not any(start <= row < stop + QUIET_BUCKETS // 2 for start, stop in departures) for row in alarms)
        found = len(delays)
        scores.append(
            DetectorScore(
                detector=detector,
                injected_count=len(departures),
                found_count=found,
                false_alarm_count=false,
                precision=found / (found + false) if found + false else 0.0,
                recall=found / len(departures),
                delay_buckets=float(np.median(delays)) if delays else None,
                alarms_per_week=usual / weeks,
            )
        )
    return scores


def _inject(counts: Floats) -> tuple[Floats, list[tuple[int, int]]]:
    changed = counts.copy()
    departures: list[tuple[int, int]] = []
    random = np.random.default_rng(SEED)
    row, turn = counts.size // 2, 0
    while True:
        row += QUIET_BUCKETS + int(random.integers(QUIET_BUCKETS))
        width, factor = DEPARTURES[turn % len(DEPARTURES)]
        if row + width + QUIET_BUCKETS // 2 > counts.size:
            return changed, departures
        changed[row : row + width] = np.round(counts[row : row + width] * factor)
        departures.append((row, row + width))
        turn += 1


def _alarms(verdicts: Verdicts, start: int) -> list[int]:
    """First buckets of the alarms from `start` on; abnormal buckets in a row are one alarm."""
    abnormal = verdicts.verdict[:, 0] == Verdict.ANOMALY
    begins = abnormal & ~np.concatenate(([False], abnormal[:-1]))
    return [int(row) for row in np.flatnonzero(begins) if row >= start]
