"""Expected count from the buckets just before, for series too young for a seasonal baseline (contract 6.3)."""

from __future__ import annotations

import math

from app.detection.engine.compiled import inlined
from app.detection.engine.seasonal.work import Floats


@inlined
def rolling_estimate(counts: Floats, row: int, window: int, min_history: int) -> tuple[float, float, int]:
    """Mean and population deviation of the known counts among the last `window` rows, and how many were known.

    NaN where fewer than `min_history` are known.
    """
    known, total = 0, 0.0
    for earlier in range(max(0, row - window), row):
        if not math.isnan(counts[earlier]):
            known += 1
            total += counts[earlier]
    if known < min_history or known == 0:
        return math.nan, math.nan, known
    mean, squares = total / known, 0.0
    for earlier in range(max(0, row - window), row):
        if not math.isnan(counts[earlier]):
            squares += (counts[earlier] - mean) ** 2
    return mean, math.sqrt(squares / known), known
