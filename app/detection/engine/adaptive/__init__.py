"""The adaptive detector: learned seasonal baselines, calibrated tails, constant work per bucket.

Pure and independent of storage: arrays in, arrays out. `judge_many` replays history, `start` and `advance` follow it live with the
same result, `forecast` extends a state into the future. docs/detection.md explains the algorithm and what was measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from app.detection.engine.adaptive.forecasting import Forecast, forecast
from app.detection.engine.adaptive.judging import (
    FleetState,
    Head,
    Judgements,
    OutcomeCode,
    Rules,
    add_series,
    advance,
    replay,
    start,
)

__all__ = [
    "FleetState",
    "Forecast",
    "Head",
    "Judgements",
    "OutcomeCode",
    "Rules",
    "add_series",
    "advance",
    "forecast",
    "judge_many",
    "replay",
    "start",
]


def judge_many(
    timestamps: ArrayLike,
    values: ArrayLike,
    interval_seconds: int,
    *,
    is_count: ArrayLike,
    sigma_threshold: float,
    baseline_window_buckets: int,
    min_history_buckets: int,
    min_expected_count: float,
) -> Judgements:
    """Judge every bucket of many series from what came before it, never from what came after.

    `timestamps` are bucket starts in epoch seconds, ascending, shared by all series; `values` has one row per series, NaN where
    missing; `is_count` is one flag or one per series. ValueError when the shapes or the order do not fit.
    """
    rules = Rules(
        sigma_threshold=sigma_threshold,
        baseline_window_buckets=baseline_window_buckets,
        min_history_buckets=min_history_buckets,
        min_expected_count=min_expected_count,
    )
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    return replay(start(interval_seconds, is_count, table.shape[0]), timestamps, table, rules)
