"""The engine's numbers as the values that pages and the database take."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from app.detection.contracts import DetectionSettings, Direction, Judgement, Outcome
from app.detection.engine.judging import Verdict, Verdicts
from app.detection.engine.matrix import CountMatrix

_REASONS = {
    Verdict.UNCOVERED: "no completed run covered this bucket",
    Verdict.NOT_A_COUNT: "the count is negative or not finite",
    Verdict.FAILED: "the judgement failed",
}


def reason_of(verdict: Verdict, history: float, settings: DetectionSettings) -> str:
    """Why a bucket is unknown; empty when it was judged."""
    if verdict is Verdict.SHORT_HISTORY:
        return f"needs {settings.min_history_buckets} buckets of history, has {int(history)}"
    if verdict is Verdict.TOO_SMALL:
        return f"too few events to judge: expected counts stay below {settings.min_expected_count}"
    return _REASONS.get(verdict, "")


def judgement_at(matrix: CountMatrix, verdicts: Verdicts, row: int, column: int, settings: DetectionSettings) -> Judgement:
    """One bucket of one series."""
    verdict = Verdict(int(verdicts.verdict[row, column]))
    count = matrix.counts[row, column]
    actual = int(count) if math.isfinite(count) else None
    if verdict > Verdict.ANOMALY:
        reason = reason_of(verdict, verdicts.history[row, column], settings)
        return Judgement(matrix.bucket(row), actual, Outcome.UNKNOWN, reason=reason)
    expected = float(verdicts.expected[row, column])
    return Judgement(
        bucket=matrix.bucket(row),
        actual=actual,
        outcome=Outcome.ANOMALY if verdict is Verdict.ANOMALY else Outcome.OK,
        expected=expected,
        spread=float(verdicts.spread[row, column]),
        score=float(verdicts.score[row, column]),
        direction=direction_of(float(count), expected) if verdict is Verdict.ANOMALY else None,
    )


def judgements_of(
    matrix: CountMatrix, verdicts: Verdicts, rows: Sequence[int], column: int, settings: DetectionSettings
) -> list[Judgement]:
    """Many buckets of one series: what `judgement_at` says of each, at a third of its cost."""
    places = np.asarray(rows, dtype=np.intp)
    columns = zip(
        rows,
        matrix.buckets(rows),
        verdicts.verdict[places, column].tolist(),
        matrix.counts[places, column].tolist(),
        verdicts.expected[places, column].tolist(),
        verdicts.spread[places, column].tolist(),
        verdicts.score[places, column].tolist(),
        strict=True,
    )
    return [
        Judgement(bucket, int(count), Outcome.OK, expected, spread, score)
        if verdict == Verdict.OK
        else judgement_at(matrix, verdicts, row, column, settings)
        for row, bucket, verdict, count, expected, spread, score in columns
    ]


def direction_of(actual: float, expected: float) -> Direction:
    """Spike when at least as much as expected, else drop (contract 6.4)."""
    return Direction.SPIKE if actual >= expected else Direction.DROP
