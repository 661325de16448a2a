"""What the judgement of one series remembers while it walks through its buckets: arrays made once and used for every series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.detection.engine.compiled import compiled

Floats = npt.NDArray[np.float64]
NOT_ABNORMAL = -1
# Cells of a calibration row.
LOG_WIDTH, MEAN_DEVIATION, TEACHERS, WAS_ANOMALOUS = range(4)
CALIBRATION_CELLS = 4


class Rules(NamedTuple):
    """A project's settings and the tail of the interval, as numbers."""

    sigma_threshold: float
    min_expected_count: float
    baseline_window: int
    min_history: int
    tail_share: float
    tail_point: float
    tail_memory: int


class Memory(NamedTuple):
    """`levels`, `sums` and `known` have a row for each seasonal period, `calibration` one more for the rolling baseline.

    `sums[kind, r]` and `known[kind, r]` add up the cleaned counts before bucket r; `levels[kind, r]` is the mean of the shortest
    cycle before it. `abnormal_by[r]` is the kind of baseline that found bucket r abnormal, NOT_ABNORMAL for none.
    """

    levels: Floats
    sums: Floats
    known: Floats
    abnormal_buckets: Floats
    abnormal_by: npt.NDArray[np.int8]
    calibration: Floats
    values: Floats
    ordered: Floats


@compiled
def make_memory(bucket_count: int, kind_count: int, most_values: int) -> Memory:
    """Arrays for series of so many buckets; `forget` makes them ready for one."""
    return Memory(
        np.empty((kind_count, bucket_count)),
        np.zeros((kind_count, bucket_count + 1)),
        np.zeros((kind_count, bucket_count + 1)),
        np.zeros(kind_count),
        np.empty(bucket_count, dtype=np.int8),
        np.zeros((kind_count + 1, CALIBRATION_CELLS)),
        np.empty(most_values),
        np.empty(most_values),
    )
