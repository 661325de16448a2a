"""Series that break detectors: each gets a sensible judgement or none."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.engine.adaptive import Judgements, OutcomeCode, Rules, advance, judge_many, replay, start

from .series import hourly_counts, metric, timestamps


def judge(values: object, *, interval: int = 3600, is_count: bool = True, threshold: float = 3.0, least: float = 10) -> Judgements:
    row = np.asarray(values, dtype=float)[None, :]
    return judge_many(
        timestamps(row.shape[1], interval),
        row,
        interval,
        is_count=is_count,
        sigma_threshold=threshold,
        baseline_window_buckets=14,
        min_history_buckets=7,
        min_expected_count=least,
    )


@pytest.mark.parametrize("is_count", [True, False])
@pytest.mark.parametrize("interval", [900, 3600, 21_600, 86_400, 604_800, 7200, 300])
@pytest.mark.parametrize("size", [1, 2, 19, 60])
def test_short_constant_series_never_alarm(size, interval, is_count):
    judged = judge(np.full(size, 7.0), interval=interval, is_count=is_count)
    assert not (judged.outcome == OutcomeCode.ANOMALY).any()
    assert (judged.outcome[0, :20] == OutcomeCode.UNKNOWN).all()


@pytest.mark.parametrize("is_count", [True, False])
def test_all_zeros_are_fine_and_never_an_alarm(is_count):
    judged = judge(np.zeros(400), is_count=is_count)
    assert (judged.outcome[0, 20:] == OutcomeCode.OK).all()


def test_all_missing_is_unknown_throughout():
    judged = judge(np.full(100, np.nan))
    assert (judged.outcome == OutcomeCode.UNKNOWN).all()
    assert np.isnan(judged.score).all()
    assert np.isnan(judged.expected).all()


def test_an_empty_history_gives_empty_arrays():
    assert judge([]).score.shape == (1, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -5.0, 1e300])
def test_a_value_that_cannot_be_is_unknown_and_teaches_nothing(bad):
    values = hourly_counts(20)
    spoilt, missing = values.copy(), values.copy()
    spoilt[400], missing[400] = bad, np.nan
    judged = judge(spoilt)
    assert judged.outcome[0, 400] == OutcomeCode.UNKNOWN
    np.testing.assert_array_equal(judged.score, judge(missing).score)


def test_one_absurd_value_is_one_alarm_and_forgotten():
    values = hourly_counts(30)
    values[500] = 1e12
    judged = judge(values)
    alarms = np.flatnonzero(judged.outcome[0] == OutcomeCode.ANOMALY)
    assert 500 in alarms
    assert not (alarms > 510).any()


def test_negative_metrics_are_ordinary_values():
    values = -metric(12, 24)
    values[250] -= 15.0
    judged = judge(values, is_count=False)
    assert judged.score[0, 250] < -3.0


def test_a_constant_metric_that_moves_is_an_alarm():
    values = np.full(500, 20.0)
    values[450:] = 21.0
    judged = judge(values, is_count=False)
    assert judged.score[0, 450] > 3.0
    assert (judged.outcome[0, 20:450] == OutcomeCode.OK).all()


def test_a_launch_after_zeros_does_not_send_the_expectation_away():
    ramp = np.floor(3000 * np.clip((np.arange(800) - 168) / 200, 0, 1) ** 2)
    judged = judge(ramp)
    assert np.nanmax(judged.expected) < 6000
    assert abs(judged.expected[0, -1] - 3000) < 300


def test_a_new_level_is_accepted_after_some_days():
    values = hourly_counts(45)
    values[30 * 24 :] = np.round(values[30 * 24 :] * 2.0)
    judged = judge(values)
    assert (judged.outcome[0, 30 * 24 : 30 * 24 + 4] == OutcomeCode.ANOMALY).any()
    assert (judged.outcome[0, 40 * 24 :] == OutcomeCode.ANOMALY).sum() == 0


def test_a_rare_event_that_falls_silent_is_noticed_by_the_window():
    values = np.tile([1.0, 0.0, 1.0, 0.0, 0.0, 2.0], 300)
    values[1500:] = 0.0
    judged = judge(values)
    silent = np.flatnonzero(judged.outcome[0] == OutcomeCode.ANOMALY)
    assert silent.size
    assert silent[0] >= 1500
    assert judged.score[0, silent[0]] < 0
    assert judged.head[0, silent[0]] > 0


def test_a_drop_below_the_least_expected_count_is_not_an_alarm():
    values = hourly_counts(30, level=6.0)
    values[600:604] = 0.0
    assert (judge(values, least=1000).outcome == OutcomeCode.ANOMALY).sum() == 0


def test_too_little_history_is_unknown_not_fine():
    values = hourly_counts(10)
    judged = judge_many(
        timestamps(values.size, 3600),
        values[None, :],
        3600,
        is_count=True,
        sigma_threshold=3.0,
        baseline_window_buckets=200,
        min_history_buckets=100,
        min_expected_count=0,
    )
    assert (judged.outcome[0, :100] == OutcomeCode.UNKNOWN).all()
    assert (judged.outcome[0, 100:] != OutcomeCode.UNKNOWN).all()


def test_buckets_out_of_order_are_refused():
    state = start(3600, True)
    advance(state, 36_000, [1.0], Rules())
    with pytest.raises(ValueError, match="order"):
        advance(state, 36_000, [1.0], Rules())
    with pytest.raises(ValueError, match="order"):
        replay(start(3600, True), [7200, 3600], [[1.0, 2.0]], Rules())
    with pytest.raises(ValueError, match="reshape"):
        advance(state, 40_000, [1.0, 2.0], Rules())
    with pytest.raises(ValueError, match="second"):
        start(0, True)
