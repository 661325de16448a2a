"""The engine's one entry: judge every bucket of many series, each by itself.

Causal: a verdict depends on the bucket's own count and on earlier ones only, so live runs and replays agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from app.detection.contracts import DetectionSettings
from app.detection.engine.matrix import CountMatrix, Floats

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
    """Verdicts for all buckets. Never raises for odd data: what cannot be judged is unknown with its reason.

    Other threads go on meanwhile. The first call of a version compiles for some seconds (`compiled.py`).
    """
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
    from app.detection.engine import seasonal  # imported on first use: loading the compiled code takes a while

    counts = np.array(matrix.counts.T, dtype=np.float64, order="C")  # a copy: a row per series
    verdict, figures = seasonal.judge_counts(counts, matrix.interval, settings)
    expected, spread, score, history = (figures[:, figure].T for figure in range(4))
    return Verdicts(verdict.T, expected, spread, score, history)
