"""Expected count from the same phase in earlier cycles (contract 6.3), for all series of one bucket at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.detection.engine.matrix import Floats

NOT_ABNORMAL = -1
CYCLES_REQUIRED = 3
MAD_TO_SIGMA = 1.4826
# A level computed from a handful of events is noise: this many events per trailing cycle pull its ratio towards 1.
LEVEL_PRIOR_EVENTS = 30.0


@dataclass(frozen=True, slots=True)
class History:
    """What is known per bucket (row) and series (column) when a row is judged; later rows are filled in as time goes on.

    `counts` has NaN for unknown; `levels[kind][r]` is the mean of the shortest cycle before r as that kind of baseline sees it;
    `abnormal_by` is the kind that found the bucket abnormal, `NOT_ABNORMAL` for none.
    """

    counts: Floats
    levels: Sequence[Floats]
    abnormal_by: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected count and spread before floors, one entry per series; NaN where the history does not suffice."""

    expected: Floats
    spread: Floats


def middle(ordered: Floats, known: Floats) -> Floats:
    """Median of each column of `ordered` (ascending, unknown last), whose first `known` entries count; NaN without any."""
    size = ordered.shape[0]
    if bool((known == size).all()):
        middle_row: Floats = (ordered[(size - 1) // 2] + ordered[size // 2]) / 2
        return middle_row
    known_int = np.maximum(known, 1).astype(np.intp)
    columns = np.arange(ordered.shape[1])
    result: Floats = (ordered[(known_int - 1) // 2, columns] + ordered[known_int // 2, columns]) / 2
    return result


def phase_estimate(history: History, kind: int, row: int, period: int, cycles: int, level_prior: float) -> Estimate:
    """Median and scaled MAD of the counts at the row's phase in up to `cycles` earlier cycles.

    Each earlier count is carried to today's level by the ratio of the two levels, so that the expectation follows growth.
    Counts that this kind of baseline found abnormal, and those before a level was known, are left out while at least three others
    remain; beyond that the new shape is the normal one. Only rows before `row` are read (and `levels[row]`).
    """
    rows = row - period * np.arange(1, min(cycles, row // period) + 1)
    if rows.size < CYCLES_REQUIRED:
        nothing = np.full(history.counts.shape[1], np.nan)
        return Estimate(nothing, nothing)
    levels = history.levels[kind]
    ratio = (levels[row] + level_prior) / (levels[rows] + level_prior)
    values = history.counts[rows] * np.where(np.isnan(ratio), 1.0, ratio)
    trusted = (history.abnormal_by[rows] != kind) & ~np.isnan(values) & ~np.isnan(ratio)
    enough = trusted.sum(axis=0) >= CYCLES_REQUIRED
    values = np.where(trusted | ~enough, values, np.nan)
    ordered = np.sort(values, axis=0)
    known = np.sum(~np.isnan(ordered), axis=0).astype(np.float64)
    expected = middle(ordered, known)
    deviations = np.sort(np.abs(values - expected), axis=0)
    spread = MAD_TO_SIGMA * middle(deviations, known)
    level_runs = spread == 0
    if level_runs.any():
        spread[level_runs] = sample_deviation(values[:, level_runs])
    short = known < CYCLES_REQUIRED
    expected[short] = np.nan
    spread[short] = np.nan
    return Estimate(expected, spread)


def sample_deviation(values: Floats) -> Floats:
    """Standard deviation with n - 1 of each column, unknown values left out."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (values - mean) ** 2, 0).sum(axis=0)
    result: Floats = np.sqrt(squares / np.maximum(count - 1, 1))
    return result


def spread_floor(expected: Floats, share: float | Floats) -> Floats:
    """The least spread that counts of this size have: 1, a share of the expectation, the Poisson deviation."""
    result: Floats = np.maximum(np.maximum(1.0, share * expected), np.sqrt(np.maximum(expected, 0.0)))
    return result
