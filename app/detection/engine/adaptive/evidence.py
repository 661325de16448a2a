"""Evidence that grows over several buckets: level shifts, slow leaks, and rare counts that fall silent.

A window sums value minus slow base over its buckets, each capped so that one spike is not a shift, divides by the square root of
the summed variances and by the median size that this ratio usually has (the base is never quite right, and its errors last).
"""

from __future__ import annotations

import math

from app.detection.engine.adaptive.calibration import learn_tail, tail_cell, tail_surprise
from app.detection.engine.adaptive.layout import (
    BLOCK,
    BLOCK_NUMBER,
    BLOCKS,
    LEVEL,
    LONG_WINDOW,
    SHORT_WINDOW,
    Floats,
    Layout,
    Sums,
)
from app.detection.engine.adaptive.surprise import count_sigma
from app.detection.engine.adaptive.tuning import Tuning
from app.detection.engine.compiled import compiled

RARE_MEAN = 2.0
_RARE_EVENTS = 25.0
_FEW_EVENTS = 60.0
_NORMAL_MEDIAN = 0.6745


@compiled
def remember_bucket(
    state: Floats, layout: Layout, bucket: int, observed: float, expected: float, variance: float, is_known: bool
) -> None:
    """Write a bucket into the ring of the short windows and into its block of the rare-count window."""
    place = bucket % LONG_WINDOW
    known = 1.0 if is_known else 0.0
    state[layout.window_observed + place] = observed * known
    state[layout.window_expected + place] = expected * known
    state[layout.window_variance + place] = variance * known
    state[layout.window_known + place] = known
    number = bucket // BLOCK
    block = number % BLOCKS
    if state[BLOCK_NUMBER] != number % (4 * BLOCKS):
        state[BLOCK_NUMBER] = number % (4 * BLOCKS)
        state[layout.block_observed + block] = 0.0
        state[layout.block_expected + block] = 0.0
        state[layout.block_variance + block] = 0.0
        state[layout.block_known + block] = 0.0
    if is_known:
        state[layout.block_observed + block] += observed
        state[layout.block_expected + block] += expected
        state[layout.block_variance + block] += variance
        state[layout.block_known + block] += 1.0


@compiled
def short_sums(state: Floats, layout: Layout, bucket: int, length: int) -> Sums:
    """Observed, expected, variance and number of known buckets over the last `length` buckets."""
    observed, expected, variance, known = 0.0, 0.0, 0.0, 0.0
    for back in range(length):
        place = (bucket - back) % LONG_WINDOW
        observed += state[layout.window_observed + place]
        expected += state[layout.window_expected + place]
        variance += state[layout.window_variance + place]
        known += state[layout.window_known + place]
    return observed, expected, variance, known


@compiled
def block_sums(state: Floats, layout: Layout, bucket: int, length: int) -> Sums:
    """The same over whole blocks: the running one and those before it that together make up `length` buckets."""
    observed, expected, variance, known = 0.0, 0.0, 0.0, 0.0
    number = bucket // BLOCK
    for back in range(length // BLOCK):
        block = (number - back) % BLOCKS
        observed += state[layout.block_observed + block]
        expected += state[layout.block_expected + block]
        variance += state[layout.block_variance + block]
        known += state[layout.block_known + block]
    return observed, expected, variance, known


@compiled
def rare_length(level: float) -> int:
    """Buckets in which a rare count is expected to bring 25 events, in whole blocks, within the ring."""
    wanted = _RARE_EVENTS / max(level, 1e-3)
    return BLOCK * int(min(BLOCKS - 1.0, max(2.0, wanted / BLOCK)))


@compiled
def window_sigma(state: Floats, layout: Layout, head: int, sums: Sums, is_count: bool) -> tuple[float, float]:
    """|z| of a window after its usual inflation, and the raw ratio that teaches the inflation."""
    observed, expected, variance, _ = sums
    ratio = abs(observed - expected) / math.sqrt(max(variance, 1e-300))
    inflation = max(state[layout.inflation + head], 1.0)
    if is_count and expected < _FEW_EVENTS:
        return count_sigma(max(observed, 0.0), expected, variance * inflation * inflation), ratio
    return ratio / inflation, ratio


@compiled
def weigh_window(state: Floats, layout: Layout, tuning: Tuning, head: int, sums: Sums, deviation: float, is_count: bool) -> float:
    """Surprise of a window, 0 while it is immature or the current bucket points the other way; teaches its tail and inflation."""
    seen = state[layout.inflation_count + head]
    sigma, ratio = window_sigma(state, layout, head, sums, is_count)
    surprise = 0.0
    if seen >= min(layout.day_buckets, 48):
        cell = tail_cell(layout, head, sums[0] < sums[1])
        surprise = tail_surprise(state, cell, sigma, tuning)
        if surprise < tuning.training_cut:
            learn_tail(state, cell, sigma, tuning, tuning.tail_days * layout.day_buckets)
        if deviation * (sums[0] - sums[1]) <= 0.0:
            surprise = 0.0
    usual = state[layout.inflation + head]
    step = 1.2 * usual * max(1.0 / (7.0 * layout.day_buckets), 1.0 / (seen + 21.0))
    state[layout.inflation + head] += step if ratio > _NORMAL_MEDIAN * usual else -step
    state[layout.inflation_count + head] = min(seen + 1.0, 1e6)
    return surprise


@compiled
def weigh_windows(
    state: Floats, layout: Layout, tuning: Tuning, bucket: int, deviation: float, is_count: bool
) -> tuple[float, int, float]:
    """The most surprising window: (surprise, head, what it expected); head 0 and surprise 0 when none has anything to say."""
    best, best_head, best_expected = 0.0, 0, 0.0
    longest = max(SHORT_WINDOW, layout.day_buckets // 2)
    for head in range(1, 4):
        if head == 3:
            if not is_count or state[LEVEL] >= RARE_MEAN:
                continue
            length = rare_length(state[LEVEL])
            sums = block_sums(state, layout, bucket, length)
        else:
            length = SHORT_WINDOW if head == 1 else LONG_WINDOW
            if length > longest:
                continue
            sums = short_sums(state, layout, bucket, length)
        if sums[3] < max(1, length // 2):
            continue
        surprise = weigh_window(state, layout, tuning, head, sums, deviation, is_count)
        if surprise > best:
            best, best_head, best_expected = surprise, head, sums[1]
    return best, best_head, best_expected
