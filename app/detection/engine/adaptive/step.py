"""One bucket of one series, in constant time: read the baseline, judge the value, learn from it.

Live use, replay and simulation all go through `step_bucket`; there is no second path that could disagree.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from app.detection.engine.adaptive.band import learn_band
from app.detection.engine.adaptive.calibration import learn_tail, start_tails, tail_cell, tail_surprise
from app.detection.engine.adaptive.evidence import remember_bucket, weigh_windows
from app.detection.engine.adaptive.governor import govern, track_run
from app.detection.engine.adaptive.layout import (
    ALARM_RUN,
    BAR,
    CLIPPED_RUN,
    COUNT_SCALE,
    EXTREME_SHARE,
    FEATURES,
    HEADS,
    KNOWN,
    LEVEL,
    SEEN,
    SLOW_SHIFT,
    Floats,
    Layout,
)
from app.detection.engine.adaptive.profiles import blend_profiles, learn_profile_errors, learn_profiles, read_profiles
from app.detection.engine.adaptive.regression import (
    fade_residuals,
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
from app.detection.engine.adaptive.spread import learn_spread, read_spread, spread_slot
from app.detection.engine.adaptive.surprise import count_sigma
from app.detection.engine.adaptive.tuning import WARM_UP, Tuning
from app.detection.engine.compiled import compiled

# Cells of an output row.
SCORE, EXPECTED, SPREAD, HEAD, WINDOW_EXPECTED, HISTORY = range(6)
OUTPUTS = 6
_LEAST_COUNT_VARIANCE = 0.3


class Reading(NamedTuple):
    """What the state says about a bucket before its value is looked at."""

    day: float  # day profile
    week: float  # week profile
    blended: float  # both, by their recent error
    base: float  # blended profile and slow shift: the reference of the windows
    expected: float  # one-step prediction
    spread: float  # usual size of a miss
    variance: float  # of the value: the squared spread, for counts at least the expectation
    scale: float  # unit of the regression


@compiled
def start_series(state: Floats, layout: Layout) -> None:
    """Fill a row with the state of a series of which nothing is known."""
    state[:] = 0.0
    state[COUNT_SCALE] = 1.0
    state[BAR] = 1.0
    for feature in range(FEATURES):
        state[layout.weights + feature] = prior_weight(feature)
    for head in range(HEADS):
        state[layout.inflation + head] = 1.0
    start_tails(state, layout)


@compiled
def read_bucket(state: Floats, layout: Layout, tuning: Tuning, bucket: int, is_count: bool, features: Floats) -> Reading:
    """Baseline and spread of the coming bucket; fills the features."""
    day, week = read_profiles(state, layout, bucket, 0)
    blended = blend_profiles(state, layout, day, week)
    scale = fill_features(state, features, day, week)
    expected, base = predict(state, layout, features, scale), blended + state[SLOW_SHIFT]
    if is_count:
        least = max(0.02 * max(state[LEVEL], 0.0), 0.02 / (1.0 + 0.002 * state[SEEN]))
        expected, base = max(expected, least), max(base, least)
    spread = read_spread(state, layout, tuning, spread_slot(layout, bucket), expected, is_count)
    variance = max(spread * spread, expected) if is_count else spread * spread
    return Reading(day, week, blended, base, expected, spread, variance, scale)


@compiled
def _discount_recurrence(state: Floats, layout: Layout, tuning: Tuning, day_slot: int, sigma: float) -> float:
    """Divide a deviation by the peaks that recent days had at this time of day; remembers this one."""
    slots = layout.day_slots
    here = layout.recurrence + day_slot
    before, after = layout.recurrence + (day_slot - 1) % slots, layout.recurrence + (day_slot + 1) % slots
    peak = max(state[here], state[before], state[after])
    state[here] = max(state[here] * tuning.recurrence_decay, min(sigma, 12.0))
    return float(sigma / max(1.0, tuning.recurrence * peak / 3.0))


@compiled
def _bucket_surprise(
    state: Floats, layout: Layout, tuning: Tuning, bucket: int, value: float, reading: Reading, is_count: bool
) -> float:
    """Surprise of the bucket by itself; teaches the series' own tail."""
    if is_count:
        sigma = count_sigma(value, reading.expected, reading.variance)
    else:
        sigma = abs(value - reading.expected) / math.sqrt(reading.variance)
    sigma = _discount_recurrence(state, layout, tuning, bucket % layout.day_slots, sigma)
    cell = tail_cell(layout, 0, value < reading.expected)
    surprise = tail_surprise(state, cell, sigma, tuning)
    is_extreme = surprise >= tuning.training_cut
    state[EXTREME_SHARE] += ((1.0 if is_extreme else 0.0) - state[EXTREME_SHARE]) / (7.0 * layout.day_buckets)
    if not is_extreme or state[EXTREME_SHARE] > tuning.extreme_share:
        learn_tail(state, cell, sigma, tuning, tuning.tail_days * layout.day_buckets)
    return hurdle_surprise(state, value) if is_sparse(state, is_count) else surprise


@compiled
def _learn_slow_shift(state: Floats, layout: Layout, tuning: Tuning, deviation: float, sigma: float) -> None:
    """Follow a lasting deviation: slowly while an alarm runs, fast after two days of it (the new normal)."""
    limit = 2.0 * tuning.winsor_sigma * sigma
    pace = 1.0
    if state[ALARM_RUN] >= 2 * layout.day_buckets:
        pace = 8.0
    elif state[ALARM_RUN] > 0.0:
        pace = 0.25
    rate = min(0.5, pace / min(state[KNOWN] + 1.0, tuning.slow_days * layout.day_buckets))
    state[SLOW_SHIFT] += rate * max(-limit, min(limit, deviation))


@compiled
def _window_surprise(
    state: Floats, layout: Layout, tuning: Tuning, bucket: int, value: float, reading: Reading, is_count: bool
) -> tuple[float, int, float]:
    """Enter the value, capped, into the windows and weigh them: (surprise, head, what the window expected)."""
    base, deviation = reading.base, value - reading.base
    variance = reading.spread * reading.spread
    if is_count:
        variance = max(variance * max(base, 0.05) / max(reading.expected, 0.05), base)
    cap = tuning.window_cap * math.sqrt(variance)
    remember_bucket(state, layout, bucket, base + max(-cap, min(cap, deviation)), base, variance, True)
    # Before the first weekend is known, a quiet weekend would look like a shift.
    if state[SEEN] < max(WARM_UP, tuning.window_weeks * layout.week_slots) or is_sparse(state, is_count):
        return 0.0, 0, 0.0
    return weigh_windows(state, layout, tuning, bucket, deviation, is_count)


@compiled
def _learn_value(
    state: Floats, layout: Layout, tuning: Tuning, bucket: int, value: float, reading: Reading, is_count: bool
) -> None:
    slot = spread_slot(layout, bucket)
    learn_band(state, layout, slot, value - reading.base, reading.base, is_count)
    learn_spread(state, layout, tuning, slot, value, reading.expected, reading.spread, is_count)
    learn_sparse(state, layout, value)
    learn_profile_errors(state, layout, tuning, value, reading.day, reading.week, reading.spread)
    _learn_slow_shift(state, layout, tuning, value - reading.base, math.sqrt(reading.variance))


@compiled
def _judge_value(
    state: Floats, layout: Layout, tuning: Tuning, bucket: int, value: float, reading: Reading, is_count: bool, out: Floats
) -> None:
    """Weigh the evidence of a known value, write the verdict, and learn what the evidence learns."""
    is_warm = state[KNOWN] >= WARM_UP
    surprise = _bucket_surprise(state, layout, tuning, bucket, value, reading, is_count) if is_warm else 0.0
    _learn_value(state, layout, tuning, bucket, value, reading, is_count)
    window_surprise, head, window_expected = _window_surprise(state, layout, tuning, bucket, value, reading, is_count)
    if window_surprise > surprise:
        surprise, out[HEAD], out[WINDOW_EXPECTED] = window_surprise, head, window_expected
    if is_warm:
        correction = math.log(max(layout.buckets_per_day, 1.0))
        surprise = govern(state, tuning, surprise, correction, layout.buckets_per_day)
        score = daily_score(surprise, correction, layout.buckets_per_day)
        track_run(state, score)
        pivot = reading.expected if out[HEAD] == 0 else reading.base
        out[SCORE] = score if value >= pivot else -score
    state[KNOWN] += 1.0


@compiled
def _within(value: float, reading: Reading, sigma_limit: float, is_count: bool) -> float:
    """The value, at most so many sigma from the expectation."""
    limit = sigma_limit * math.sqrt(max(reading.variance, _LEAST_COUNT_VARIANCE) if is_count else reading.variance)
    return reading.expected + max(-limit, min(limit, value - reading.expected))


@compiled
def _clean(state: Floats, tuning: Tuning, value: float, reading: Reading, is_count: bool) -> float:
    """The value a bucket may teach the profiles, so that an incident does not become the baseline."""
    if math.isnan(value):
        return reading.expected
    return value if state[SEEN] < WARM_UP else _within(value, reading, tuning.winsor_sigma, is_count)


@compiled
def _believe(state: Floats, tuning: Tuning, value: float, reading: Reading, is_count: bool) -> float:
    """The value the next predictions start from: a lone spike is cut, a lasting change is believed within a few buckets.

    The limit doubles with every value in a row that exceeds it. With a fixed limit a prediction that has gone astray would be fed
    from itself and never come back.
    """
    if state[SEEN] < WARM_UP:
        return value
    believed = _within(value, reading, tuning.winsor_sigma * tuning.belief_growth ** min(state[CLIPPED_RUN], 40.0), is_count)
    state[CLIPPED_RUN] = 0.0 if believed == value else state[CLIPPED_RUN] + 1.0
    return believed


@compiled
def step_bucket(
    state: Floats,
    layout: Layout,
    tuning: Tuning,
    bucket: int,
    value: float,
    is_count: bool,
    features: Floats,
    matrix: Floats,
    out: Floats,
) -> None:
    """Judge one bucket and learn it; `features` and `matrix` are work space.

    `bucket` counts from the epoch. NaN is a missing value: nothing is said and nothing but the passing of time is learned.
    """
    out[SCORE] = out[EXPECTED] = out[SPREAD] = out[WINDOW_EXPECTED] = math.nan
    out[HEAD], out[HISTORY] = 0.0, state[KNOWN]
    is_missing = math.isnan(value)
    if state[SEEN] == 0.0 and is_missing:
        return
    reading = read_bucket(state, layout, tuning, bucket, is_count, features)
    out[EXPECTED], out[SPREAD], out[WINDOW_EXPECTED] = reading.expected, math.sqrt(reading.variance), reading.expected
    cleaned = _clean(state, tuning, value, reading, is_count)
    level = state[LEVEL]
    if is_missing:
        remember_bucket(state, layout, bucket, 0.0, 0.0, 0.0, False)
        fade_residuals(state)
    else:
        is_warm = state[KNOWN] >= WARM_UP
        _judge_value(state, layout, tuning, bucket, value, reading, is_count, out)
        if is_warm:
            target = (cleaned - level) / reading.scale
            learn_products(state, layout, tuning, features, target, abs(value - reading.expected) / out[SPREAD])
        believed = _believe(state, tuning, value, reading, is_count)
        remember_residuals(state, believed, reading.day, reading.week, reading.blended)
    learn_profiles(state, layout, tuning, bucket % layout.day_slots, bucket % layout.week_slots, cleaned, is_missing)
    if is_solving_time(int(state[SEEN]), layout.day_buckets):
        solve_weights(state, layout, tuning, matrix)
    state[SEEN] += 1.0
