"""Expected count from the buckets just before, for series too young for a seasonal baseline (contract 6.3)."""

from __future__ import annotations

import numpy as np

from app.detection.engine.matrix import Floats
from app.detection.engine.phase_baseline import Estimate


def rolling_estimate(counts: Floats, row: int, window: int, min_history: int) -> tuple[Estimate, Floats]:
    """Mean and population deviation of the known counts among the last `window` rows, and how many were known.

    NaN where fewer than `min_history` are known.
    """
    recent = counts[max(0, row - window) : row]
    known = ~np.isnan(recent)
    count = known.sum(axis=0).astype(np.float64)
    divisor = np.maximum(count, 1)
    mean = np.where(known, recent, 0).sum(axis=0) / divisor
    deviation = np.sqrt(np.where(known, (recent - mean) ** 2, 0).sum(axis=0) / divisor)
    short = count < min_history
    mean[short] = np.nan
    deviation[short] = np.nan
    return Estimate(mean, deviation), count
