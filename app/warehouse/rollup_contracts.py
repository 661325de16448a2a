"""What scans ask of the product's own roll-up, which is counted already: the short road beside `SqlWarehouse`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.kernel.intervals import Interval
from app.warehouse.contracts import Arrivals
from app.warehouse.field_checks import CheckedFields, FieldCheck
from app.warehouse.newest_properties import NewestProperties
from app.warehouse.observed_properties import ObservedProperty


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

    def field_checks(self, checks: Sequence[FieldCheck], start: datetime, stop: datetime) -> CheckedFields:
        """How many values of properties break a rule in [start, stop)."""
        ...

    def properties(self, event_types: Iterable[str], start: datetime, stop: datetime) -> list[ObservedProperty]:
        """What events of these types carry in [start, stop)."""
        ...

    def newest_properties(self, event_type: str, start: datetime, stop: datetime) -> NewestProperties:
        """What the newest events of one type carry in [start, stop), ends on whole minutes; bounded in events and time."""
        ...
