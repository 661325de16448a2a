"""The points of a series: one per collected bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

from models.detection import Anomaly


@dataclass(slots=True)
class Point:
    """One collected bucket; the anomaly only where detection found one."""

    bucket: datetime
    count: int
    anomaly: Anomaly | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Points(Sequence[Point]):
    """Points as columns: a breakdown over months has tens of thousands, and an object for each costs more than reading them.

    `buckets` and `counts` are equally long, oldest first; the series of one chart share their buckets.
    """

    buckets: Sequence[datetime] = ()
    counts: Sequence[int] = ()
    anomalies: Mapping[datetime, Anomaly] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.buckets)

    def __iter__(self) -> Iterator[Point]:
        found = self.anomalies.get
        return (Point(bucket, count, found(bucket)) for bucket, count in zip(self.buckets, self.counts, strict=True))

    @overload
    def __getitem__(self, index: int) -> Point: ...

    @overload
    def __getitem__(self, index: slice) -> Points: ...

    def __getitem__(self, index: int | slice) -> Point | Points:
        if isinstance(index, slice):
            return Points(self.buckets[index], self.counts[index], self.anomalies)
        bucket = self.buckets[index]
        return Point(bucket, self.counts[index], self.anomalies.get(bucket))
