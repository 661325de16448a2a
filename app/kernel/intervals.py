"""Bucket arithmetic: epoch-aligned UTC buckets, weeks from Monday (tracking-plan contract, section 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 1970-01-01 was a Thursday; weekly buckets are anchored on the following Monday.
_MONDAY_ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)


class Interval(StrEnum):
    """The bucket widths a scan can collect at."""

    QUARTER_HOUR = "15m"
    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "1d"
    WEEK = "1w"

    @property
    def seconds(self) -> int:
        """Width of one bucket in seconds."""
        return _SECONDS[self]

    @property
    def duration(self) -> timedelta:
        """Width of one bucket."""
        return timedelta(seconds=_SECONDS[self])

    @property
    def seasonal_periods(self) -> tuple[int, ...]:
        """Candidate seasonal periods in buckets, longest first (contract 6.3)."""
        return _SEASONS[self]

    @property
    def anchor(self) -> datetime:
        """An instant at which a bucket starts."""
        return _MONDAY_ANCHOR if self is Interval.WEEK else _EPOCH


_SECONDS = {
    Interval.QUARTER_HOUR: 900,
    Interval.HOUR: 3600,
    Interval.SIX_HOURS: 21_600,
    Interval.DAY: 86_400,
    Interval.WEEK: 604_800,
}
_SEASONS: dict[Interval, tuple[int, ...]] = {
    Interval.QUARTER_HOUR: (672, 96),
    Interval.HOUR: (168, 24),
    Interval.SIX_HOURS: (28, 4),
    Interval.DAY: (7,),
    Interval.WEEK: (),
}


def bucket_index(moment: datetime, interval: Interval) -> int:
    """The running number of the bucket that holds the instant, counted from the interval's anchor; may be negative."""
    return int((moment - interval.anchor).total_seconds() // interval.seconds)


def floor_to_bucket(moment: datetime, interval: Interval) -> datetime:
    """Start of the bucket that holds the instant. `moment` is aware."""
    return interval.anchor + interval.duration * bucket_index(moment, interval)


def ceil_to_bucket(moment: datetime, interval: Interval) -> datetime:
    """The first bucket start that is not before the instant."""
    floor = floor_to_bucket(moment, interval)
    return floor if floor == moment else floor + interval.duration


def buckets_between(start: datetime, stop: datetime, interval: Interval) -> Iterator[datetime]:
    """Every bucket start in the half-open window [start, stop); `start` is rounded up to a bucket start."""
    moment = ceil_to_bucket(start, interval)
    while moment < stop:
        yield moment
        moment += interval.duration
