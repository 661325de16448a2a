"""Series in, judgements out: the state of a group of series and the calls that move it forward.

All series of a group share the bucket width and the timeline. Values are float64, NaN where a bucket is missing; what cannot be a
value (infinite, beyond 1e15, a negative count) is treated as missing, so that its bucket is unknown rather than fine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.detection.engine.adaptive.fleet import Flags, replay_many, start_all, step_many
from app.detection.engine.adaptive.layout import Floats, Layout, layout_for
from app.detection.engine.adaptive.step import EXPECTED, HEAD, HISTORY, OUTPUTS, SCORE, SPREAD, WINDOW_EXPECTED
from app.detection.engine.adaptive.tuning import DEFAULT_TUNING, LARGEST_VALUE, WARM_UP, Tuning

_HOURS_A_DAY = 24.0
_SHORTEST_MEMORY_DAYS, _LONGEST_MEMORY_DAYS = 7.0, 28.0


class OutcomeCode(IntEnum):
    """How the judgement of a bucket ended."""

    OK = 0
    ANOMALY = 1
    UNKNOWN = 2


class Head(IntEnum):
    """Which evidence decided the score."""

    BUCKET = 0
    SHORT_SHIFT = 1
    LONG_SHIFT = 2
    SILENCE = 3


@dataclass(frozen=True, slots=True)
class Judgements:
    """Arrays of one shape: (series, buckets) after a replay, (series,) after one bucket.

    `score` is signed sigma per series-day, NaN where the outcome is unknown; `expected` and `spread` describe the bucket, while
    `window_expected` is what the evidence that decided was expected to sum to.
    """

    expected: Floats
    spread: Floats
    score: Floats
    outcome: NDArray[np.int8]
    head: NDArray[np.int8]
    window_expected: Floats


@dataclass(slots=True)
class FleetState:
    """The memory of a group of series: one row of `records` each, moved in place by `advance` and `replay`."""

    interval_seconds: int
    layout: Layout
    is_count: Flags
    records: Floats
    last_bucket: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """A project's settings, as far as the engine heeds them (contract 6.1)."""

    sigma_threshold: float = 3.0
    baseline_window_buckets: int = 14
    min_history_buckets: int = 7
    min_expected_count: float = 10.0


def start(interval_seconds: int, is_count: ArrayLike, series_count: int | None = None) -> FleetState:
    """The state of series of which nothing is known. `is_count` is one flag for all (with `series_count`) or one each."""
    flags = np.atleast_1d(np.asarray(is_count, dtype=np.bool_))
    if series_count is not None:
        flags = np.broadcast_to(flags, (series_count,)).copy()
    layout = layout_for(interval_seconds)
    records = np.zeros((flags.size, layout.width))
    start_all(records, layout)
    return FleetState(interval_seconds=interval_seconds, layout=layout, is_count=flags, records=records)


def add_series(state: FleetState, is_count: ArrayLike) -> FleetState:
    """A state with further, unknown series behind those it has; the rows are copied."""
    newcomers = start(state.interval_seconds, is_count)
    return FleetState(
        interval_seconds=state.interval_seconds,
        layout=state.layout,
        is_count=np.concatenate((state.is_count, newcomers.is_count)),
        records=np.concatenate((state.records, newcomers.records)),
        last_bucket=state.last_bucket,
    )


def tuning_for(layout: Layout, baseline_window_buckets: int) -> Tuning:
    """The defaults with the memory of the regression set by the baseline window, within 7 to 28 days, and the tail by the width."""
    days = baseline_window_buckets / layout.day_buckets
    fourfolds = math.log(_HOURS_A_DAY / layout.buckets_per_day) / math.log(4.0)
    return DEFAULT_TUNING._replace(
        memory_days=min(max(days, _SHORTEST_MEMORY_DAYS), _LONGEST_MEMORY_DAYS),
        usual_tail=DEFAULT_TUNING.usual_tail + DEFAULT_TUNING.tail_per_fourfold_width * fourfolds,
    )


def advance(state: FleetState, timestamp: int, values: ArrayLike, rules: Rules) -> Judgements:
    """Judge and learn one bucket of every series; `timestamp` is its start in epoch seconds.

    Buckets between the last one and this one are missing. ValueError for a bucket that is not later than the last, or
    another number of values than series.
    """
    bucket = int(timestamp) // state.interval_seconds
    if state.last_bucket is not None and bucket <= state.last_bucket:
        msg = "Buckets come in order; replay the series to change the past."
        raise ValueError(msg)
    clean = _usable(np.asarray(values, dtype=np.float64).reshape(state.is_count.size, 1), state.is_count)[:, 0]
    out = np.empty((clean.size, OUTPUTS))
    last_bucket = bucket - 1 if state.last_bucket is None else state.last_bucket
    tuning = tuning_for(state.layout, rules.baseline_window_buckets)
    step_many(state.records, state.layout, tuning, last_bucket, bucket, clean, state.is_count, out)
    state.last_bucket = bucket
    return _judgements(out, clean, state.is_count, rules)


def replay(state: FleetState, timestamps: ArrayLike, values: ArrayLike, rules: Rules) -> Judgements:
    """The same for many buckets of every series: `values` has a row per series. It equals one `advance` per bucket exactly."""
    buckets = np.asarray(timestamps, dtype=np.int64) // state.interval_seconds
    table = _usable(np.asarray(values, dtype=np.float64).reshape(state.is_count.size, buckets.size), state.is_count)
    is_late = bool(buckets.size) and state.last_bucket is not None and int(buckets[0]) <= state.last_bucket
    if is_late or np.diff(buckets).min(initial=1) < 1:
        msg = "Buckets come in order, each once."
        raise ValueError(msg)
    out = np.empty((*table.shape, OUTPUTS))
    if buckets.size:
        tuning = tuning_for(state.layout, rules.baseline_window_buckets)
        last_bucket = int(buckets[0]) - 1 if state.last_bucket is None else state.last_bucket
        replay_many(state.records, state.layout, tuning, last_bucket, buckets, table, state.is_count, out)
        state.last_bucket = int(buckets[-1])
    return _judgements(out, table, state.is_count[:, None], rules)


def _usable(values: Floats, is_count: Flags) -> Floats:
    with np.errstate(invalid="ignore"):
        is_bad = ~(np.abs(values) <= LARGEST_VALUE) | (is_count[:, None] & (values < 0))
    return np.ascontiguousarray(np.where(is_bad, np.nan, values))


def _judgements(out: Floats, values: Floats, is_count: Flags, rules: Rules) -> Judgements:
    """Settings are applied here and not in the state, so that changing them needs no replay."""
    is_unknown = np.isnan(out[..., SCORE]) | (out[..., HISTORY] < max(rules.min_history_buckets, WARM_UP))
    score = np.where(is_unknown, np.nan, out[..., SCORE])
    with np.errstate(invalid="ignore"):
        amount = np.where(score > 0, np.fmax(values, out[..., WINDOW_EXPECTED]), out[..., WINDOW_EXPECTED])
        is_anomaly = (np.abs(score) >= rules.sigma_threshold) & (~is_count | (amount >= rules.min_expected_count))
    outcome = np.where(is_unknown, OutcomeCode.UNKNOWN, np.where(is_anomaly, OutcomeCode.ANOMALY, OutcomeCode.OK))
    return Judgements(
        expected=np.ascontiguousarray(out[..., EXPECTED]),
        spread=np.ascontiguousarray(out[..., SPREAD]),
        score=score,
        outcome=outcome.astype(np.int8),
        head=out[..., HEAD].astype(np.int8),
        window_expected=np.ascontiguousarray(out[..., WINDOW_EXPECTED]),
    )
