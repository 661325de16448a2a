"""The product's detector as the benchmark sees it: default settings, one series at a time."""

from __future__ import annotations

from app.detection.engine.adaptive import FleetState, Forecast, Rules, forecast, judge_many, replay, start
from benchmarks.detection.series import Floats, LabelledSeries

SIGMA_THRESHOLD = 3.0


def score(series: LabelledSeries) -> Floats:
    """Signed sigma per series-day."""
    judged = judge_many(
        series.timestamps,
        series.values[None, :],
        series.interval_seconds,
        is_count=series.is_count,
        sigma_threshold=SIGMA_THRESHOLD,
        baseline_window_buckets=14,
        min_history_buckets=7,
        min_expected_count=0,
    )
    return judged.score[0]


def learn(series: LabelledSeries, until: int) -> FleetState:
    """The state after the first `until` buckets."""
    state = start(series.interval_seconds, series.is_count)
    replay(state, series.timestamps[:until], series.values[None, :until], Rules())
    return state


def extend(state: FleetState, horizon: int) -> Forecast:
    """The forecast of a state of one series."""
    return forecast(state, horizon)
