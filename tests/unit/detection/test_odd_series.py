"""Series that break detectors, before the contract's baseline: each gets a verdict with a reason, and spoils no other."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.contracts import DetectionSettings
from app.detection.engine.judging import Verdict, judge
from app.detection.engine.matrix import matrix_of
from app.kernel.intervals import Interval
from app.metrics.contracts import ScopeType, Series, SeriesKey
from tests.unit.detection.count_series import matrix, moment

SETTINGS = DetectionSettings()


@pytest.mark.parametrize("interval", list(Interval))
def test_one_bucket_is_too_little_history(interval: Interval):
    assert judge(matrix([100.0], interval), SETTINGS).verdict[:, 0].tolist() == [Verdict.SHORT_HISTORY]


@pytest.mark.parametrize("interval", list(Interval))
@pytest.mark.parametrize("level", [0, 3, 100, 1e12])
def test_a_constant_series_has_no_anomaly(interval: Interval, level: float):
    verdicts = judge(matrix(np.full(400, float(level)), interval), SETTINGS)
    assert Verdict.ANOMALY not in verdicts.verdict
    assert set(verdicts.verdict[7:, 0]) == {Verdict.OK if level >= 10 else Verdict.TOO_SMALL}


def test_counts_of_a_million_million_are_judged_as_small_ones_are():
    random = np.random.default_rng(2)
    counts = random.poisson(100, 900) * 1e10
    counts[-1] = 9e12
    verdicts = judge(matrix(counts), SETTINGS)
    assert verdicts.verdict[-1, 0] == Verdict.ANOMALY
    assert np.isfinite(verdicts.score[100:]).all()


def test_a_series_of_gaps_is_unknown_where_it_has_no_count_and_where_too_few_came_before():
    counts = np.full(600, np.nan)
    counts[::97] = 50.0
    verdicts = judge(matrix(counts), SETTINGS)
    assert set(verdicts.verdict[np.isnan(counts), 0]) == {Verdict.UNCOVERED}
    assert set(verdicts.verdict[::97, 0]) == {Verdict.SHORT_HISTORY}


def test_a_small_series_is_known_and_unknown_as_the_long_way_would_find():
    """The short way out for small series against the same counts that one larger bucket sends the long way."""
    counts = np.tile([0.0, 1.0, 4.0, 2.0], 40)
    counts[:13] = np.nan
    longer = np.append(counts, 500.0)
    for interval in Interval:
        short, long = judge(matrix(counts, interval), SETTINGS), judge(matrix(longer, interval), SETTINGS)
        np.testing.assert_array_equal(short.verdict, long.verdict[:-1])
        np.testing.assert_array_equal(short.history, long.history[:-1])


def test_odd_series_leave_their_neighbours_as_they_are():
    usual = np.random.default_rng(7).poisson(80, 400).astype(np.float64)
    odd = [np.full(400, value) for value in (np.nan, np.inf, -1.0, 0.0, 1e15)]
    together = judge(matrix(np.stack([odd[0], usual, *odd[1:], usual], axis=1)), SETTINGS)
    alone = judge(matrix(usual), SETTINGS)
    for name in ("verdict", "expected", "spread", "score", "history"):
        for column in (1, 6):
            np.testing.assert_array_equal(getattr(together, name)[:, column], getattr(alone, name)[:, 0])


def test_buckets_out_of_order_are_put_in_order_and_of_repeated_ones_the_last_counts():
    key = SeriesKey("scan", ScopeType.EVENT, "ref")
    straight = Series(key, Interval.HOUR, [moment(0), moment(1), moment(2)], [1, 2, 3])
    mixed = Series(key, Interval.HOUR, [moment(2), moment(0), moment(2), moment(1)], [9, 1, 3, 2])
    np.testing.assert_array_equal(matrix_of([mixed]).counts, matrix_of([straight]).counts)
