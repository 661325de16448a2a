"""Forecasts from the state alone: the blended profile of each coming slot, the slow shift, and the fading last deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from app.detection.engine.adaptive.band import BAND_LEVEL, band_unit
from app.detection.engine.adaptive.fleet import Flags
from app.detection.engine.adaptive.judging import FleetState
from app.detection.engine.adaptive.layout import (
    BAND,
    DAY_RESIDUAL,
    HAS_NEGATIVE,
    KNOWN,
    SLOW_SHIFT,
    WEEK_RESIDUAL,
    Floats,
    Layout,
)
from app.detection.engine.adaptive.profiles import blend_profiles, read_profiles
from app.detection.engine.adaptive.spread import spread_slot
from app.detection.engine.adaptive.tuning import WARM_UP
from app.detection.engine.compiled import compiled

_CARRIED_RESIDUAL = 0.6
_LARGEST_CARRIED = 3.0
_GROWTH_PER_WEEK = 0.15
_FEW = 30.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Arrays (series, horizon); NaN for a series with too little history.

    Counts, and metrics that were never negative, stay at 0 or more.
    """

    mean: Floats
    low: Floats
    high: Floats


@compiled
def count_quantile(mean: float, variance: float, share: float) -> float:
    """The smallest count whose cumulative probability reaches the share: negative binomial, Poisson without excess variance."""
    mean = max(mean, 1e-6)
    dispersion = max(0.0, (variance - mean) / (mean * mean))
    count, total = 0.0, 0.0
    if dispersion < 1e-6:
        term = math.exp(-mean)
        while total + term < share and count < 1e4:
            total += term
            count += 1.0
            term *= mean / count
        return count
    shape = 1.0 / dispersion
    odds = mean / (mean + shape)
    term = math.exp(shape * math.log1p(-odds))
    while total + term < share and count < 1e4:
        total += term
        count += 1.0
        term *= odds * (count - 1.0 + shape) / count
    return count


@compiled
def _forecast_series(
    state: Floats, layout: Layout, next_bucket: int, is_count: bool, level: float, width: float, out: Floats
) -> None:
    shift = state[SLOW_SHIFT]
    carried = 0.5 * (state[DAY_RESIDUAL] + state[WEEK_RESIDUAL]) - shift
    for ahead in range(out.shape[0]):
        bucket = next_bucket + ahead
        day, week = read_profiles(state, layout, bucket, ahead)
        base = blend_profiles(state, layout, day, week) + shift
        if is_count or state[HAS_NEGATIVE] == 0.0:
            base = max(base, 0.0)
        unit = band_unit(state, layout, spread_slot(layout, bucket), base, is_count)
        if ahead == 0:
            carried = max(-_LARGEST_CARRIED * unit, min(_LARGEST_CARRIED * unit, carried))
        mean = base + _CARRIED_RESIDUAL * carried * math.exp(-(ahead + 1.0) / max(1.0, layout.day_buckets / 6.0))
        half = width * state[BAND] * unit * math.sqrt(1.0 + _GROWTH_PER_WEEK * ahead / layout.week_slots)
        low, high = mean - half, mean + half
        if is_count or state[HAS_NEGATIVE] == 0.0:
            mean, low, high = max(mean, 0.0), max(low, 0.0), max(high, 0.0)
        if is_count and mean < _FEW:
            variance = max(mean, (half / 1.96 / width) ** 2)
            low, high = count_quantile(mean, variance, 0.5 - level / 2.0), count_quantile(mean, variance, 0.5 + level / 2.0)
        out[ahead, 0], out[ahead, 1], out[ahead, 2] = mean, low, high


@compiled
def _forecast_all(
    records: Floats, layout: Layout, next_bucket: int, is_count: Flags, level: float, width: float, out: Floats
) -> None:
    for series in range(records.shape[0]):
        if records[series, KNOWN] >= WARM_UP:
            _forecast_series(records[series], layout, next_bucket, is_count[series], level, width, out[series])


def forecast(state: FleetState, horizon: int, level: float = BAND_LEVEL) -> Forecast:
    """Mean and central band of the `horizon` buckets behind the last one of the state, which stays as it is.

    ValueError for a state without buckets, a negative horizon or a level outside 0 to 1.
    """
    if state.last_bucket is None or horizon < 0 or not 0.0 < level < 1.0:
        msg = "A forecast needs a state with history, a horizon of at least 0 and a level between 0 and 1."
        raise ValueError(msg)
    width = NormalDist().inv_cdf(0.5 + level / 2.0) / NormalDist().inv_cdf(0.5 + BAND_LEVEL / 2.0)
    out = np.full((state.is_count.size, horizon, 3), np.nan)
    _forecast_all(state.records, state.layout, state.last_bucket + 1, state.is_count, level, width, out)
    return Forecast(mean=out[..., 0], low=out[..., 1], high=out[..., 2])
