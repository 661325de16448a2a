"""What a scan asks of a warehouse, whatever the dialect. GROUP BY happens there; only aggregates travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.kernel.intervals import Interval


@dataclass(frozen=True, slots=True)
class CatalogGroup:
    """Rows with one event type and event name in the window asked for."""

    event_type: str
    event_name: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CountedBucket:
    """Rows with one event type and event name in the bucket that starts at `bucket`."""

    event_type: str
    event_name: str
    bucket: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Rows that became readable since an earlier look: their oldest event time, and where the next look continues."""

    oldest_time: datetime
    received_until: datetime


class TooManyRows(Exception):
    """The answer has more rows than allowed; nothing of it is to be used."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} rows")
        self.limit = limit


class Warehouse(Protocol):
    """One source of rows, already limited to one project. Windows are half-open. Errors: Unavailable."""

    def catalog(self, start: datetime, stop: datetime) -> Sequence[CatalogGroup]:
        """What occurs in [start, stop), largest group first."""
        ...

    def count_buckets(self, start: datetime, stop: datetime, interval: Interval, *, row_limit: int) -> Sequence[CountedBucket]:
        """Counts per group and bucket in [start, stop). Errors: TooManyRows."""
        ...

    def arrivals(self, after: datetime | None) -> Arrivals | None:
        """What was received after the instant (everything when None); None when nothing was or the source cannot tell."""
        ...
