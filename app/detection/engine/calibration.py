"""How wide a series' own deviations run, learned as it goes.

Real counts scatter more than their floors say, and a median over few cycles is itself uncertain; a fixed threshold of three
sigma would flag far more than three buckets in a thousand. Two things answer that, and both only ever widen the contract's
spread: the mean deviation of all phases together is a floor under each phase's own spread, which a handful of cycles measures
badly; and a factor grows until no more than the tail share of the judged buckets lies beyond the normal tail point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.detection.engine.matrix import Floats
from app.kernel.intervals import Interval

Flags = npt.NDArray[np.bool_]

MEAN_TO_SIGMA = 1.2533
POOL_SHARE = 0.9
POOL_CUT = 3.0
PRIOR_MEAN = 1.0 / MEAN_TO_SIGMA
PRIOR_BUCKETS = 12.0
STEP = 0.15
NARROWEST_LOG = -0.2
WIDEST_LOG = float(np.log(20.0))


@dataclass(frozen=True, slots=True)
class Tail:
    """A normal deviate exceeds `point` in absolute value with probability `share`; `memory` is in buckets."""

    share: float
    point: float
    memory: int


# Long buckets are few: a rarer tail would be learned only after years.
TAILS = {
    Interval.QUARTER_HOUR: Tail(0.01, 2.576, 672),
    Interval.HOUR: Tail(0.01, 2.576, 168),
    Interval.SIX_HOURS: Tail(0.03, 2.170, 56),
    Interval.DAY: Tail(0.05, 1.960, 28),
    Interval.WEEK: Tail(0.05, 1.960, 12),
}


class Calibration:
    """What one kind of baseline has taught so far, per series; updated once per bucket."""

    def __init__(self, interval: Interval, series_count: int) -> None:
        self._tail = TAILS[interval]
        self._log_width = np.zeros(series_count)
        self._mean_deviation = np.full(series_count, PRIOR_MEAN)
        self._seen = np.full(series_count, PRIOR_BUCKETS)
        self._was_anomalous = np.zeros(series_count, dtype=bool)

    def plain_spread(self, own: Floats, floor: Floats) -> Floats:
        """The largest of a phase's own spread, the floor of counts, and the spread that all phases show together."""
        pooled = POOL_SHARE * MEAN_TO_SIGMA * self._mean_deviation * floor
        result: Floats = np.maximum(np.maximum(own, floor), pooled)
        return result

    def width(self) -> Floats:
        """The factor by which the plain spread is widened, at least 1."""
        result: Floats = np.exp(np.maximum(self._log_width, 0.0))
        return result

    def learn(self, deviation: Floats, plain: Floats, floor: Floats, judged: Flags, anomalous: Flags) -> None:
        """Take |actual - expected| of the judged series.

        Of a run of anomalies only the first bucket teaches: an incident says nothing about ordinary days.
        """
        teaches = judged & ~(anomalous & self._was_anomalous)
        self._was_anomalous = np.where(judged, anomalous, self._was_anomalous)
        widened = self.width() * plain
        beyond = deviation > self._tail.point * widened
        step = (beyond - self._tail.share) * STEP
        self._log_width = np.where(teaches, np.clip(self._log_width + step, NARROWEST_LOG, WIDEST_LOG), self._log_width)
        self._seen += teaches
        rate = np.maximum(1.0 / self._seen, 1.0 / self._tail.memory)
        taken = np.minimum(deviation, POOL_CUT * widened) / floor
        moved = self._mean_deviation + rate * (taken - self._mean_deviation)
        self._mean_deviation = np.where(teaches, moved, self._mean_deviation)
