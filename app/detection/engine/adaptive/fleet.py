"""The compiled loops over many series: one bucket of all, or all buckets of each."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.detection.engine.adaptive.layout import FEATURES, Floats, Layout
from app.detection.engine.adaptive.step import start_series, step_bucket
from app.detection.engine.adaptive.tuning import Tuning
from app.detection.engine.compiled import compiled

Flags = NDArray[np.bool_]
Buckets = NDArray[np.int64]


@compiled
def start_all(records: Floats, layout: Layout) -> None:
    """Make every row that of an unknown series."""
    for series in range(records.shape[0]):
        start_series(records[series], layout)


@compiled
def first_missing(layout: Layout, last_bucket: int, bucket: int) -> int:
    """The first bucket of a hole that is stepped through; of a hole longer than four weeks whole weeks are left out."""
    missing = bucket - last_bucket - 1
    surplus = max(0, missing - 4 * layout.week_slots) // layout.week_slots
    return last_bucket + 1 + surplus * layout.week_slots


@compiled
def step_many(
    records: Floats,
    layout: Layout,
    tuning: Tuning,
    last_bucket: int,
    bucket: int,
    values: Floats,
    is_count: Flags,
    out: Floats,
) -> None:
    """One bucket of every series; buckets between `last_bucket` and this one are missing."""
    features, matrix = np.zeros(FEATURES), np.zeros((FEATURES, FEATURES))
    for series in range(records.shape[0]):
        state, row = records[series], out[series]
        for hole in range(first_missing(layout, last_bucket, bucket), bucket):
            step_bucket(state, layout, tuning, hole, math.nan, is_count[series], features, matrix, row)
        step_bucket(state, layout, tuning, bucket, values[series], is_count[series], features, matrix, row)


@compiled
def replay_many(
    records: Floats,
    layout: Layout,
    tuning: Tuning,
    last_bucket: int,
    buckets: Buckets,
    values: Floats,
    is_count: Flags,
    out: Floats,
) -> None:
    """All buckets of every series, series by series so that a state row stays in the processor's cache."""
    features, matrix = np.zeros(FEATURES), np.zeros((FEATURES, FEATURES))
    for series in range(records.shape[0]):
        state = records[series]
        known_until = last_bucket
        for place in range(buckets.shape[0]):
            bucket, row = buckets[place], out[series, place]
            for hole in range(first_missing(layout, known_until, bucket), bucket):
                step_bucket(state, layout, tuning, hole, math.nan, is_count[series], features, matrix, row)
            step_bucket(state, layout, tuning, bucket, values[series, place], is_count[series], features, matrix, row)
            known_until = bucket
