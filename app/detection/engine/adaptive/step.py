"""One bucket of one series, in constant time: read the baseline, judge the value, learn from it.

Live use, replay and simulation all go through `step_bucket`; there is no second path that could disagree.
"""

from __future__ import annotations

import math

from numba import njit

from app.detection.engine.adaptive.calibration import FIRST_90, FIRST_97, learn_tail, tail_surprise
from app.detection.engine.adaptive.evidence import remember_bucket, weigh_windows
from app.detection.engine.adaptive.governor import govern, track_run
from app.detection.engine.adaptive.layout import (
    ALARM_RUN,
    BAR,
    COUNT_SCALE,
    EXTREME_SHARE,
    FEATURES,
    HEADS,
    KNOWN,
    LEVEL,
    SEEN,
    SLOW_SHIFT,
    TAIL_CELLS,
)
from app.detection.engine.adaptive.profiles import blend_profiles, learn_profile_errors, learn_profiles, read_profiles
from app.detection.engine.adaptive.regression import (
    fill_features,
    is_solving_time,
    learn_products,
    predict,
    prior_weight,
    remember_residuals,
    solve_weights,
)
from app.detection.engine.adaptive.scores import daily_score
from app.detection.engine.adaptive.sparse import hurdle_surprise, is_sparse, learn_sparse
from app.detection.engine.adaptive.spread import learn_spread, read_spread
from app.detection.engine.adaptive.surprise import count_surprise, sigma_of_surprise
from app.detection.engine.adaptive.tuning import WARM_UP

# Cells of the output row.
SCORE, EXPECTED, SPREAD, HEAD, WINDOW_EXPECTED = range(5)
OUTPUTS = 5


@njit(cache=True)
def start_series(state, layout):
    """Fill a row with the state of a series of which nothing is known."""
    state[:] = 0.0
    state[COUNT_SCALE] = 1.0
    state[BAR] = 1.0
    for feature in range(FEATURES):
        state[layout.weights + feature] = prior_weight(feature)
    for head in range(HEADS):
        state[layout.inflation + head] = 1.0
        state[layout.tails + TAIL_CELLS * head] = FIRST_90
        state[layout.tails + TAIL_CELLS * head + 1] = FIRST_97


@njit(cache=True)
def _discount_recurrence(state, layout, tuning, day_slot, sigma):
    """Divide a deviation by the peaks that recent days had at this time of day; remembers this one."""
    slots = layout.day_slots
    here = layout.recurrence + day_slot
    before, after = layout.recurrence + (day_slot - 1) % slots, layout.recurrence + (day_slot + 1) % slots
    peak = max(state[here], state[before], state[after])
    state[here] = max(state[here] * tuning.recurrence_decay, min(sigma, 12.0))
    return sigma / max(1.0, tuning.recurrence * peak / 3.0)


@njit(cache=True)
def _bucket_surprise(state, layout, tuning, day_slot, value, expected, variance, is_count):
    """Surprise of the bucket by itself; teaches the series' own tail."""
    if is_count:
        sigma = sigma_of_surprise(count_surprise(value, expected, variance))
    else:
        sigma = abs(value - expected) / math.sqrt(variance)
    sigma = _discount_recurrence(state, layout, tuning, day_slot, sigma)
    surprise = tail_surprise(state, layout.tails, sigma, tuning)
    is_extreme = surprise >= tuning.training_cut
    state[EXTREME_SHARE] += ((1.0 if is_extreme else 0.0) - state[EXTREME_SHARE]) / (7.0 * layout.day_buckets)
    if not is_extreme or state[EXTREME_SHARE] > tuning.extreme_share:
        learn_tail(state, layout.tails, sigma, tuning.tail_days * layout.day_buckets)
    return hurdle_surprise(state, value) if is_sparse(state, is_count) else surprise


@njit(cache=True)
def _learn_slow_shift(state, layout, tuning, deviation, spread):
    """Follow a lasting deviation: slowly while an alarm runs, fast after two days of it (the new normal)."""
    limit = 2.0 * tuning.winsor_sigma * spread
    pace = 1.0
    if state[ALARM_RUN] >= 2 * layout.day_buckets:
        pace = 8.0
    elif state[ALARM_RUN] > 0.0:
        pace = 0.25
    rate = min(0.5, pace / min(state[KNOWN] + 1.0, tuning.slow_days * layout.day_buckets))
    state[SLOW_SHIFT] += rate * max(-limit, min(limit, deviation))


@njit(cache=True)
def _judge_and_learn(state, layout, tuning, bucket, value, is_count, expected, base, spread, variance, day, week, out):
    """Best evidence for a known value, and everything but profiles and regression learned from it. Returns the surprise."""
    day_slot = bucket % layout.day_slots
    spread_slot = (day_slot * layout.spread_slots) // layout.day_slots
    error, deviation, sigma = value - expected, value - base, math.sqrt(variance)
    surprise = 0.0
    if state[KNOWN] >= WARM_UP:
        surprise = _bucket_surprise(state, layout, tuning, day_slot, value, expected, variance, is_count)
    sparse = is_sparse(state, is_count)
    learn_spread(state, layout, tuning, spread_slot, value, error, spread, expected, is_count)
    learn_sparse(state, layout, value)
    learn_profile_errors(state, layout, tuning, value, day, week, spread, state[SLOW_SHIFT])
    _learn_slow_shift(state, layout, tuning, deviation, sigma)
    base_variance = spread * spread
    if is_count:
        base_variance = max(base_variance * max(base, 0.05) / max(expected, 0.05), base)
    cap = tuning.window_cap * math.sqrt(base_variance)
    remember_bucket(state, layout, bucket, base + max(-cap, min(cap, deviation)), base, base_variance, True)
    out[HEAD], out[WINDOW_EXPECTED] = 0, expected
    if state[SEEN] >= max(WARM_UP, layout.day_buckets // 2) and not sparse:
        windows = weigh_windows(state, layout, tuning, bucket, deviation, is_count)
        if windows[0] > surprise:
            surprise, out[HEAD], out[WINDOW_EXPECTED] = windows
    state[KNOWN] += 1.0
    return surprise


@njit(cache=True)
def _clean(state, tuning, value, expected, variance, is_count):
    """The value a bucket may teach: at most a few sigma from the expectation."""
    if math.isnan(value):
        return expected
    if state[SEEN] < WARM_UP:
        return value
    limit = tuning.winsor_sigma * math.sqrt(max(variance, 0.3) if is_count else variance)
    return expected + max(-limit, min(limit, value - expected))


@njit(cache=True)
def step_bucket(state, layout, tuning, bucket, value, is_count, features, matrix, out):
    """Judge one bucket and learn it. `bucket` is the epoch-based bucket number; NaN is a missing value: nothing is said or learned."""
    out[SCORE] = out[EXPECTED] = out[SPREAD] = out[WINDOW_EXPECTED] = math.nan
    out[HEAD] = 0
    if state[SEEN] == 0.0 and math.isnan(value):
        return
    day_slot, week_slot = bucket % layout.day_slots, bucket % layout.week_slots
    day, week = read_profiles(state, layout, day_slot, week_slot)
    blended = blend_profiles(state, layout, day, week)
    scale = fill_features(state, features, day, week)
    level = state[LEVEL]
    expected, base = predict(state, layout, features, scale), blended + state[SLOW_SHIFT]
    if is_count:
        least = max(0.02 * max(level, 0.0), 0.02 / (1.0 + 0.002 * state[SEEN]))
        expected, base = max(expected, least), max(base, least)
    spread = read_spread(state, layout, tuning, (day_slot * layout.spread_slots) // layout.day_slots, expected, is_count)
    variance = max(spread * spread, expected) if is_count else spread * spread
    out[EXPECTED], out[SPREAD] = expected, math.sqrt(variance)
    cleaned = _clean(state, tuning, value, expected, variance, is_count)
    is_missing = math.isnan(value)
    if is_missing:
        remember_bucket(state, layout, bucket, 0.0, 0.0, 0.0, False)
    else:
        known = state[KNOWN]
        surprise = _judge_and_learn(state, layout, tuning, bucket, value, is_count, expected, base, spread, variance, day, week, out)
        if known >= WARM_UP:
            correction = math.log(max(layout.buckets_per_day, 1.0))
            surprise = govern(state, tuning, surprise, correction, layout.buckets_per_day)
            score = daily_score(surprise, correction, layout.buckets_per_day)
            track_run(state, score)
            pivot = expected if out[HEAD] == 0 else base
            out[SCORE] = score if value >= pivot else -score
            learn_products(state, layout, tuning, features, (cleaned - level) / scale, abs(value - expected) / out[SPREAD])
    remember_residuals(state, cleaned, day, week, blended)
    learn_profiles(state, layout, tuning, day_slot, week_slot, cleaned, is_missing)
    if is_solving_time(int(state[SEEN]), layout.day_buckets):
        solve_weights(state, layout, tuning, matrix)
    state[SEEN] += 1.0
