"""Which baseline a bucket gets: the longest season with enough cycles, else the rolling one (contract 6.3)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.detection.engine.baseline import (
    CYCLES_REQUIRED,
    LONG_CYCLES,
    ROLLING_FLOOR_SHARE,
    SEASONAL_FLOOR_SHARE,
    SHORT_CYCLES,
    UNSEEN_WEEK_FLOOR_SHARE,
)
from app.detection.engine.compiled import inlined
from app.detection.engine.seasonal.phase import phase_estimate, spread_floor
from app.detection.engine.seasonal.rolling import rolling_estimate
from app.detection.engine.seasonal.work import Floats, Memory, Rules

Periods = npt.NDArray[np.int64]


class Expectation(NamedTuple):
    """`kind` indexes the periods, one past them is the rolling baseline. NaN expected is unknown.

    `own` is the spread of the history itself, `floor` the least spread of counts; `history` the buckets the rolling one had.
    """

    expected: float
    own: float
    floor: float
    kind: int
    history: int


@inlined
def expectation_at(
    counts: Floats, memory: Memory, rules: Rules, periods: Periods, first_known: int, level_prior: float, row: int
) -> Expectation:
    """From the rows before `row` alone."""
    for kind in range(periods.size):
        if row - first_known < CYCLES_REQUIRED * periods[kind]:
            continue
        cycles = LONG_CYCLES if kind == 0 else SHORT_CYCLES
        expected, own = phase_estimate(counts, memory, kind, row, periods[kind], cycles, level_prior)
        if not math.isnan(expected):
            share = SEASONAL_FLOOR_SHARE if kind == 0 else UNSEEN_WEEK_FLOOR_SHARE
            return Expectation(expected, own, spread_floor(expected, share), kind, 0)
    mean, deviation, known = rolling_estimate(counts, row, rules.baseline_window, rules.min_history)
    return Expectation(mean, deviation, spread_floor(mean, ROLLING_FLOOR_SHARE), periods.size, known)
