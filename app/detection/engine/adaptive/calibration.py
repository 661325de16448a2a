"""Each series' own tail: how surprising is a deviation of this size for this series?

Real residuals are heavier than normal, and each series differently. Two running quantiles of |z|, 90 % and 97 %, fix a Weibull-type tail:
-ln p = 3.507 (z / u97)^k, where 3.507 = -ln 0.03 and k follows from the two quantiles. Quantiles move by stochastic approximation.
"""

from __future__ import annotations

import math

from numba import njit

from app.detection.engine.adaptive.surprise import normal_surprise

_SURPRISE_97 = -math.log(0.03)
_SHAPE_NUMERATOR = math.log(math.log(0.03) / math.log(0.10))
_NORMAL_97 = 2.170
FIRST_90, FIRST_97 = 1.645, 2.170
_LEAST_90, _LEAST_97, _LEAST_RATIO = 1.3, 1.9, 1.15
_TRUST_AFTER = 400.0


@njit(cache=True)
def tail_surprise(state, cell, sigma, tuning):
    """-ln p of |z| under the tail whose three cells (u90, u97, count) start at `cell`."""
    if sigma <= 0.0:
        return 0.0
    quantile_90, quantile_97 = state[cell], state[cell + 1]
    if sigma <= quantile_97:
        return normal_surprise(sigma * _NORMAL_97 / quantile_97)
    shape = _SHAPE_NUMERATOR / math.log(max(quantile_97 / max(quantile_90, 1e-9), 1.02))
    trust = min(1.0, state[cell + 2] / _TRUST_AFTER)
    shape = trust * shape + (1.0 - trust) * tuning.steepest_tail
    shape = min(max(shape, tuning.flattest_tail), tuning.steepest_tail)
    return _SURPRISE_97 * math.exp(shape * math.log(sigma / quantile_97))


@njit(cache=True)
def learn_tail(state, cell, sigma, memory):
    """Move both quantiles a step towards where |z| says they are; `memory` in buckets."""
    state[cell + 2] += 1.0
    gap = max(state[cell + 1] - state[cell], 0.2)
    rate = 6.0 * gap * max(1.0 / memory, 1.0 / (state[cell + 2] + 80.0))
    state[cell] += rate * (0.90 if sigma > state[cell] else -0.10)
    state[cell + 1] += rate * (0.97 if sigma > state[cell + 1] else -0.03)
    state[cell] = max(state[cell], _LEAST_90)
    state[cell + 1] = max(state[cell + 1], state[cell] * _LEAST_RATIO, _LEAST_97)
