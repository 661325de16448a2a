"""The engine's one entry: judge every bucket of many series in one pass over time.

Causal: a verdict depends on the bucket's own count and on earlier ones only, so live runs and replays agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from app.detection.contracts import DetectionSettings
from app.detection.engine.baseline import Baseline
from app.detection.engine.calibration import Calibration
from app.detection.engine.decision import decide, effective_spread, too_small_to_judge
from app.detection.engine.levels import TrailingLevels
from app.detection.engine.matrix import CountMatrix, Floats
from app.detection.engine.phase_baseline import NOT_ABNORMAL, History

# Bounds the working arrays of one block to some tens of megabytes.
BLOCK_CELLS = 1_500_000


class Verdict(IntEnum):
    """How the judgement of one bucket ended; everything after ANOMALY is unknown."""

    OK = 0
    ANOMALY = 1
    UNCOVERED = 2
    SHORT_HISTORY = 3
    TOO_SMALL = 4
    NOT_A_COUNT = 5
    FAILED = 6


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Per bucket (row) and series (column); `expected`, `spread` and `score` are NaN where the verdict is unknown.

    `spread` is the effective one that the score was divided by; `history` the known buckets that a rolling baseline had.
    """

    verdict: npt.NDArray[np.int8]
    expected: Floats
    spread: Floats
    score: Floats
    history: Floats


def judge(matrix: CountMatrix, settings: DetectionSettings) -> Verdicts:
    """Verdicts for all buckets. Never raises for odd data: what cannot be judged is unknown with its reason."""
    width = max(1, BLOCK_CELLS // max(1, matrix.bucket_count))
    blocks = [
        _judge_safely(matrix.columns(start, min(start + width, matrix.series_count)), settings)
        for start in range(0, matrix.series_count, width)
    ]
    return _side_by_side(blocks) if blocks else _blank(matrix, Verdict.UNCOVERED)


def _blank(matrix: CountMatrix, verdict: Verdict) -> Verdicts:
    shape = matrix.counts.shape
    expected, spread, score = (np.full(shape, np.nan) for _ in range(3))
    return Verdicts(np.full(shape, verdict, dtype=np.int8), expected, spread, score, np.zeros(shape))


def _side_by_side(blocks: list[Verdicts]) -> Verdicts:
    if len(blocks) == 1:
        return blocks[0]
    names = ("expected", "spread", "score", "history")
    joined = (np.concatenate([getattr(block, name) for block in blocks], axis=1) for name in names)
    return Verdicts(np.concatenate([block.verdict for block in blocks], axis=1), *joined)


def _judge_safely(matrix: CountMatrix, settings: DetectionSettings) -> Verdicts:
    try:
        with np.errstate(all="ignore"):
            return _judge_block(matrix, settings)
    except Exception:  # noqa: BLE001 - one broken series must not silence the others, and a failure is an outcome
        if matrix.series_count == 1:
            return _blank(matrix, Verdict.FAILED)
        half = matrix.series_count // 2
        return _side_by_side(
            [
                _judge_safely(matrix.columns(0, half), settings),
                _judge_safely(matrix.columns(half, matrix.series_count), settings),
            ]
        )


def _judge_block(matrix: CountMatrix, settings: DetectionSettings) -> Verdicts:
    result = _blank(matrix, Verdict.UNCOVERED)
    not_a_count = np.isinf(matrix.counts) | (matrix.counts < 0)
    counts = np.where(not_a_count, np.nan, matrix.counts)
    periods = matrix.interval.seasonal_periods
    levels = [TrailingLevels(matrix.bucket_count, matrix.series_count, periods[-1]) for _ in periods]
    abnormal_by = np.full(counts.shape, NOT_ABNORMAL, dtype=np.int8)
    baseline = Baseline(matrix, History(counts, [one.levels for one in levels], abnormal_by), settings)
    calibrations = _calibrations(matrix)
    largest = np.zeros(matrix.series_count)
    is_small = np.zeros(counts.shape, dtype=bool)
    for row in range(matrix.bucket_count):
        actual = counts[row]
        for one in levels:
            one.fix(row)
        expectation = baseline.expectation(row)
        expected, kind = expectation.expected, expectation.kind
        small = too_small_to_judge(largest, settings.min_expected_count)
        judged = ~np.isnan(actual) & (expected >= settings.min_expected_count)
        spread = np.full(matrix.series_count, np.nan)
        score = np.full(matrix.series_count, np.nan)
        anomalous = np.zeros(matrix.series_count, dtype=bool)
        for index, calibration in enumerate(calibrations):
            of_kind = kind == index
            if not of_kind.any():
                continue
            plain = calibration.plain_spread(expectation.own, expectation.floor)
            effective = plain * calibration.width()
            if index < len(periods):  # a rolling mean knows no rhythm: what it calls a fall may be the evening
                least = np.maximum(expectation.own, expectation.floor)
                effective = effective_spread(actual, expected, least, effective)
            spread = np.where(of_kind, effective, spread)
            score = np.where(of_kind, (actual - expected) / spread, score)
            anomalous |= (of_kind & ~small) & decide(
                score, expected, sigma_threshold=settings.sigma_threshold, min_expected_count=settings.min_expected_count
            )
            calibration.learn(np.abs(actual - expected), plain, expectation.floor, judged & of_kind, anomalous)
        for index, one in enumerate(levels):
            of_kind = kind == index
            one.take(row, actual, expected, settings.sigma_threshold * spread, judged & of_kind, anomalous & of_kind)
        abnormal_by[row] = np.where(anomalous, kind, NOT_ABNORMAL)
        largest = np.fmax(largest, actual)
        result.expected[row], result.spread[row], result.score[row] = expected, spread, score
        result.history[row] = expectation.history
        is_small[row] = small
    result.verdict[:] = np.select(
        [not_a_count, np.isnan(counts), np.isnan(result.expected), is_small, abnormal_by != NOT_ABNORMAL],
        [Verdict.NOT_A_COUNT, Verdict.UNCOVERED, Verdict.SHORT_HISTORY, Verdict.TOO_SMALL, Verdict.ANOMALY],
        Verdict.OK,
    )
    unknown = result.verdict > Verdict.ANOMALY
    for values in (result.expected, result.spread, result.score):
        values[unknown] = np.nan
    return result


def _calibrations(matrix: CountMatrix) -> list[Calibration]:
    """One for each seasonal period and one for the rolling baseline: a young baseline must not teach an older one."""
    periods = matrix.interval.seasonal_periods
    return [Calibration(matrix.interval, matrix.series_count) for _ in range(len(periods) + 1)]
