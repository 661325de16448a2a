"""When a deviation is an anomaly (contract 6.4)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.detection.engine.matrix import Floats

Flags = npt.NDArray[np.bool_]


def decide(score: Floats, expected: Floats, *, sigma_threshold: float, min_expected_count: float) -> Flags:
    """Enough expected and far enough from it. NaN in either is never an anomaly."""
    result: Flags = (expected >= min_expected_count) & (np.abs(score) >= sigma_threshold)
    return result


def too_small_to_judge(largest_so_far: Floats, min_expected_count: float) -> Flags:
    """Where nothing can pass: an expectation stays under twice the largest count seen before (cheap skip)."""
    result: Flags = 2 * largest_so_far < min_expected_count
    return result
