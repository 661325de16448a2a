"""Event-wise scores.

A labelled event is a run of buckets of which at least a fifth of the raw points are labelled; it is found or not, once, and only by
an alarm inside it (no point adjustment, no tolerance). Alarms less than four buckets apart are one alarm, as one incident is in the
product. The second, lenient reading allows an alarm one bucket late: labels are finer than buckets and often mark the last minutes
before a change, which then shows in the next bucket only.
An alarm that touches no labelled point is false; one that touches only neutral buckets counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.series import ANOMALOUS_SHARE, WEEK_SECONDS, Floats, LabelledSeries

QUIET_BUCKETS = 3


@dataclass
class Tally:
    """Sums over series; the ratios are of the sums."""

    found: int = 0
    missed: int = 0
    false: int = 0
    weeks: float = 0.0
    false_by_interval: dict[int, int] = field(default_factory=dict)
    weeks_by_interval: dict[int, float] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        return self.found / max(1, self.found + self.missed)

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def false_per_week(self) -> float:
        return self.false / max(self.weeks, 1e-9)

    def false_per_week_at(self, interval: int) -> float:
        return self.false_by_interval.get(interval, 0) / max(self.weeks_by_interval.get(interval, 0.0), 1e-9)


def runs(flags: NDArray[np.bool_], largest_gap: int) -> list[tuple[int, int]]:
    """First and last index of each run of true values; gaps of up to `largest_gap` false values are bridged."""
    hits = np.flatnonzero(flags)
    if not hits.size:
        return []
    cuts = np.flatnonzero(np.diff(hits) > largest_gap + 1)
    return list(zip(hits[np.r_[0, cuts + 1]].tolist(), hits[np.r_[cuts, hits.size - 1]].tolist(), strict=True))


def warm_up(series: LabelledSeries) -> int:
    """Buckets at the start that no detector is judged on: a day, at least 20."""
    return max(20, series.buckets_per_day)


def tally(pairs: Iterable[tuple[LabelledSeries, Floats]], threshold: float, late_buckets: int = 0) -> Tally:
    """Pairs of a series and its score per bucket (NaN = no opinion); the sign of a score does not matter.

    With `late_buckets`, an alarm up to that many buckets behind an event still finds it and is not false.
    """
    total = Tally()
    for series, score in pairs:
        start = warm_up(series)
        alarms = np.nan_to_num(np.abs(score)) >= threshold
        alarms[:start] = False
        labelled = series.share >= ANOMALOUS_SHARE
        labelled[:start] = False
        for first, last in runs(labelled, 0):
            if alarms[first : last + 1 + late_buckets].any():
                total.found += 1
            else:
                total.missed += 1
        touched = series.share > 0
        false = sum(not touched[max(0, first - late_buckets) : last + 1].any() for first, last in runs(alarms, QUIET_BUCKETS))
        weeks = max(0, len(score) - start) * series.interval_seconds / WEEK_SECONDS
        total.false += false
        total.weeks += weeks
        total.false_by_interval[series.interval_seconds] = total.false_by_interval.get(series.interval_seconds, 0) + false
        total.weeks_by_interval[series.interval_seconds] = total.weeks_by_interval.get(series.interval_seconds, 0.0) + weeks
    return total
