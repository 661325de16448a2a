"""The trailing level of a series, which lets a seasonal expectation follow growth (contract 6.3).

The level is the mean of the trailing shortest cycle, from cleaned counts; each kind of baseline has its own. An incident of a day
therefore hardly moves it, so that the return to normal is no anomaly in turn; a change that lasts is taken over after two cycles.
"""

from __future__ import annotations

import math

from app.detection.engine.compiled import inlined
from app.detection.engine.seasonal.work import Memory

# An abnormal bucket counts as this share of the way from the expectation to the edge of its band.
ABNORMAL_SHARE = 0.25
# After anomalies worth so many shortest cycles the change is the new normal and counts in full.
CYCLES_TO_NORMAL = 2


@inlined
def fix_level(memory: Memory, kind: int, row: int, window: int) -> None:
    """Set the level at `row` from the rows before; NaN while less than half of the window is known."""
    start = max(0, row - window)
    known = memory.known[kind, row] - memory.known[kind, start]
    mean = (memory.sums[kind, row] - memory.sums[kind, start]) / max(known, 1.0)
    memory.levels[kind, row] = mean if known * 2 >= window else math.nan


@inlined
def take_count(
    memory: Memory,
    kind: int,
    row: int,
    window: int,
    actual: float,
    expected: float,
    reach: float,
    is_judged: bool,
    is_anomalous: bool,
) -> None:
    """Add the row's count (NaN is unknown) to the level of one kind. `reach` is the half width of the expected band.

    `is_judged` and `is_anomalous` say what this kind of baseline found; both are false where another kind judged.
    """
    limit = CYCLES_TO_NORMAL * window
    is_new_normal = memory.abnormal_buckets[kind] >= limit
    if is_judged:
        step = 1.0 if is_anomalous else -1.0
        memory.abnormal_buckets[kind] = min(max(memory.abnormal_buckets[kind] + step, 0.0), limit)
    value = actual
    if is_anomalous and not is_new_normal:
        towards = reach if actual >= expected else -reach
        value = max(expected + ABNORMAL_SHARE * towards, 0.0)
    is_known = not math.isnan(value)
    memory.sums[kind, row + 1] = memory.sums[kind, row] + (value if is_known else 0.0)
    memory.known[kind, row + 1] = memory.known[kind, row] + (1.0 if is_known else 0.0)
