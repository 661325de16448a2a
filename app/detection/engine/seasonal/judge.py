"""The walk through the buckets of each series: expect, judge, learn. Causal, so live runs and replays agree."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from app.detection.engine.baseline import CYCLES_REQUIRED, LEVEL_PRIOR_EVENTS, MOST_CYCLES
from app.detection.engine.compiled import compiled, inlined
from app.detection.engine.judging import Verdict
from app.detection.engine.seasonal.calibration import learn_deviation, plain_spread, start_calibration, width
from app.detection.engine.seasonal.decision import effective_spread, is_far_enough, is_too_small
from app.detection.engine.seasonal.expectation import Expectation, Periods, expectation_at
from app.detection.engine.seasonal.levels import fix_level, take_count
from app.detection.engine.seasonal.work import NOT_ABNORMAL, Floats, Memory, Rules, make_memory

OK, ANOMALY, UNCOVERED = int(Verdict.OK), int(Verdict.ANOMALY), int(Verdict.UNCOVERED)
SHORT_HISTORY, TOO_SMALL, NOT_A_COUNT = int(Verdict.SHORT_HISTORY), int(Verdict.TOO_SMALL), int(Verdict.NOT_A_COUNT)
# Rows of the figures of a series.
EXPECTED, SPREAD, SCORE, HISTORY = range(4)
FIGURES = 4


@compiled
def judge_each(counts: Floats, periods: Periods, rules: Rules, verdicts: npt.NDArray[np.int8], figures: Floats) -> None:
    """Fill `verdicts[series, bucket]` and `figures[series, figure, bucket]`; `counts` has a row per series.

    Counts that cannot be (infinite, negative) become NaN in place.
    """
    bucket_count = counts.shape[1]
    memory = make_memory(bucket_count, periods.size, MOST_CYCLES)
    for series in range(counts.shape[0]):
        _judge_one(counts[series], memory, rules, periods, verdicts[series], figures[series])


@compiled
def _judge_one(
    counts: Floats, memory: Memory, rules: Rules, periods: Periods, verdicts: npt.NDArray[np.int8], figures: Floats
) -> None:
    for kind in range(memory.calibration.shape[0]):
        start_calibration(memory.calibration, kind)
    memory.abnormal_buckets[:] = 0.0
    window = periods[periods.size - 1] if periods.size else 0
    level_prior = LEVEL_PRIOR_EVENTS / window if periods.size else 0.0
    first_known = _set_aside(counts, verdicts)
    if _is_small_throughout(counts, first_known, rules):
        _fill_small(first_known, rules, window, verdicts, figures)
        return
    largest = 0.0
    for row in range(counts.size):
        actual = counts[row]
        for kind in range(periods.size):
            fix_level(memory, kind, row, window)
        expectation = expectation_at(counts, memory, rules, periods, first_known, level_prior, row)
        is_small = is_too_small(largest, rules.min_expected_count)
        plain, spread, score, is_anomalous = _weigh(memory, rules, periods.size, expectation, actual, is_small)
        is_judged = not math.isnan(actual) and expectation.expected >= rules.min_expected_count
        if is_judged:
            learn_deviation(
                memory.calibration,
                expectation.kind,
                rules,
                abs(actual - expectation.expected),
                plain,
                expectation.floor,
                is_anomalous,
            )
        for kind in range(periods.size):
            own = kind == expectation.kind
            reach = rules.sigma_threshold * spread
            take_count(memory, kind, row, window, actual, expectation.expected, reach, own and is_judged, own and is_anomalous)
        memory.abnormal_by[row] = expectation.kind if is_anomalous else NOT_ABNORMAL
        largest = max(largest, actual)
        figures[HISTORY, row] = expectation.history
        if verdicts[row] == OK:
            verdicts[row] = _verdict(expectation.expected, is_small, is_anomalous)
        is_known = verdicts[row] <= ANOMALY
        figures[EXPECTED, row] = expectation.expected if is_known else math.nan
        figures[SPREAD, row] = spread if is_known else math.nan
        figures[SCORE, row] = score if is_known else math.nan


@compiled
def _set_aside(counts: Floats, verdicts: npt.NDArray[np.int8]) -> int:
    """Mark what is no count or was not collected, make it NaN, and return the first known row (the number of rows if none is)."""
    first_known = counts.size
    for row in range(counts.size):
        verdicts[row] = OK
        if math.isinf(counts[row]) or counts[row] < 0:
            counts[row] = math.nan
            verdicts[row] = NOT_A_COUNT
        elif math.isnan(counts[row]):
            verdicts[row] = UNCOVERED
        elif first_known == counts.size:
            first_known = row
    return first_known


@inlined
def _is_small_throughout(counts: Floats, first_known: int, rules: Rules) -> bool:
    """Whether nothing can pass in any bucket, and no bucket since the first known one is unknown."""
    for row in range(first_known, counts.size):
        if math.isnan(counts[row]) or not is_too_small(counts[row], rules.min_expected_count):
            return False
    return True


@inlined
def _fill_small(first_known: int, rules: Rules, shortest_period: int, verdicts: npt.NDArray[np.int8], figures: Floats) -> None:
    """What the walk would find for such a series, without the arithmetic: most series of a large project are small."""
    for row in range(verdicts.size):
        known = max(0, row - first_known)
        knows_season = shortest_period > 0 and known >= CYCLES_REQUIRED * shortest_period
        history = 0 if knows_season else min(known, rules.baseline_window)
        figures[EXPECTED, row] = figures[SPREAD, row] = figures[SCORE, row] = math.nan
        figures[HISTORY, row] = history
        if verdicts[row] == OK:
            verdicts[row] = TOO_SMALL if knows_season or history >= rules.min_history else SHORT_HISTORY


@inlined
def _weigh(
    memory: Memory, rules: Rules, rolling: int, expectation: Expectation, actual: float, is_small: bool
) -> tuple[float, float, float, bool]:
    """Plain spread, effective spread, score, and whether it is an anomaly."""
    if math.isnan(expectation.expected):
        return math.nan, math.nan, math.nan, False
    plain = plain_spread(memory.calibration, expectation.kind, expectation.own, expectation.floor)
    spread = plain * width(memory.calibration, expectation.kind)
    if expectation.kind < rolling:  # a rolling mean knows no rhythm: what it calls a fall may be the evening
        spread = effective_spread(actual, expectation.expected, max(expectation.own, expectation.floor), spread)
    score = (actual - expectation.expected) / spread
    is_far = is_far_enough(score, expectation.expected, rules.sigma_threshold, rules.min_expected_count)
    return plain, spread, score, is_far and not is_small


@inlined
def _verdict(expected: float, is_small: bool, is_anomalous: bool) -> int:
    if math.isnan(expected):
        return SHORT_HISTORY
    if is_small:
        return TOO_SMALL
    return ANOMALY if is_anomalous else OK
