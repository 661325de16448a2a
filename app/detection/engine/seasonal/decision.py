"""When a deviation is an anomaly (contract 6.4)."""

from __future__ import annotations

import math

from app.detection.engine.compiled import inlined


@inlined
def effective_spread(actual: float, expected: float, least: float, widened: float) -> float:
    """What a deviation is divided by: the widened spread, on the lower side less of it, but never under `least` (contract 6.3).

    Counts are skewed: they reach far up and not far down. By the square root that makes their variance even, a fall to `actual`
    is as surprising as if the spread were (1 + sqrt(actual / expected)) / 2 of what it is upwards.
    """
    if not actual < expected:
        return widened
    fall = min(max(actual / max(expected, 1e-9), 0.0), 1.0)
    return max(least, widened * (1.0 + math.sqrt(fall)) / 2.0)


@inlined
def is_far_enough(score: float, expected: float, sigma_threshold: float, min_expected_count: float) -> bool:
    """Enough expected and far enough from it. NaN in either is never an anomaly."""
    return expected >= min_expected_count and abs(score) >= sigma_threshold


@inlined
def is_too_small(largest_so_far: float, min_expected_count: float) -> bool:
    """Nothing can pass: an expectation stays under twice the largest count seen before (cheap skip)."""
    return 2 * largest_so_far < min_expected_count
