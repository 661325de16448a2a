"""The judgement of one series, number by number: for a chart, where arrays of one column cost more to call than to compute.

The same arithmetic in the same order as `judging` does it for many series at once; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.detection.contracts import DetectionSettings
from app.detection.engine.baseline import (
    LONG_CYCLES,
    ROLLING_FLOOR_SHARE,
    SEASONAL_FLOOR_SHARE,
    SHORT_CYCLES,
    UNSEEN_WEEK_FLOOR_SHARE,
)
from app.detection.engine.calibration import (
    MEAN_TO_SIGMA,
    NARROWEST_LOG,
    POOL_CUT,
    POOL_SHARE,
    PRIOR_BUCKETS,
    PRIOR_MEAN,
    STEP,
    TAILS,
    WIDEST_LOG,
    Tail,
)
from app.detection.engine.levels import ABNORMAL_SHARE, CYCLES_TO_NORMAL
from app.detection.engine.phase_baseline import CYCLES_REQUIRED, LEVEL_PRIOR_EVENTS, MAD_TO_SIGMA, NOT_ABNORMAL
from app.kernel.intervals import Interval

UNKNOWN = math.nan


@dataclass(slots=True)
class SeriesVerdicts:
    """Per bucket; `expected`, `spread` and `score` are NaN where there is no expectation, `is_small` where too little happens."""

    expected: list[float]
    spread: list[float]
    score: list[float]
    history: list[float]
    is_small: list[bool]
    is_anomaly: list[bool]


class _Level:
    """As `levels.TrailingLevels`."""

    def __init__(self, window: int) -> None:
        self.levels: list[float] = []
        self.window = window
        self._sums = [0.0]
        self._known = [0]
        self._abnormal = 0

    def fix(self) -> None:
        start = max(0, len(self._sums) - 1 - self.window)
        known = self._known[-1] - self._known[start]
        enough = known * 2 >= self.window
        self.levels.append((self._sums[-1] - self._sums[start]) / max(known, 1) if enough else UNKNOWN)

    def take(self, actual: float, cut: float | None, *, is_judged: bool) -> None:
        """`cut` is what an anomalous count is taken as, None for an ordinary one."""
        limit = CYCLES_TO_NORMAL * self.window
        value = actual if cut is None or self._abnormal >= limit else cut
        if is_judged:
            self._abnormal = max(0, self._abnormal - 1) if cut is None else min(limit, self._abnormal + 1)
        is_known = value == value  # false for NaN only
        self._sums.append(self._sums[-1] + value if is_known else self._sums[-1])
        self._known.append(self._known[-1] + is_known)


class _Calibration:
    """As `calibration.Calibration`."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._log_width = 0.0
        self._mean_deviation = PRIOR_MEAN
        self._seen = PRIOR_BUCKETS
        self._was_anomalous = False

    def plain_spread(self, own: float, floor: float) -> float:
        return max(own, floor, POOL_SHARE * MEAN_TO_SIGMA * self._mean_deviation * floor)

    def width(self) -> float:
        return math.exp(max(self._log_width, 0.0))

    def learn(self, deviation: float, plain: float, floor: float, *, is_anomaly: bool) -> None:
        teaches = not (is_anomaly and self._was_anomalous)
        self._was_anomalous = is_anomaly
        if not teaches:
            return
        widened = self.width() * plain
        step = ((deviation > self._tail.point * widened) - self._tail.share) * STEP
        self._log_width = min(max(self._log_width + step, NARROWEST_LOG), WIDEST_LOG)
        self._seen += 1
        rate = max(1.0 / self._seen, 1.0 / self._tail.memory)
        self._mean_deviation += rate * (min(deviation, POOL_CUT * widened) / floor - self._mean_deviation)


def judge_series_alone(counts: Sequence[float], interval: Interval, settings: DetectionSettings) -> SeriesVerdicts:
    """Verdicts for all buckets of one series; NaN is an unknown count, none is infinite or negative."""
    periods = interval.seasonal_periods
    levels = [_Level(periods[-1]) for _ in periods]
    calibrations = [_Calibration(TAILS[interval]) for _ in range(len(periods) + 1)]
    abnormal_by: list[int] = []
    prior = LEVEL_PRIOR_EVENTS / periods[-1] if periods else 0.0
    first = next((row for row, count in enumerate(counts) if count == count), len(counts))
    found = SeriesVerdicts([], [], [], [], [], [])
    least_expected, sigma = settings.min_expected_count, settings.sigma_threshold
    largest = 0.0
    for row, actual in enumerate(counts):
        for level in levels:
            level.fix()
        expected, own, kind, history = UNKNOWN, UNKNOWN, len(periods), 0
        for index, period in enumerate(periods):
            if row - first >= CYCLES_REQUIRED * period:
                cycles = LONG_CYCLES if index == 0 else SHORT_CYCLES
                expected, own = _phase(counts, levels[index].levels, abnormal_by, index, row, period, cycles, prior)
                if expected == expected:
                    kind = index
                    break
        share = SEASONAL_FLOOR_SHARE if kind == 0 else UNSEEN_WEEK_FLOOR_SHARE
        if expected != expected:
            window, least = settings.baseline_window_buckets, settings.min_history_buckets
            expected, own, history = _rolling(counts, row, window, least)
            share = ROLLING_FLOOR_SHARE
        is_small = 2 * largest < least_expected
        spread, score, is_anomaly, is_judged = UNKNOWN, UNKNOWN, False, False
        if expected == expected:
            calibration = calibrations[kind]
            floor = max(1.0, share * expected, math.sqrt(max(expected, 0.0)))
            plain = calibration.plain_spread(own, floor)
            spread = plain * calibration.width()
            if kind < len(periods) and actual < expected:
                fall = min(max(actual / max(expected, 1e-9), 0.0), 1.0)
                spread = max(own, floor, spread * (1.0 + math.sqrt(fall)) / 2.0)
            score = (actual - expected) / spread
            is_judged = actual == actual and expected >= least_expected
            is_anomaly = is_judged and not is_small and abs(score) >= sigma
            if is_judged:
                calibration.learn(abs(actual - expected), plain, floor, is_anomaly=is_anomaly)
        for index, level in enumerate(levels):
            is_own = kind == index
            cut = None
            if is_own and is_anomaly:
                reach = sigma * spread if actual >= expected else -sigma * spread
                cut = max(expected + ABNORMAL_SHARE * reach, 0.0)
            level.take(actual, cut, is_judged=is_own and is_judged)
        abnormal_by.append(kind if is_anomaly else NOT_ABNORMAL)
        if actual > largest:
            largest = actual
        found.expected.append(expected)
        found.spread.append(spread)
        found.score.append(score)
        found.history.append(history)
        found.is_small.append(is_small)
        found.is_anomaly.append(is_anomaly)
    return found


def _phase(
    counts: Sequence[float],
    levels: Sequence[float],
    abnormal_by: Sequence[int],
    kind: int,
    row: int,
    period: int,
    cycles: int,
    prior: float,
) -> tuple[float, float]:
    """As `phase_baseline.phase_estimate`."""
    if row // period < CYCLES_REQUIRED:
        return UNKNOWN, UNKNOWN
    today = levels[row] + prior
    trusted, others = [], []
    for before in range(row - period, row - period * min(cycles, row // period) - 1, -period):
        count = counts[before]
        if count != count:
            continue
        ratio = today / (levels[before] + prior)
        if ratio != ratio:
            others.append(count)
        elif abnormal_by[before] == kind:
            others.append(count * ratio)
        else:
            trusted.append(count * ratio)
    values = trusted if len(trusted) >= CYCLES_REQUIRED else trusted + others
    if len(values) < CYCLES_REQUIRED:
        return UNKNOWN, UNKNOWN
    expected = _middle(sorted(values))
    spread = MAD_TO_SIGMA * _middle(sorted([abs(value - expected) for value in values]))
    if spread == 0:
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return expected, spread


def _middle(ordered: Sequence[float]) -> float:
    size = len(ordered)
    return (ordered[(size - 1) // 2] + ordered[size // 2]) / 2


def _rolling(counts: Sequence[float], row: int, window: int, least: int) -> tuple[float, float, int]:
    """As `rolling_baseline.rolling_estimate`."""
    known = [count for count in counts[max(0, row - window) : row] if count == count]
    if len(known) < least:
        return UNKNOWN, UNKNOWN, len(known)
    size = max(len(known), 1)
    mean = sum(known) / size
    return mean, math.sqrt(sum((count - mean) ** 2 for count in known) / size), len(known)
