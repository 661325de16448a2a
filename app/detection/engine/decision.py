"""When a deviation is an anomaly (contract 6.4)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.detection.engine.matrix import Floats

Flags = npt.NDArray[np.bool_]


def effective_spread(actual: Floats, expected: Floats, least: Floats, widened: Floats) -> Floats:
    """What a deviation is divided by: the widened spread, on the lower side less of it, but never under `least` (contract 6.3).

    Counts are skewed: they reach far up and not far down. By the square root that makes their variance even, a fall to `actual`
    is as surprising as if the spread were (1 + sqrt(actual / expected)) / 2 of what it is upwards.
    """
    fall = np.clip(actual / np.maximum(expected, 1e-9), 0.0, 1.0)
    below = np.maximum(least, widened * (1.0 + np.sqrt(fall)) / 2.0)
    result: Floats = np.where(actual < expected, below, widened)
    return result


def decide(score: Floats, expected: Floats, *, sigma_threshold: float, min_expected_count: float) -> Flags:
    """Enough expected and far enough from it. NaN in either is never an anomaly."""
    result: Flags = (expected >= min_expected_count) & (np.abs(score) >= sigma_threshold)
    return result


def too_small_to_judge(largest_so_far: Floats, min_expected_count: float) -> Flags:
    """Where nothing can pass: an expectation stays under twice the largest count seen before (cheap skip)."""
    result: Flags = 2 * largest_so_far < min_expected_count
    return result
