"""Many series on one bucket grid: the array form that the engine works on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.kernel.intervals import Interval, bucket_index
from app.metrics.contracts import Series

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CountMatrix:
    """`counts[row, column]` is the count of bucket `first_index + row` of one series; NaN where no run covered the bucket.

    `first_index` is the running number of the bucket of row 0, so that phases come from the clock and not from list positions.
    """

    interval: Interval
    first_index: int
    counts: Floats

    @property
    def bucket_count(self) -> int:
        """Rows."""
        return int(self.counts.shape[0])

    @property
    def series_count(self) -> int:
        """Columns."""
        return int(self.counts.shape[1])

    def bucket(self, row: int) -> datetime:
        """Start of the row's bucket, UTC."""
        return self.interval.anchor + (self.first_index + row) * self.interval.duration

    def buckets(self, rows: Iterable[int]) -> list[datetime]:
        """The starts of many rows, UTC."""
        first, width = self.bucket(0), self.interval.duration
        return [first + row * width for row in rows]

    def rows(self, buckets: Iterable[datetime]) -> list[int]:
        """The rows of bucket starts of the matrix's interval."""
        first, width = self.bucket(0), self.interval.duration
        return [(bucket - first) // width for bucket in buckets]

    def columns(self, start: int, stop: int) -> CountMatrix:
        """The series in [start, stop) on the same grid."""
        return CountMatrix(self.interval, self.first_index, self.counts[:, start:stop])

    def until(self, bucket: datetime) -> CountMatrix:
        """The same series without the buckets after the given one."""
        rows = bucket_index(bucket, self.interval) - self.first_index + 1
        return CountMatrix(self.interval, self.first_index, self.counts[:rows])


def matrix_of(series: Sequence[Series]) -> CountMatrix:
    """Series of one interval on their common grid; buckets a series does not mention are unknown, not zero.

    Of a bucket that is mentioned twice the later count holds. Raises ValueError when the intervals differ or there is no bucket.
    """
    if len({one.interval for one in series}) != 1:
        raise ValueError("all series of a matrix have the same interval")
    interval = series[0].interval
    spans = [(bucket_index(min(one.buckets), interval), bucket_index(max(one.buckets), interval)) for one in series if one.buckets]
    if not spans:
        raise ValueError("no series has a bucket")
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    counts = np.full((last - first + 1, len(series)), np.nan)
    for column, one in enumerate(series):
        values = np.array([np.nan if count is None else count for count in one.counts], dtype=np.float64)
        if _is_gapless(one.buckets, interval):
            start = bucket_index(one.buckets[0], interval) - first
            counts[start : start + len(values), column] = values
        else:
            for bucket, value in zip(one.buckets, values, strict=True):
                counts[bucket_index(bucket, interval) - first, column] = value
    return CountMatrix(interval, first, counts)


def _is_gapless(buckets: Sequence[datetime], interval: Interval) -> bool:
    """Whether each bucket follows the one before, as on the usual grid."""
    width = interval.duration
    return bool(buckets) and all(after - before == width for before, after in pairwise(buckets))
