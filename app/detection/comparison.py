"""Which detector suits a series: known departures are put into a copy of its own history, and each contestant looks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from app.detection.contracts import DetectionSettings
from app.detection.detectors import Detector, judge_with
from app.detection.engine.judging import Verdict, Verdicts
from app.detection.engine.matrix import CountMatrix, Floats

QUIET_BUCKETS = 24
GRACE_BUCKETS = 1
LEAST_BUCKETS = 8 * QUIET_BUCKETS
SEED = 20_130_208
LEAST_THRESHOLD = 1.0


class DepartureKind(StrEnum):
    """What is put into the history."""

    SPIKE = "spike"
    DROP = "drop"
    SILENCE = "silence"
    SHIFT = "shift"


# (kind, buckets, factor) of the departures, in turn.
DEPARTURES = (
    (DepartureKind.SPIKE, 1, 2.5),
    (DepartureKind.DROP, 1, 0.3),
    (DepartureKind.SILENCE, 3, 0.0),
    (DepartureKind.SHIFT, 8, 0.6),
)


@dataclass(frozen=True, slots=True)
class Departure:
    """The counts of rows [start, stop) of the history were multiplied by the factor."""

    kind: DepartureKind
    start: int
    stop: int
    factor: float


@dataclass(frozen=True, slots=True)
class Contestant:
    """A detector at a threshold."""

    detector: Detector
    sigma_threshold: float

    @property
    def name(self) -> str:
        """What it is chosen by."""
        return f"{self.detector.value}@{self.sigma_threshold:g}"


@dataclass(frozen=True, slots=True)
class DetectorScore:
    """How one contestant did. `delay_buckets` is the median over the departures found, None when none was.

    `alarms_per_week` is counted on the history as it is; precision and recall on the copy with the departures. `found_rows` are the
    first buckets of its alarms on that copy.
    """

    detector: Detector
    injected_count: int
    found_count: int
    false_alarm_count: int
    precision: float
    recall: float
    delay_buckets: float | None
    alarms_per_week: float
    sigma_threshold: float = 0.0
    found_by_kind: dict[DepartureKind, int] = field(default_factory=dict)
    found_rows: tuple[int, ...] = ()

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.precision + self.recall else 0.0


Report = Callable[[int, int, str], None]
"""Told (steps done, steps in all, what comes next); it may raise to end the comparison."""


def say_nothing(done: int, total: int, phase: str) -> None:
    """Report to nobody."""


def contestants(settings: DetectionSettings) -> list[Contestant]:
    """Every detector at the project's threshold, one lower and one higher."""
    sigma = settings.sigma_threshold
    thresholds = sorted({max(LEAST_THRESHOLD, sigma - 1), sigma, sigma + 1})
    return [Contestant(detector, threshold) for detector in Detector for threshold in thresholds]


def compare(
    matrix: CountMatrix,
    settings: DetectionSettings,
    wanted: Sequence[Contestant] | None = None,
    *,
    report: Report = say_nothing,
) -> list[DetectorScore]:
    """The contestants on the one series of the matrix, the same departures for each; nothing for less than eight quiet spans.

    Without `wanted` each detector at the project's threshold. Departures lie in the newer half, so that the older half is history
    to all of them. The same series gives the same answer.
    """
    wanted = [Contestant(detector, settings.sigma_threshold) for detector in Detector] if wanted is None else wanted
    changed, departures = inject(matrix, settings)
    if not departures:
        return []
    copy = CountMatrix(matrix.interval, matrix.first_index, changed[:, None])
    scores = []
    for place, contestant in enumerate(wanted):
        report(2 * place, 2 * len(wanted), f"{contestant.detector.value} at {contestant.sigma_threshold:g} σ on the history")
        own = replace(settings, sigma_threshold=contestant.sigma_threshold)
        usual = _alarms(judge_with(contestant.detector, matrix, own), matrix.bucket_count // 2)
        report(2 * place + 1, 2 * len(wanted), f"{contestant.detector.value} at {contestant.sigma_threshold:g} σ on the copy")
        alarms = _alarms(judge_with(contestant.detector, copy, own), matrix.bucket_count // 2)
        scores.append(_score(contestant, matrix, departures, usual, alarms))
    return scores


def best_of(scores: Sequence[DetectorScore]) -> DetectorScore | None:
    """The one to recommend: best F1, then fewest alarms a week on the history, then soonest."""
    return max(scores, key=lambda one: (round(one.f1, 2), -one.alarms_per_week, -(one.delay_buckets or 0)), default=None)


def inject(matrix: CountMatrix, settings: DetectionSettings) -> tuple[Floats, list[Departure]]:
    """A copy of the counts with departures in its newer half, where enough was counted for one to be seen; none when too short."""
    counts = matrix.counts[:, 0]
    changed = counts.copy()
    departures: list[Departure] = []
    if matrix.bucket_count < LEAST_BUCKETS:
        return changed, departures
    random = np.random.default_rng(SEED)
    row, turn = counts.size // 2, 0
    while True:
        row += QUIET_BUCKETS + int(random.integers(QUIET_BUCKETS))
        kind, width, factor = DEPARTURES[turn % len(DEPARTURES)]
        if row + width + QUIET_BUCKETS // 2 > counts.size:
            return changed, departures
        part = counts[row : row + width]
        # Nothing is found where nothing is counted: at night, or in buckets that nobody collected.
        if np.isfinite(part).all() and part.mean() >= max(1, settings.min_expected_count):
            changed[row : row + width] = np.round(part * factor)
            departures.append(Departure(kind, row, row + width, factor))
            turn += 1


def _score(
    contestant: Contestant, matrix: CountMatrix, departures: Sequence[Departure], usual: Sequence[int], alarms: Sequence[int]
) -> DetectorScore:
    weeks = (matrix.bucket_count - matrix.bucket_count // 2) * matrix.interval.seconds / 604_800
    delays: list[int] = []
    by_kind = dict.fromkeys(DepartureKind, 0)
    for one in departures:
        rows = [row for row in alarms if one.start <= row < one.stop + GRACE_BUCKETS]
        if rows:
            delays.append(min(rows) - one.start)
            by_kind[one.kind] += 1
    false = sum(not any(one.start <= row < one.stop + QUIET_BUCKETS // 2 for one in departures) for row in alarms)
    found = len(delays)
    return DetectorScore(
        detector=contestant.detector,
        injected_count=len(departures),
        found_count=found,
        false_alarm_count=false,
        precision=found / (found + false) if found + false else 0.0,
        recall=found / len(departures),
        delay_buckets=float(np.median(delays)) if delays else None,
        alarms_per_week=len(usual) / weeks,
        sigma_threshold=contestant.sigma_threshold,
        found_by_kind=by_kind,
        found_rows=tuple(alarms),
    )


def _alarms(verdicts: Verdicts, start: int) -> list[int]:
    """First buckets of the alarms from `start` on; abnormal buckets in a row are one alarm."""
    abnormal = verdicts.verdict[:, 0] == Verdict.ANOMALY
    begins = abnormal & ~np.concatenate(([False], abnormal[:-1]))
    return [int(row) for row in np.flatnonzero(begins) if row >= start]
