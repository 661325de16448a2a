"""One series judged alone and the same series among others: the same verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings
from app.detection.engine import judging
from app.detection.engine.matrix import CountMatrix
from app.kernel.intervals import Interval

BUCKETS = {Interval.QUARTER_HOUR: 2300, Interval.HOUR: 900, Interval.SIX_HOURS: 300, Interval.DAY: 200, Interval.WEEK: 80}


def _series(interval: Interval, seed: int) -> np.ndarray:
    """Counts with a rhythm, a gap, outages, spikes, a changed level, runs of zeros and values that are no counts."""
    dice = np.random.default_rng(seed)
    size = BUCKETS[interval]
    rhythm = 1 + 0.6 * np.sin(np.arange(size) * 2 * np.pi / (interval.seasonal_periods or (10,))[-1])
    counts = dice.poisson(dice.choice([0.3, 4, 60, 5000]) * rhythm).astype(float)
    counts[size // 2 :] *= dice.choice([1, 3])
    for _ in range(6):
        start = int(dice.integers(0, size))
        counts[start : start + int(dice.integers(1, 12))] *= dice.choice([0, 0.2, 6])
    if seed % 3 == 0:
        counts[: size // 10] = np.nan
        gap = int(dice.integers(size // 3, size - 10))
        counts[gap : gap + 9] = np.nan
    if seed % 5 == 0:
        counts[size - 3 :] = [-1, np.inf, 0]
    if seed % 7 == 0:
        counts[:] = 25
    return counts


@pytest.mark.parametrize("interval", list(Interval))
@pytest.mark.parametrize("least", [0, 10])
def test_a_series_alone_is_judged_as_it_is_among_others(
    interval: Interval, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = CountMatrix(interval, 1000, np.stack([_series(interval, seed) for seed in range(22)], axis=1))
    settings = DetectionSettings(min_expected_count=least)
    together = judging.judge(matrix, settings)
    monkeypatch.setattr(judging, "FEW_SERIES", matrix.series_count)
    alone = judging.judge(matrix, settings)
    np.testing.assert_array_equal(alone.verdict, together.verdict)
    for name in ("expected", "spread", "score", "history"):
        np.testing.assert_allclose(getattr(alone, name), getattr(together, name), rtol=1e-9, atol=1e-9)
    assert {judging.Verdict.OK, judging.Verdict.ANOMALY} <= set(together.verdict.ravel().tolist())
