"""Pure arithmetic on stored counts: grids, days and the week's heatmap (contract 5.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from app.kernel.intervals import Interval, buckets_between, floor_to_bucket
from app.metrics.contracts import DayTotal, Heatmap, HeatmapCell, Series, SeriesKey

DAY = timedelta(days=1)
# Clients regard a config as stale after this many missed intervals (contract 5.1).
STALE_INTERVALS = 3


def grid(covered: Sequence[datetime], interval: Interval) -> list[datetime]:
    """Every bucket from the first to the last covered one; `covered` is sorted."""
    return list(buckets_between(covered[0], covered[-1] + interval.duration, interval)) if covered else []


class SeriesBuilder:
    """Builds zero-filled series on one shared grid, cheaply enough for thousands of them."""

    def __init__(self, covered: Sequence[datetime], interval: Interval) -> None:
        self._interval = interval
        self._buckets = grid(covered, interval)
        self._positions = {bucket: position for position, bucket in enumerate(self._buckets)}
        is_covered = set(covered)
        self._blank: list[int | None] = [0 if bucket in is_covered else None for bucket in self._buckets]

    def build(self, key: SeriesKey, counts: Iterable[tuple[datetime, int]]) -> Series:
        """The series: 0 where covered and nothing stored, None where not covered. The grid is shared, do not change it."""
        values = self._blank.copy()
        for bucket, count in counts:
            position = self._positions.get(bucket)
            if position is not None and values[position] is not None:
                values[position] = count
        return Series(key, self._interval, self._buckets, values)


def series_on(key: SeriesKey, interval: Interval, covered: Sequence[datetime], counts: Sequence[int]) -> Series:
    """The series of the counts of the covered buckets, None in the gaps between them."""
    buckets = grid(covered, interval)
    if len(buckets) == len(covered):
        return Series(key, interval, buckets, list(counts))
    found = dict(zip(covered, counts, strict=True))
    return Series(key, interval, buckets, [found.get(bucket) for bucket in buckets])


def sum_between(series: Series, start: datetime, stop: datetime) -> int | None:
    """Volume of the covered buckets in [start, stop); None when none of them is covered."""
    found = [
        count for bucket, count in zip(series.buckets, series.counts, strict=True) if start <= bucket < stop and count is not None
    ]
    return sum(found) if found else None


def day_totals(series: Series, days: int, now: datetime) -> list[DayTotal]:
    """One entry per UTC day, oldest first, ending with the day of `now`."""
    volumes: dict[date, int] = {}
    for bucket, count in zip(series.buckets, series.counts, strict=True):
        if count is not None:
            volumes[bucket.date()] = volumes.get(bucket.date(), 0) + count
    today = now.astimezone(UTC).date()
    wanted = [today - DAY * back for back in range(days - 1, -1, -1)]
    return [DayTotal(day, volumes.get(day)) for day in wanted]


def volume_end(now: datetime, interval: Interval, last_collected: datetime | None) -> datetime:
    """Where "the last 24 hours" end: after the newest collected bucket, or at now's bucket when collection is stale."""
    current = floor_to_bucket(now, interval)
    if last_collected is None:
        return current
    collected_until = last_collected + interval.duration
    return collected_until if current - collected_until <= STALE_INTERVALS * interval.duration else current


def heatmap(key: SeriesKey, counts: Iterable[tuple[datetime, int]], anomalies: Iterable[datetime]) -> Heatmap:
    """Volume and anomalies by UTC weekday and hour. A bucket wider than an hour counts for the hour it starts in."""
    volumes = [0] * 168
    marks = [0] * 168
    for bucket, count in counts:
        volumes[bucket.weekday() * 24 + bucket.hour] += count
    for bucket in anomalies:
        marks[bucket.weekday() * 24 + bucket.hour] += 1
    cells = [HeatmapCell(slot // 24, slot % 24, volumes[slot], marks[slot]) for slot in range(168)]
    return Heatmap(key, cells, max(volumes), sum(volumes))
