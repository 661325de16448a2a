"""Causal peers to compare with. Each takes a series and gives sigma per series-day per bucket, NaN where it has no opinion.

A peer's z is turned into a probability as if it were normal and corrected for the buckets of a day, so that one threshold means the
same for all. Peers learn from everything before a bucket, labelled or not, as a live system would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from app.detection.engine.adaptive.scores import daily_score
from app.detection.engine.adaptive.surprise import normal_surprise
from benchmarks.detection.series import Floats, LabelledSeries

Detector = Callable[[LabelledSeries], Floats]
_MAD_TO_SIGMA = 1.4826


def per_day(series: LabelledSeries, surprise: Floats) -> Floats:
    """Surprise per bucket (-ln p) as sigma per series-day."""
    buckets = 86_400 / series.interval_seconds
    correction = float(np.log(max(buckets, 1.0)))
    known = np.isfinite(surprise)
    return np.array([daily_score(s, correction, buckets) if k else np.nan for s, k in zip(surprise, known, strict=True)])


def from_sigma(series: LabelledSeries, sigma: Floats) -> Floats:
    return per_day(series, np.array([normal_surprise(z) if np.isfinite(z) else np.nan for z in np.minimum(np.abs(sigma), 1e3)]))


def _rolling(series: LabelledSeries, width: int) -> Floats:
    known = np.isfinite(series.values)
    center = float(np.nanmedian(series.values))
    value = np.where(known, series.values - center, 0.0)
    count = np.concatenate(([0.0], np.cumsum(known)))
    total = np.concatenate(([0.0], np.cumsum(value)))
    square = np.concatenate(([0.0], np.cumsum(value**2)))
    stop = np.arange(len(value))
    start = np.maximum(0, stop - width)
    size = count[stop] - count[start]
    mean = (total[stop] - total[start]) / np.maximum(size, 1)
    variance = (square[stop] - square[start]) / np.maximum(size, 1) - mean**2
    floor = 1e-3 * np.abs(center) + 1e-9
    sigma = np.abs(series.values - center - mean) / np.sqrt(np.maximum(variance, floor**2))
    return from_sigma(series, np.where(size >= 8, sigma, np.nan))


def rolling_24(series: LabelledSeries) -> Floats:
    """Mean and deviation of the last 24 buckets."""
    return _rolling(series, 24)


def rolling_day(series: LabelledSeries) -> Floats:
    """Mean and deviation of the last day, at least 24 buckets."""
    return _rolling(series, max(24, series.buckets_per_day))


def hour_of_week(series: LabelledSeries) -> Floats:
    """Median and MAD of the same hour of the week (the same weekday for daily buckets) over the last eight weeks."""
    period = max(7, 7 * series.buckets_per_day)
    values = series.values
    past = np.full((8, values.size), np.nan)
    for cycle in range(1, 9):
        if cycle * period < values.size:
            past[cycle - 1, cycle * period :] = values[: -cycle * period]
    enough = np.isfinite(past).sum(axis=0) >= 3
    sigma = np.full(values.size, np.nan)
    if enough.any():
        median = np.nanmedian(past[:, enough], axis=0)
        spread = _MAD_TO_SIGMA * np.nanmedian(np.abs(past[:, enough] - median), axis=0)
        floor = 0.01 * np.abs(median) + 1e-3 * float(np.nanmedian(np.abs(values))) + 1e-9
        sigma[enough] = np.abs(values[enough] - median) / np.maximum(spread, floor)
    return from_sigma(series, sigma)


def stl_available() -> bool:
    try:
        import statsmodels  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        return False
    return True


def stl(series: LabelledSeries) -> Floats:
    """Residual z of a robust STL over the last four weeks, refitted once a day; the season of the fit is carried forward a day."""
    from statsmodels.tsa.seasonal import STL  # type: ignore[import-not-found]

    period = max(7, series.buckets_per_day)
    window, values = 28 * max(1, series.buckets_per_day), series.values
    sigma = np.full(values.size, np.nan)
    for start in range(3 * period, values.size, period):
        past = values[max(0, start - window) : start]
        filled = np.where(np.isfinite(past), past, np.nanmedian(past))
        fit = STL(filled, period=period, robust=True).fit()
        spread = _MAD_TO_SIGMA * np.median(np.abs(fit.resid - np.median(fit.resid)))
        ahead = values[start : start + period]
        sigma[start : start + period] = (ahead - fit.trend[-1] - fit.seasonal[-period:][: ahead.size]) / max(spread, 1e-9)
    return from_sigma(series, sigma)


def context_features(series: LabelledSeries) -> Floats:
    """Six features per bucket: misses of three baselines, the last change, the change to a day ago, the miss of a slow level."""
    values, day = series.values, max(7, series.buckets_per_day)
    scale = float(np.nanmedian(np.abs(np.diff(values)))) or float(np.nanstd(values)) or 1.0

    def before(lag: int) -> Floats:
        moved = np.full(values.size, np.nan)
        if lag < values.size:
            moved[lag:] = values[:-lag]
        return moved

    def trailing(width: int) -> Floats:
        known = np.isfinite(values)
        total = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
        count = np.concatenate(([0.0], np.cumsum(known)))
        stop = np.arange(values.size)
        start = np.maximum(0, stop - width)
        return np.asarray((total[stop] - total[start]) / np.maximum(count[stop] - count[start], 1))

    with np.errstate(invalid="ignore"):
        same_hour = np.nanmean(np.stack([before(day), before(2 * day), before(3 * day), before(7 * day)]), axis=0)
    columns = [
        values - trailing(4),
        values - trailing(day),
        values - same_hour,
        values - before(1),
        values - before(day),
        values - before(7 * day),
    ]
    return np.nan_to_num(np.stack(columns, axis=1) / scale)


def _tail(train: Floats, score: Floats) -> Floats:
    """The Weibull-type tail of the adaptive detector, from two quantiles of the training scores above their median."""
    middle = float(np.median(train))
    lower, upper = (max(float(q), 1e-9) for q in np.quantile(train - middle, (0.85, 0.95)))
    shape = np.clip(np.log(np.log(0.05) / np.log(0.15)) / np.log(max(upper / lower, 1.02)), 0.3, 1.55)
    return np.asarray(-np.log(0.05) * (np.maximum(score - middle, 0.0) / upper) ** shape)


def _by_pyod(series: LabelledSeries, make: Callable[[], Any]) -> Floats:
    """Fit once a day on the last four weeks of context rows."""
    features, day = context_features(series), max(7, series.buckets_per_day)
    surprise = np.full(series.values.size, np.nan)
    step = day if series.buckets_per_day > 1 else 28
    for start in range(max(3 * day, 50), features.shape[0], step):
        model = make().fit(features[max(0, start - 28 * day) : start])
        score = model.decision_function(features[start : start + step])
        surprise[start : start + step] = _tail(model.decision_scores_, score)
    return per_day(series, np.where(np.isfinite(series.values), surprise, np.nan))


def ecod(series: LabelledSeries) -> Floats:
    """PyOD ECOD on context features."""
    from pyod.models.ecod import ECOD

    return _by_pyod(series, ECOD)


def hbos(series: LabelledSeries) -> Floats:
    """PyOD HBOS on context features."""
    from pyod.models.hbos import HBOS

    return _by_pyod(series, lambda: HBOS(n_bins=20))
