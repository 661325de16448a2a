"""How calm clean series stay, and that planted incidents are found all the same."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings
from app.detection.engine.judging import Verdict, judge
from app.kernel.intervals import Interval
from tests.unit.detection.count_series import BUCKETS_A_DAY, matrix, poisson

SETTINGS = DetectionSettings()


@pytest.mark.parametrize(
    ("interval", "days", "noise", "most"),
    [
        (Interval.HOUR, 49, 0.0, 0.005),
        (Interval.HOUR, 49, 0.2, 0.010),
        (Interval.QUARTER_HOUR, 35, 0.0, 0.005),
        (Interval.DAY, 200, 0.0, 0.006),
        (Interval.DAY, 200, 0.2, 0.015),
        (Interval.SIX_HOURS, 84, 0.1, 0.010),
    ],
)
def test_clean_series_with_three_weeks_of_history_stay_calm(interval: Interval, days: int, noise: float, most: float):
    verdicts = judge(poisson(interval, days, 150, seed=7, noise=noise), SETTINGS)
    settled = verdicts.verdict[21 * BUCKETS_A_DAY[interval] :]
    judged = settled <= Verdict.ANOMALY
    assert (settled == Verdict.ANOMALY).sum() <= most * judged.sum()


def test_an_hourly_series_in_its_first_three_weeks_flags_at_most_two_per_cent():
    verdicts = judge(poisson(Interval.HOUR, 21, 150, seed=8), SETTINGS)
    assert (verdicts.verdict == Verdict.ANOMALY).mean() <= 0.02


@pytest.mark.parametrize(("factor", "hours"), [(0.0, 3), (0.5, 6), (2.0, 2), (1.5, 6)])
def test_planted_incidents_are_found(factor: float, hours: int):
    start = 24 * 32 + 10
    counts = poisson(Interval.HOUR, 34, 100, seed=9, smallest=40, largest=1500).counts[: start + hours]
    counts[start:] = np.round(counts[start:] * factor)
    verdicts = judge(matrix(counts), SETTINGS)
    assert (verdicts.verdict[start:] == Verdict.ANOMALY).any(axis=0).mean() >= 0.9
