"""How far off the baseline is, for forecasts: a running 95 % quantile of its error in units of the spread of the hour.

The error is that of the profiles and the slow shift alone, without the last residuals, taken before the bucket is learned: what a
forecast of a day or more would have missed by.
"""

from __future__ import annotations

import math

from app.detection.engine.adaptive.layout import BAND, BAND_COUNT, LEVEL, RESIDUAL_SCALE, SEEN, Floats, Layout
from app.detection.engine.compiled import compiled

BAND_LEVEL = 0.95
_FIRST_BAND = 2.5
_LOCAL_SHARE = 0.7
_MEMORY_DAYS = 28.0


@compiled
def band_unit(state: Floats, layout: Layout, slot: int, base: float, is_count: bool) -> float:
    """The unit of the band at a slot of the day: mostly the spread of that slot, partly that of the whole day; Poisson at least."""
    whole = state[RESIDUAL_SCALE]
    local = state[layout.spread + slot] if state[layout.spread_count + slot] > 0.0 else whole
    variance = (1.0 - _LOCAL_SHARE) * whole * whole + _LOCAL_SHARE * local * local
    if is_count:
        variance = max(variance, base)
    return float(math.sqrt(variance) + 1e-5 * abs(state[LEVEL]) + 1e-12)


@compiled
def learn_band(state: Floats, layout: Layout, slot: int, error: float, base: float, is_count: bool) -> None:
    """Move the quantile towards the size of this error; the first day is too early."""
    if state[SEEN] < layout.day_slots:
        state[BAND] = _FIRST_BAND
        return
    size = abs(error) / band_unit(state, layout, slot, base, is_count)
    state[BAND_COUNT] = min(state[BAND_COUNT] + 1.0, 1e6)
    rate = max(1.0 / (_MEMORY_DAYS * layout.day_buckets), 1.0 / (state[BAND_COUNT] + 50.0))
    step = 4.0 * rate * max(state[BAND], 0.5)
    state[BAND] = max(0.5, state[BAND] + step * (BAND_LEVEL if size > state[BAND] else BAND_LEVEL - 1.0))
