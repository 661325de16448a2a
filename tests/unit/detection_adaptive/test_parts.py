"""The parts of a step, each alone."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.engine.adaptive.calibration import learn_tail, start_tails, tail_cell, tail_surprise
from app.detection.engine.adaptive.evidence import block_sums, rare_length, remember_bucket, short_sums
from app.detection.engine.adaptive.fleet import first_missing
from app.detection.engine.adaptive.governor import govern
from app.detection.engine.adaptive.layout import BAR, FEATURES, SCALARS, layout_for
from app.detection.engine.adaptive.regression import learn_products, prior_weight, solve_weights
from app.detection.engine.adaptive.step import start_series
from app.detection.engine.adaptive.surprise import normal_surprise
from app.detection.engine.adaptive.tuning import DEFAULT_TUNING

from .series import noise

HOURLY = layout_for(3600)


def fresh() -> np.ndarray:
    state = np.zeros(HOURLY.width)
    start_series(state, HOURLY)
    return state


@pytest.mark.parametrize("interval", [300, 900, 3600, 21_600, 86_400, 604_800])
def test_arrays_of_a_layout_do_not_overlap_and_fit_the_row(interval):
    layout = layout_for(interval)
    offsets = list(layout)[6:]
    assert offsets == sorted(offsets)
    assert offsets[0] == SCALARS
    assert len(set(offsets)) == len(offsets)
    assert layout.width - layout.recurrence == layout.day_slots
    assert layout.week_slots % layout.day_slots == 0


def test_an_hourly_series_needs_less_than_six_kilobytes():
    assert HOURLY.width * 8 < 6000


def test_the_tail_of_normal_deviations_is_nearly_normal():
    state = fresh()
    cell = tail_cell(HOURLY, 0, is_below=False)
    for deviation in np.abs(noise(6000, 5)):
        learn_tail(state, cell, float(deviation), DEFAULT_TUNING, 2000.0)
    assert state[cell] == pytest.approx(1.44, abs=0.2)
    assert state[cell + 1] == pytest.approx(1.96, abs=0.25)
    assert tail_surprise(state, cell, 3.5, DEFAULT_TUNING) < normal_surprise(3.5) * 1.2


def test_a_wide_tail_makes_the_same_deviation_less_surprising_and_leaves_the_other_side_alone():
    state = fresh()
    start_tails(state, HOURLY)
    above, below = tail_cell(HOURLY, 0, is_below=False), tail_cell(HOURLY, 0, is_below=True)
    before = tail_surprise(state, below, 6.0, DEFAULT_TUNING)
    for deviation in 3.0 * np.abs(noise(2000, 6)):
        learn_tail(state, above, float(deviation), DEFAULT_TUNING, 2000.0)
    assert tail_surprise(state, above, 6.0, DEFAULT_TUNING) < 0.6 * before
    assert tail_surprise(state, below, 6.0, DEFAULT_TUNING) == before


def test_surprise_grows_with_the_deviation():
    state = fresh()
    cell = tail_cell(HOURLY, 1, is_below=True)
    surprises = [tail_surprise(state, cell, sigma, DEFAULT_TUNING) for sigma in np.linspace(0, 30, 200)]
    assert surprises == sorted(surprises)


def test_regression_equals_ridge_solved_directly():
    state, random = fresh(), noise(400 * FEATURES, 9).reshape(400, FEATURES)
    keep = 1.0 - 1.0 / (DEFAULT_TUNING.memory_days * HOURLY.day_buckets)
    products, targets = np.zeros((FEATURES, FEATURES)), np.zeros(FEATURES)
    for row in random:
        target = float(row[1] - 0.5 * row[4])
        learn_products(state, HOURLY, DEFAULT_TUNING, row, target, 0.0)
        products = keep * products + np.outer(row, row)
        targets = keep * targets + row * target
    solve_weights(state, HOURLY, DEFAULT_TUNING, np.zeros((FEATURES, FEATURES)))
    ridge = DEFAULT_TUNING.ridge * (1.0 + 0.001 * (np.trace(products) / FEATURES + 1.0))
    prior = np.array([prior_weight(feature) for feature in range(FEATURES)])
    direct = np.linalg.solve(products + ridge * np.eye(FEATURES), targets + ridge * prior)
    np.testing.assert_allclose(state[HOURLY.weights : HOURLY.weights + FEATURES], direct, rtol=1e-9)


def test_an_extreme_bucket_teaches_the_regression_nothing():
    state = fresh()
    before = state.copy()
    learn_products(state, HOURLY, DEFAULT_TUNING, np.ones(FEATURES), 5.0, DEFAULT_TUNING.residual_cut)
    np.testing.assert_array_equal(state, before)


def test_windows_sum_the_last_buckets_across_the_ring_and_forget_older_ones():
    state, first = fresh(), 1_000_003
    for step in range(200):
        remember_bucket(state, HOURLY, first + step, float(step), 2.0 * step, 1.0, step % 5 != 0)
    last = first + 199
    known = [step for step in range(184, 200) if step % 5]
    assert short_sums(state, HOURLY, last, 16) == pytest.approx((sum(known), 2 * sum(known), len(known), len(known)))
    assert short_sums(state, HOURLY, last, 4)[0] == 196 + 197 + 198 + 199
    oldest = (last // 16 - 3) * 16 - first
    known = [step for step in range(oldest, 200) if step % 5]
    assert block_sums(state, HOURLY, last, 64) == pytest.approx((sum(known), 2 * sum(known), len(known), len(known)))


def test_the_window_of_a_rare_count_expects_25_events_within_the_ring():
    assert rare_length(0.25) == 96
    assert rare_length(1e-6) == 31 * 16
    assert rare_length(1.9) == 32


def test_every_new_episode_raises_the_bar_and_it_decays():
    state, tuning = fresh(), DEFAULT_TUNING._replace(governor_step=0.06)
    for _ in range(5):
        govern(state, tuning, 30.0, 3.2, 24.0)
        for _ in range(4):
            govern(state, tuning, 0.0, 3.2, 24.0)
    raised = state[BAR]
    assert raised > 1.1
    assert govern(state, tuning, 12.0, 3.2, 24.0) < 12.0
    for _ in range(24 * 30):
        govern(state, tuning, 0.0, 3.2, 24.0)
    assert state[BAR] == 1.0


def test_one_long_episode_counts_once():
    state = fresh()
    for _ in range(50):
        govern(state, DEFAULT_TUNING, 30.0, 3.2, 24.0)
    assert state[BAR] <= 1.0 + DEFAULT_TUNING.governor_step


def test_a_long_hole_is_shortened_by_whole_weeks():
    begin = first_missing(HOURLY, 1000, 1_000_000)
    assert (begin - 1001) % HOURLY.week_slots == 0
    assert 1_000_000 - begin < 5 * HOURLY.week_slots
    assert first_missing(HOURLY, 1000, 1001) == 1001
