"""Expected count from the same phase in earlier cycles (contract 6.3)."""

from __future__ import annotations

import math

from app.detection.engine.baseline import CYCLES_REQUIRED
from app.detection.engine.compiled import inlined
from app.detection.engine.seasonal.work import Floats, Memory

MAD_TO_SIGMA = 1.4826


@inlined
def sort_first(values: Floats, count: int) -> None:
    """Sort the first `count` values, a handful, in place."""
    for place in range(1, count):
        value = values[place]
        before = place - 1
        while before >= 0 and values[before] > value:
            values[before + 1] = values[before]
            before -= 1
        values[before + 1] = value


@inlined
def median_deviation(ordered: Floats, count: int, centre: float) -> float:
    """Median distance from the centre of the first `count` values, which are sorted: they are taken by distance, nearest first."""
    above = count // 2
    while above > 0 and ordered[above - 1] > centre:
        above -= 1
    below = above - 1
    nearest, before = 0.0, 0.0
    for _ in range(count // 2 + 1):
        before = nearest
        if above == count or (below >= 0 and centre - ordered[below] <= ordered[above] - centre):
            nearest = centre - ordered[below]
            below -= 1
        else:
            nearest = ordered[above] - centre
            above += 1
    return nearest if count % 2 else (before + nearest) / 2


@inlined
def sample_deviation(values: Floats, count: int) -> float:
    """Standard deviation with n - 1 of the first `count` values."""
    total = 0.0
    for place in range(count):
        total += values[place]
    mean, squares = total / count, 0.0
    for place in range(count):
        squares += (values[place] - mean) ** 2
    return math.sqrt(squares / max(count - 1, 1))


@inlined
def _carry_to_today(counts: Floats, memory: Memory, kind: int, row: int, period: int, cycles: int, prior: float) -> int:
    """Fill `memory.values` with the counts at the row's phase, newest first, each carried to today's level; returns how many.

    Counts that this kind of baseline found abnormal, and those before a level was known, are left out while at least three others
    remain; beyond that the new shape is the normal one.
    """
    levels, abnormal_by = memory.levels, memory.abnormal_by
    today = levels[kind, row] + prior
    trusted = 0
    for cycle in range(1, min(cycles, row // period) + 1):
        earlier = row - cycle * period
        is_trusted = abnormal_by[earlier] != kind and not math.isnan(levels[kind, earlier]) and not math.isnan(today)
        if is_trusted and not math.isnan(counts[earlier]):
            memory.values[trusted] = counts[earlier] * (today / (levels[kind, earlier] + prior))
            trusted += 1
    if trusted >= CYCLES_REQUIRED:
        return trusted
    known = 0
    for cycle in range(1, min(cycles, row // period) + 1):
        earlier = row - cycle * period
        if not math.isnan(counts[earlier]):
            ratio = today / (levels[kind, earlier] + prior)
            memory.values[known] = counts[earlier] * (1.0 if math.isnan(ratio) else ratio)
            known += 1
    return known


@inlined
def phase_estimate(
    counts: Floats, memory: Memory, kind: int, row: int, period: int, cycles: int, prior: float
) -> tuple[float, float]:
    """Median and scaled MAD of the counts at the row's phase in up to `cycles` earlier cycles; NaN with fewer than three.

    Only rows before `row` are read (and the level at `row`), so that the expectation follows growth and knows no future.
    """
    known = _carry_to_today(counts, memory, kind, row, period, cycles, prior)
    if known < CYCLES_REQUIRED:
        return math.nan, math.nan
    ordered = memory.ordered
    for place in range(known):
        ordered[place] = memory.values[place]
    sort_first(ordered, known)
    expected = (ordered[(known - 1) // 2] + ordered[known // 2]) / 2
    spread = MAD_TO_SIGMA * median_deviation(ordered, known, expected)
    if spread == 0.0:
        spread = sample_deviation(memory.values, known)
    return expected, spread


@inlined
def spread_floor(expected: float, share: float) -> float:
    """The least spread that counts of this size have: 1, a share of the expectation, the Poisson deviation."""
    return max(1.0, share * expected, math.sqrt(max(expected, 0.0)))
