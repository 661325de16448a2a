"""From abnormal buckets to what is stored: every abnormal bucket is an anomaly, an outage is a single one (contract 6.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.detection.engine.judging import Verdict, Verdicts
from app.detection.engine.matrix import CountMatrix


@dataclass(frozen=True, slots=True)
class Episode:
    """One anomaly of the series in `column`. `last_row` differs from `row` only for outages, where it is the last abnormal zero."""

    column: int
    row: int
    last_row: int


def episodes(matrix: CountMatrix, verdicts: Verdicts) -> list[Episode]:
    """Anomalies by series, oldest first. Of a contiguous run of zeros only the first abnormal bucket remains."""
    abnormal = verdicts.verdict == Verdict.ANOMALY
    if not abnormal.any():
        return []
    silent = matrix.counts == 0
    columns, rows = np.nonzero(abnormal.T)
    # Rows before which the run of zeros that a bucket belongs to began: equal numbers mean the same run.
    position = np.arange(matrix.bucket_count)[:, None]
    run_start = np.maximum.accumulate(np.where(silent, -1, position), axis=0)
    in_run = silent[rows, columns]
    same_as_before = np.zeros(rows.size, dtype=bool)
    same_as_before[1:] = (
        in_run[1:]
        & in_run[:-1]
        & (columns[1:] == columns[:-1])
        & (run_start[rows[1:], columns[1:]] == run_start[rows[:-1], columns[:-1]])
    )
    starts = np.flatnonzero(~same_as_before)
    ends = np.append(starts[1:], rows.size) - 1
    return [Episode(int(columns[start]), int(rows[start]), int(rows[end])) for start, end in zip(starts, ends, strict=True)]
