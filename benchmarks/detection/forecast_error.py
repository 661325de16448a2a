"""Forecasts against what came: error as MASE (1 = the mean error of last week repeated), coverage of the 95 % band.

Labelled buckets are left out of both; cuts are spread over the second half of each series, so nothing was seen before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.detection.adaptive import extend, learn
from benchmarks.detection.series import DAY_SECONDS, WEEK_SECONDS, LabelledSeries


@dataclass(frozen=True)
class ForecastError:
    forecasts: int
    error: float
    naive_error: float
    coverage: float


def measure(group: list[LabelledSeries], horizon: int, cuts: int) -> ForecastError:
    errors, naive_errors, covered = [], [], []
    for series in group:
        values, size = series.values, len(series.values)
        week = WEEK_SECONDS // min(series.interval_seconds, DAY_SECONDS)
        first = max(2 * week, size // 2)
        if size - horizon - 1 <= first:
            continue
        for cut in np.linspace(first, size - horizon - 1, cuts).astype(int):
            ahead, past = values[cut : cut + horizon], values[:cut]
            known = np.isfinite(ahead) & (series.share[cut : cut + horizon] == 0)
            unit = float(np.nanmean(np.abs(past[week:] - past[:-week])))
            if known.sum() < horizon // 3 or not unit > 0:
                continue
            given = extend(learn(series, int(cut)), horizon)
            naive = np.resize(past[-week:], horizon)
            naive = np.where(np.isfinite(naive), naive, np.nanmean(past))
            errors.append(float(np.mean(np.abs(ahead - given.mean[0])[known])) / unit)
            naive_errors.append(float(np.mean(np.abs(ahead - naive)[known])) / unit)
            covered.append(float(np.mean((ahead >= given.low[0])[known] & (ahead <= given.high[0])[known])))
    return ForecastError(len(errors), float(np.mean(errors)), float(np.mean(naive_errors)), float(np.mean(covered)))
