"""Sigma per series-day: a threshold of 3 asks for one false alarm per series in 370 days at every bucket width."""

from __future__ import annotations

import math

from app.detection.engine.adaptive.surprise import sigma_of_surprise
from app.detection.engine.compiled import compiled

LARGEST_SCORE = 40.0
_CERTAIN = 1.0 - 1e-12


@compiled
def daily_score(surprise: float, daily_correction: float, buckets_per_day: float) -> float:
    """Unsigned sigma of p_day = 1 - (1 - p)^(buckets a day)."""
    if surprise <= 0.0:
        return 0.0
    if surprise < 25.0:
        probability = min(math.exp(-surprise), _CERTAIN)
        surprise = -math.log(-math.expm1(buckets_per_day * math.log1p(-probability)))
    else:
        surprise -= daily_correction
    return min(sigma_of_surprise(surprise), LARGEST_SCORE)
