"""Each series' own tails: how surprising is a deviation of this size, to this side, for this series?

Real residuals are heavier than normal, each series differently, and often skewed. Two running quantiles of the deviation in sigma,
kept for each side, fix a Weibull-type tail: -ln p = c (z / upper)^k. The quantiles lie low (85 % and 95 %) so that the incidents in
the history, a few percent of the buckets, hardly move them; the shape k is shrunk towards what most series have. Quantiles move by
stochastic approximation (Robbins and Monro).
"""

from __future__ import annotations

import math

from app.detection.engine.adaptive.layout import HEADS, TAIL_CELLS, TAIL_SIDES, Floats, Layout
from app.detection.engine.adaptive.surprise import normal_surprise
from app.detection.engine.adaptive.tuning import Tuning
from app.detection.engine.compiled import compiled

LOWER_QUANTILE, UPPER_QUANTILE = 0.85, 0.95
# The same quantiles of |z| where z is normal: where every tail starts, and what "not wider than normal" means.
NORMAL_LOWER, NORMAL_UPPER = 1.440, 1.960
_UPPER_SURPRISE = -math.log(1.0 - UPPER_QUANTILE)
_SHAPE_NUMERATOR = math.log(math.log(1.0 - UPPER_QUANTILE) / math.log(1.0 - LOWER_QUANTILE))
_LEAST_RATIO = 1.15
_TRUST_AFTER = 400.0


@compiled
def tail_cell(layout: Layout, head: int, is_below: bool) -> int:
    """First of the three cells (lower quantile, upper quantile, count) of a head's tail on one side."""
    return layout.tails + TAIL_CELLS * (TAIL_SIDES * head + (1 if is_below else 0))


@compiled
def start_tails(state: Floats, layout: Layout) -> None:
    """Every tail begins as that of a normal deviation."""
    for head in range(HEADS):
        for side in range(TAIL_SIDES):
            cell = tail_cell(layout, head, side == 1)
            state[cell], state[cell + 1], state[cell + 2] = NORMAL_LOWER, NORMAL_UPPER, 0.0


@compiled
def tail_surprise(state: Floats, cell: int, sigma: float, tuning: Tuning) -> float:
    """-ln p of a deviation of `sigma` under the tail that starts at `cell`."""
    if sigma <= 0.0:
        return 0.0
    lower, upper = state[cell], state[cell + 1]
    if sigma <= upper:
        return normal_surprise(sigma * NORMAL_UPPER / upper)
    shape = _SHAPE_NUMERATOR / math.log(max(upper / lower, 1.02))
    trust = min(1.0, state[cell + 2] / _TRUST_AFTER)
    shape = trust * shape + (1.0 - trust) * tuning.steepest_tail
    shape += tuning.tail_shrinkage * (tuning.usual_tail - shape)
    shape = min(max(shape, tuning.flattest_tail), tuning.steepest_tail)
    return _UPPER_SURPRISE * math.exp(shape * math.log(sigma / upper))


@compiled
def learn_tail(state: Floats, cell: int, sigma: float, tuning: Tuning, memory: float) -> None:
    """Move both quantiles a step towards where the deviation says they are; `memory` in buckets."""
    state[cell + 2] = min(state[cell + 2] + 1.0, 1e6)
    gap = max(state[cell + 1] - state[cell], 0.2)
    rate = 6.0 * gap * max(1.0 / memory, 1.0 / (state[cell + 2] + 80.0))
    state[cell] += rate * (LOWER_QUANTILE if sigma > state[cell] else LOWER_QUANTILE - 1.0)
    state[cell + 1] += rate * (UPPER_QUANTILE if sigma > state[cell + 1] else UPPER_QUANTILE - 1.0)
    state[cell] = max(state[cell], tuning.least_lower)
    state[cell + 1] = max(state[cell + 1], state[cell] * _LEAST_RATIO, tuning.least_upper)
