"""Series with a known shape, for tests of the engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from app.detection.engine.matrix import CountMatrix
from app.kernel.intervals import Interval, bucket_index

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
BUCKETS_A_DAY = {Interval.QUARTER_HOUR: 96, Interval.HOUR: 24, Interval.SIX_HOURS: 4, Interval.DAY: 1}


def matrix(counts, interval: Interval = Interval.HOUR, start: datetime = MONDAY) -> CountMatrix:
    values = np.asarray(counts, dtype=np.float64)
    return CountMatrix(interval, bucket_index(start, interval), values[:, None] if values.ndim == 1 else values)


def poisson(
    interval: Interval,
    days: int,
    series_count: int,
    *,
    seed: int,
    noise: float = 0.0,
    growth: float = 0.0,
    smallest: float = 5,
    largest: float = 2000,
) -> CountMatrix:
    """Clean counts with a daily and weekly shape; `noise` is the deviation of a gamma factor, `growth` the daily log trend."""
    random = np.random.default_rng(seed)
    per_day = BUCKETS_A_DAY[interval]
    bucket = np.arange(days * per_day)
    phase = 2 * np.pi * (bucket % per_day) / per_day
    day = 1 + 0.7 * np.sin(phase - 1.3) + 0.2 * np.sin(2 * phase) if per_day > 1 else np.ones(bucket.size)
    week = np.where((bucket // per_day) % 7 >= 5, 0.6, 1.0)
    means = np.exp(random.uniform(np.log(smallest), np.log(largest), series_count))
    rates = (day * week * np.exp(growth * bucket / per_day))[:, None] * means
    if noise:
        rates = rates * random.gamma(1 / noise**2, noise**2, rates.shape)
    return matrix(random.poisson(rates), interval)


def moment(hours: int) -> datetime:
    return MONDAY + timedelta(hours=hours)
