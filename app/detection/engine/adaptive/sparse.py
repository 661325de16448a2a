"""Metrics that are zero most of the time (error rates): is it not zero, and if so, is it large for a time when it is not zero?

A hurdle model: share of non-zero buckets, and a log-normal for their size.
"""

from __future__ import annotations

import math

from app.detection.engine.adaptive.layout import HAS_NEGATIVE, LOG_MEAN, LOG_VARIANCE, POSITIVE, SEEN, ZERO_SHARE, Floats, Layout
from app.detection.engine.adaptive.surprise import normal_surprise
from app.detection.engine.compiled import compiled

_ENOUGH_POSITIVE = 5
_LEAST_LOG_VARIANCE = 0.04
_LONGEST_MEMORY = 200.0


@compiled
def is_sparse(state: Floats, is_count: bool) -> bool:
    """More than half zeros and never negative; counts have their own tail."""
    return not is_count and state[ZERO_SHARE] > 0.5 and state[HAS_NEGATIVE] == 0.0


@compiled
def hurdle_surprise(state: Floats, value: float) -> float:
    """-ln P(not zero) - ln P(at least this large); zero itself never surprises here."""
    if value <= 0.0:
        return 0.0
    share = max(1.0 - state[ZERO_SHARE], 1.0 / (state[SEEN] + 2.0))
    surprise = -math.log(min(1.0, share))
    positive = state[POSITIVE]
    if positive >= _ENOUGH_POSITIVE:
        spread = math.sqrt(max(state[LOG_VARIANCE], _LEAST_LOG_VARIANCE) * (1.0 + 4.0 / positive))
        sigma = (math.log(value) - state[LOG_MEAN]) / spread
        if sigma > 0.0:
            surprise += normal_surprise(sigma)
    return surprise


@compiled
def learn_sparse(state: Floats, layout: Layout, value: float) -> None:
    """Teach the share of zeros and the log-normal of the rest."""
    if value < 0.0:
        state[HAS_NEGATIVE] = 1.0
    rate = max(1.0 / (state[SEEN] + 1.0), 1.0 / (7.0 * layout.day_buckets))
    state[ZERO_SHARE] += rate * ((1.0 if value == 0.0 else 0.0) - state[ZERO_SHARE])
    if value <= 0.0:
        return
    size = math.log(value)
    positive = state[POSITIVE]
    if positive >= _ENOUGH_POSITIVE:
        limit = 3.0 * math.sqrt(max(state[LOG_VARIANCE], _LEAST_LOG_VARIANCE))
        size = state[LOG_MEAN] + max(-limit, min(limit, size - state[LOG_MEAN]))
    rate = max(1.0 / (positive + 1.0), 1.0 / _LONGEST_MEMORY)
    change = size - state[LOG_MEAN]
    state[LOG_MEAN] += rate * change
    state[LOG_VARIANCE] = (1.0 - rate) * (state[LOG_VARIANCE] + rate * change * change)
    state[POSITIVE] = min(positive + 1.0, 1e6)
