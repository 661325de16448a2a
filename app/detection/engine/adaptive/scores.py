"""Sigma per series-day: a threshold of 3 asks for the same rarity of false alarms at every bucket width (one per series in 370 days)."""

from __future__ import annotations

import math

from numba import njit

from app.detection.engine.adaptive.surprise import sigma_of_surprise

LARGEST_SCORE = 40.0
_CERTAIN = 1.0 - 1e-12


@njit(cache=True)
def daily_score(surprise, daily_correction, buckets_per_day):
    """Unsigned sigma of p_day = 1 - (1 - p)^(buckets a day)."""
    if surprise <= 0.0:
        return 0.0
    if surprise < 25.0:
        probability = min(math.exp(-surprise), _CERTAIN)
        surprise = -math.log(-math.expm1(buckets_per_day * math.log1p(-probability)))
    else:
        surprise -= daily_correction
    return min(sigma_of_surprise(surprise), LARGEST_SCORE)
