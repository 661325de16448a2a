"""What the next bucket of a series is expected to count (contract 6.7)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from app.detection.contracts import DetectionSettings
from app.detection.engine.judging import Verdict, judge
from app.detection.engine.matrix import CountMatrix, Floats, matrix_of
from app.metrics.contracts import Series

CYCLES_REQUIRED = 2
# The whole history is judged to learn what the next bucket's expectation is, and charts ask for it again and again between two
# collections. Answers are kept by what they were computed from, so a kept one is never out of date.
_MOST_KEPT = 10_000
_kept: dict[bytes, tuple[ForecastPoint, ...]] = {}


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """One coming bucket, never below 0; `stddev` is the spread that a judgement of it would use."""

    bucket: datetime
    expected_count: float
    stddev: float


def next_bucket(series: Series, settings: DetectionSettings) -> list[ForecastPoint]:
    """The bucket after the series' last one; nothing for less than two cycles of its shortest season."""
    known = sum(count is not None for count in series.counts)
    periods = series.interval.seasonal_periods
    least = CYCLES_REQUIRED * periods[-1] if periods else settings.min_history_buckets
    if not series.buckets or known < max(least, settings.min_history_buckets):
        return []
    matrix = matrix_of([series])
    source = f"{matrix.interval}|{matrix.first_index}|{settings!r}".encode() + matrix.counts.tobytes()
    digest = hashlib.blake2b(source, digest_size=16).digest()
    found = _kept.get(digest)
    if found is None:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        found = _kept[digest] = tuple(_judged(matrix, settings))
    return list(found)


def _judged(matrix: CountMatrix, settings: DetectionSettings) -> list[ForecastPoint]:
    # What the coming bucket counts does not enter its own expectation: zero stands in for it.
    counts: Floats = np.vstack([matrix.counts, np.zeros((1, 1))])
    judged = judge(CountMatrix(matrix.interval, matrix.first_index, counts), replace(settings, min_expected_count=0))
    if judged.verdict[-1, 0] > Verdict.ANOMALY:
        return []
    expected, spread = float(judged.expected[-1, 0]), float(judged.spread[-1, 0])
    return [ForecastPoint(matrix.bucket(matrix.bucket_count), max(0.0, expected), spread)]
