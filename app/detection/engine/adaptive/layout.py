"""Where each number of a series' state lives: one flat row of float64 per series, the same for live use, replay and simulation.

The first `SCALARS` cells are single numbers, named below; the arrays behind them start at the offsets of a `Layout`, which depends
only on the bucket width. numba sees the names as constants and the layout as a tuple of integers: names cost nothing at run time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Observed, expected, variance and number of known buckets of a window.
Sums = tuple[float, float, float, float]

DAY_SECONDS = 86_400
SPREAD_SLOTS = 48
FEATURES = 9
TRIANGLE = FEATURES * (FEATURES + 1) // 2
SHORT_WINDOW = 4
LONG_WINDOW = 16
BLOCK = 16
BLOCKS = 32
# Evidence heads, in the order of their cells: one bucket, 4 buckets, 16 buckets, silence of a rare count.
HEADS = 4
# Three cells for each side: deviations upwards, then downwards.
TAIL_CELLS = 3
TAIL_SIDES = 2

(
    SEEN,  # buckets since the first known value, missing ones included
    KNOWN,  # known values
    LEVEL,  # slow mean
    RESIDUAL_SCALE,  # global scale of the one-step residual
    COUNT_SCALE,  # the same in units of the square root of the expected count
    DAY_RESIDUAL,  # cleaned value minus day profile, last bucket
    DAY_RESIDUAL_BEFORE,
    WEEK_RESIDUAL,
    WEEK_RESIDUAL_BEFORE,
    CLEANED,  # last cleaned value
    CLEANED_BEFORE,
    FAST_RESIDUAL,  # short memory of the residual to the blended profile
    SLOW_SHIFT,  # slow deviation of the level from the profiles
    DAY_ERROR,  # mean squared error of the day profile
    WEEK_ERROR,
    ALARM_RUN,  # buckets in the running episode
    QUIET_RUN,  # quiet buckets since
    RESOLUTION,  # smallest step seen
    LAST_VALUE,
    BAR,  # governor: how much more surprise an alarm needs, 1 = none
    IN_EPISODE,
    EPISODE_QUIET,
    EXTREME_SHARE,  # recent share of buckets too extreme to train the tail
    ZERO_SHARE,
    LOG_MEAN,
    LOG_VARIANCE,
    POSITIVE,  # positive values seen
    HAS_NEGATIVE,
    BLOCK_NUMBER,  # number of the block of 16 buckets being filled
    BAND,  # running 95 % quantile of the baseline's error, for forecasts
    BAND_COUNT,
    CLIPPED_RUN,  # values in a row that were too far off to be believed at once
) = range(32)
SCALARS = 32


class Layout(NamedTuple):
    """Periods and memory in buckets, and the offsets of the arrays in a state row."""

    day_slots: int
    week_slots: int
    day_buckets: int  # the unit of memory: a day, or a week of daily and weekly buckets
    buckets_per_day: float
    smoothing: int  # neighbours on each side that a profile is smoothed over, one hour
    spread_slots: int
    day_profile: int
    week_profile: int
    spread: int
    spread_count: int
    products: int  # upper triangle of the regression's weighted feature products
    targets: int
    weights: int
    window_observed: int
    window_expected: int
    window_variance: int
    window_known: int
    block_observed: int
    block_expected: int
    block_variance: int
    block_known: int
    inflation: int
    inflation_count: int
    tails: int
    recurrence: int
    width: int


def layout_for(interval_seconds: int) -> Layout:
    """The layout for a bucket width; ValueError unless it is positive."""
    if interval_seconds <= 0:
        msg = "A bucket is at least one second wide."
        raise ValueError(msg)
    if interval_seconds < DAY_SECONDS:
        day_slots = max(1, round(DAY_SECONDS / interval_seconds))
        week_slots, day_buckets = 7 * day_slots, day_slots
    elif interval_seconds < 7 * DAY_SECONDS:
        day_slots, week_slots, day_buckets = 7, 28, 7
    else:
        day_slots, week_slots, day_buckets = 1, 1, 7
    spread_slots = min(day_slots, SPREAD_SLOTS)
    sizes = (
        day_slots,
        week_slots,
        spread_slots,
        spread_slots,
        TRIANGLE,
        FEATURES,
        FEATURES,
        *(LONG_WINDOW,) * 4,
        *(BLOCKS,) * 4,
        HEADS,
        HEADS,
        HEADS * TAIL_SIDES * TAIL_CELLS,
        day_slots,
    )
    offsets = [SCALARS]
    for size in sizes:
        offsets.append(offsets[-1] + size)
    smoothing = round(day_slots / 24) if interval_seconds < DAY_SECONDS else 0
    return Layout(day_slots, week_slots, day_buckets, DAY_SECONDS / interval_seconds, smoothing, spread_slots, *offsets)
