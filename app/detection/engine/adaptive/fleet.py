"""Many series of one bucket width: their state rows, advanced together or replayed from history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.detection.engine.adaptive.layout import FEATURES, Layout, layout_for
from app.detection.engine.adaptive.step import OUTPUTS, start_series, step_bucket
from app.detection.engine.adaptive.tuning import DEFAULT_TUNING, Tuning

Floats = NDArray[np.float64]


@njit(cache=True)
def start_all(records, layout):
    for series in range(records.shape[0]):
        start_series(records[series], layout)


@njit(cache=True)
def step_many(records, layout, tuning, bucket, values, is_count, out):
    """One bucket of every series."""
    features, matrix = np.zeros(FEATURES), np.zeros((FEATURES, FEATURES))
    for series in range(records.shape[0]):
        step_bucket(records[series], layout, tuning, bucket, values[series], is_count[series], features, matrix, out[series])


@njit(cache=True)
def replay(records, layout, tuning, buckets, values, is_count, out):
    """Every bucket of every series, series by series so that a state row stays in the cache."""
    features, matrix = np.zeros(FEATURES), np.zeros((FEATURES, FEATURES))
    for series in range(records.shape[0]):
        for place in range(buckets.shape[0]):
            step_bucket(
                records[series], layout, tuning, buckets[place], values[series, place], is_count[series], features, matrix, out[series, place]
            )
