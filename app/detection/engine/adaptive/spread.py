"""How much one bucket usually misses its prediction: by time of day, shrunk to the global scale, never below the resolution.

The scale is a running mean absolute deviation with a clipped tail (a Huber-type scale): heavy tails and incidents widen it little.
"""

from __future__ import annotations

import math

from app.detection.engine.adaptive.layout import (
    COUNT_SCALE,
    KNOWN,
    LAST_VALUE,
    LEVEL,
    RESIDUAL_SCALE,
    RESOLUTION,
    Floats,
    Layout,
)
from app.detection.engine.adaptive.tuning import Tuning
from app.detection.engine.compiled import compiled

_MEAN_DEVIATION_TO_SIGMA = 1.2533
_LEAST_EXPECTED = 0.05
_CLIP_FROM = 20
_LONGEST_MEMORY = 2000.0


@compiled
def spread_slot(layout: Layout, bucket: int) -> int:
    """The slot of the day that a bucket's spread is kept under."""
    return ((bucket % layout.day_slots) * layout.spread_slots) // layout.day_slots


@compiled
def read_spread(state: Floats, layout: Layout, tuning: Tuning, slot: int, expected: float, is_count: bool) -> float:
    """Sigma of the coming bucket, before the Poisson floor of counts."""
    whole = state[RESIDUAL_SCALE]
    spread = state[COUNT_SCALE] * math.sqrt(max(expected, _LEAST_EXPECTED)) if is_count else whole
    known = state[layout.spread_count + slot]
    if known > 0.0:
        slots = layout.spread_slots
        left, right = (slot - 1) % slots, (slot + 1) % slots
        local = state[layout.spread + slot]
        if state[layout.spread_count + left] > 0.0 and state[layout.spread_count + right] > 0.0:
            local = 0.5 * local + 0.25 * (state[layout.spread + left] + state[layout.spread + right])
        share = tuning.spread_prior / (tuning.spread_prior + known)
        spread = math.sqrt(share * spread * spread + (1.0 - share) * local * local)
    level = abs(state[LEVEL])
    smallest_step = min(state[RESOLUTION], 0.2 * max(level, whole))
    return float(max(spread, 1e-12 + 1e-5 * level + 0.3 * smallest_step))


@compiled
def learn_spread(
    state: Floats, layout: Layout, tuning: Tuning, slot: int, value: float, expected: float, spread: float, is_count: bool
) -> None:
    """Teach the global and the slot's spread one prediction error."""
    known = state[KNOWN]
    size = abs(value - expected)
    unit = _MEAN_DEVIATION_TO_SIGMA
    memory = min(7.0 * layout.day_buckets, _LONGEST_MEMORY)
    rate = max(1.0 / (known + 1.0), 1.0 / memory)
    if known > _CLIP_FROM:
        clip = tuning.count_clip if is_count else tuning.metric_clip
        unit *= 1.0 + 0.9 * math.exp(-0.5 * clip * clip) / clip
        if size > clip * spread:
            # Without a faster step here the scale collapses after a quiet time and cannot climb back.
            rate = max(rate, 1.0 / 30.0)
            size = clip * spread
    size *= unit
    state[RESIDUAL_SCALE] += rate * (size - state[RESIDUAL_SCALE])
    if is_count:
        state[COUNT_SCALE] += rate * (size / math.sqrt(max(expected, _LEAST_EXPECTED)) - state[COUNT_SCALE])
    count = state[layout.spread_count + slot]
    state[layout.spread + slot] += max(1.0 / (count + 1.0), 1.0 / tuning.spread_memory) * (size - state[layout.spread + slot])
    state[layout.spread_count + slot] = min(count + 1.0, 1e6)
    if known > 0.0:
        _learn_resolution(state, value)
    state[LAST_VALUE] = value


@compiled
def _learn_resolution(state: Floats, value: float) -> None:
    step = abs(value - state[LAST_VALUE])
    if step > 0.0 and (state[RESOLUTION] == 0.0 or step < state[RESOLUTION]):
        state[RESOLUTION] = step
    elif state[RESOLUTION] > 0.0:
        state[RESOLUTION] *= 1.0005
