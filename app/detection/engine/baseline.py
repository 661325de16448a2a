"""Which baseline each series gets at a bucket: the longest season with enough cycles, else the rolling one (contract 6.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.detection.contracts import DetectionSettings
from app.detection.engine.matrix import CountMatrix, Floats
from app.detection.engine.phase_baseline import CYCLES_REQUIRED, LEVEL_PRIOR_EVENTS, History, phase_estimate, spread_floor
from app.detection.engine.rolling_baseline import rolling_estimate
from app.kernel.intervals import Interval

SEASONAL_FLOOR_SHARE = 0.05
# Until three weeks are known, a weekly rhythm looks like deviations from the daily one: a share of every count, not noise.
UNSEEN_WEEK_FLOOR_SHARE = 0.15
ROLLING_FLOOR_SHARE = 0.03
# Cycles looked back at. More make the median steadier, fewer let a changed shape become the expectation sooner.
LONG_CYCLES = 6
SHORT_CYCLES = 14
# Beyond the cycles of the median: those in which the calibration learns before the window that is asked for.
WARM_UP_CYCLES = {Interval.DAY: 6}
WARM_UP_DEFAULT = 2
ROLLING_WARM_UP_BUCKETS = 60


@dataclass(frozen=True, slots=True)
class Expectation:
    """Per series: `kind` indexes the interval's periods, one past them is the rolling baseline. NaN expected is unknown.

    `own` is the spread of the history itself, `floor` the least spread of counts; `history` the buckets the rolling one had.
    """

    expected: Floats
    own: Floats
    floor: Floats
    kind: npt.NDArray[np.intp]
    history: Floats


def history_needed(interval: Interval, settings: DetectionSettings) -> int:
    """How many buckets before a window should be loaded so that its verdicts do not depend on where loading began."""
    rolling = settings.baseline_window_buckets + ROLLING_WARM_UP_BUCKETS
    if not interval.seasonal_periods:
        return rolling
    return max(rolling, interval.seasonal_periods[0] * (LONG_CYCLES + WARM_UP_CYCLES.get(interval, WARM_UP_DEFAULT)))


class Baseline:
    """Expectations for the rows of one matrix, asked for in rising order.

    A kind of baseline leaves out only what it found abnormal itself: what surprises the daily rhythm is ordinary to the weekly one.
    """

    def __init__(self, matrix: CountMatrix, history: History, settings: DetectionSettings) -> None:
        known = ~np.isnan(history.counts)
        self._history = history
        self._settings = settings
        self._first = np.where(known.any(axis=0), known.argmax(axis=0), matrix.bucket_count)
        self._periods = matrix.interval.seasonal_periods
        self._level_prior = LEVEL_PRIOR_EVENTS / self._periods[-1] if self._periods else 0.0

    def expectation(self, row: int) -> Expectation:
        """From the rows before `row` alone."""
        series_count = self._history.counts.shape[1]
        expected, own = np.full(series_count, np.nan), np.full(series_count, np.nan)
        kind = np.full(series_count, len(self._periods))
        history = np.zeros(series_count)
        for index, period in enumerate(self._periods):
            wanted = np.isnan(expected) & (row - self._first >= CYCLES_REQUIRED * period)
            if not wanted.any():
                continue
            cycles = LONG_CYCLES if index == 0 else SHORT_CYCLES
            estimate = phase_estimate(self._history, index, row, period, cycles, self._level_prior)
            expected = np.where(wanted, estimate.expected, expected)
            own = np.where(wanted, estimate.spread, own)
            kind = np.where(wanted & ~np.isnan(expected), index, kind)
        knows_longest = kind == 0
        floor = spread_floor(expected, np.where(knows_longest, SEASONAL_FLOOR_SHARE, UNSEEN_WEEK_FLOOR_SHARE))
        wanted = np.isnan(expected)
        if wanted.any():
            estimate, history = rolling_estimate(
                self._history.counts, row, self._settings.baseline_window_buckets, self._settings.min_history_buckets
            )
            expected = np.where(wanted, estimate.expected, expected)
            own = np.where(wanted, estimate.spread, own)
            floor = np.where(wanted, spread_floor(expected, ROLLING_FLOOR_SHARE), floor)
        return Expectation(expected, own, floor, kind, history)
