"""What must hold for every series, whatever its values."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.detection.engine.adaptive import Judgements, Rules, advance, judge_many, replay, start

from .series import START, hourly_counts, metric, timestamps

INTERVALS = st.sampled_from([900, 3600, 21_600, 86_400, 604_800])
RULES = Rules()
FEW = settings(max_examples=25, deadline=None)


def values_of(size: int, *, largest: float = 1e6) -> st.SearchStrategy[np.ndarray]:
    number = st.one_of(st.floats(0, largest), st.just(0.0), st.just(float("nan")), st.integers(0, 30).map(float))
    return arrays(np.float64, size, elements=number)


def judge(values: np.ndarray, interval: int, is_count: object) -> Judgements:
    rows = np.atleast_2d(values)
    return judge_many(
        timestamps(rows.shape[1], interval),
        rows,
        interval,
        is_count=is_count,
        sigma_threshold=3.0,
        baseline_window_buckets=14,
        min_history_buckets=7,
        min_expected_count=10,
    )


def assert_same(left: Judgements, right: Judgements) -> None:
    for field in ("expected", "spread", "score", "outcome", "head", "window_expected"):
        np.testing.assert_array_equal(getattr(left, field), getattr(right, field), err_msg=field)


def cut(judged: Judgements, stop: int) -> Judgements:
    return Judgements(*(getattr(judged, field)[:, :stop] for field in Judgements.__slots__))


@FEW
@given(values_of(140), INTERVALS, st.booleans(), st.integers(1, 139))
def test_what_comes_later_never_changes_an_earlier_judgement(values, interval, is_count, stop):
    whole, prefix = judge(values, interval, is_count), judge(values[:stop], interval, is_count)
    assert_same(cut(whole, stop), prefix)


@FEW
@given(values_of(120), INTERVALS, st.booleans(), st.integers(0, 120))
def test_one_bucket_at_a_time_equals_the_replay_exactly(values, interval, is_count, first):
    moments = timestamps(120, interval)
    whole = judge(values, interval, is_count)
    state = start(interval, is_count)
    replay(state, moments[:first], values[None, :first], RULES)
    for place in range(first, 120):
        one = advance(state, int(moments[place]), [values[place]], RULES)
        for field in Judgements.__slots__:
            np.testing.assert_array_equal(getattr(one, field)[0], getattr(whole, field)[0, place], err_msg=field)


@FEW
@given(arrays(np.float64, (5, 90), elements=st.floats(0, 1e5)), st.permutations(range(5)), INTERVALS)
def test_the_order_of_the_series_changes_nothing(table, order, interval):
    is_count = np.array([True, False, True, False, True])
    moved = judge(table[order], interval, is_count[order])
    straight = judge(table, interval, is_count)
    assert_same(moved, Judgements(*(getattr(straight, field)[order] for field in Judgements.__slots__)))


@FEW
@given(st.integers(-8, 20), st.integers(1, 1000))
def test_a_metric_in_another_unit_gets_the_same_scores(power, seed):
    values = metric(6, 24, seed)
    values[100] += 30.0
    factor = 2.0**power
    plain, scaled = judge(values, 3600, False), judge(values * factor, 3600, False)
    np.testing.assert_allclose(scaled.score, plain.score, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(scaled.expected, plain.expected * factor, rtol=1e-6)


@FEW
@given(values_of(200, largest=1e12), INTERVALS, st.booleans())
def test_no_values_raise_and_no_judgement_is_infinite(values, interval, is_count):
    judged = judge(values, interval, is_count)
    assert not np.isinf(judged.score).any()
    assert not np.isinf(judged.expected).any()
    assert (np.isnan(judged.score) == (judged.outcome == 2)).all()
    assert (judged.outcome[0][np.isnan(values)] == 2).all()


@FEW
@given(values_of(300), INTERVALS, st.booleans())
def test_the_expectation_never_runs_away_from_the_values(values, interval, is_count):
    judged = judge(values, interval, is_count)
    highest = np.nanmax(values, initial=0.0)
    assert np.nanmax(np.abs(judged.expected), initial=0.0) <= 20.0 * highest + 1.0


def test_a_series_keeps_its_phase_when_it_starts_later():
    values = hourly_counts(30)
    late = values.copy()
    late[:77] = np.nan
    moments = timestamps(values.size, 3600)
    state = start(3600, True)
    shorter = replay(state, moments[77:], values[None, 77:], RULES)
    np.testing.assert_array_equal(judge(late, 3600, True).score[0, 77:], shorter.score[0])


def test_a_hole_in_the_timeline_equals_missing_values():
    values = hourly_counts(30)
    keep = np.ones(values.size, dtype=bool)
    keep[300:350] = False
    holey = np.where(keep, values, np.nan)
    moments = timestamps(values.size, 3600)
    skipped = replay(start(3600, True), moments[keep], values[None, keep], RULES)
    np.testing.assert_array_equal(judge(holey, 3600, True).score[0, keep], skipped.score[0])


def test_a_hole_of_years_is_stepped_over_quickly_and_in_phase():
    state = start(900, True)
    replay(state, timestamps(96 * 20, 900), np.full((1, 96 * 20), 50.0), RULES)
    one = advance(state, START + 20 * 86_400 + 3 * 365 * 86_400, [50.0], RULES)
    assert one.outcome[0] == 0
