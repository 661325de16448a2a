"""The product's own event store as a warehouse: event type = source, event name = name (scan config `source`, `{name}`, `time`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.eventstore.contracts import EventStore
from app.kernel.intervals import Interval
from app.warehouse.contracts import Arrivals, TooManyRows
from app.warehouse.field_checks import CheckedFields, FieldCheck, check_fields
from app.warehouse.newest_properties import NewestProperties, observe_newest
from app.warehouse.observed_properties import ObservedProperty, observe_properties
from app.warehouse.rollup_contracts import CatalogGroup, CountedBucket

PRODUCT_EVENTS = "event"


@dataclass(frozen=True, slots=True)
class BuiltinWarehouse:
    """Product events of one project; buckets come from the store's one-minute roll-up."""

    store: EventStore
    tenant_id: str
    project_id: str

    def catalog(self, start: datetime, stop: datetime) -> Sequence[CatalogGroup]:
        """What occurs in [start, stop), largest group first. Errors: Unavailable."""
        groups = self.store.count_groups(self.tenant_id, self.project_id, PRODUCT_EVENTS, start, stop)
        return [CatalogGroup(group.source, group.name, group.count, group.last_at) for group in groups]

    def count_buckets(self, start: datetime, stop: datetime, interval: Interval, *, row_limit: int) -> Sequence[CountedBucket]:
        """Counts per group and bucket in [start, stop). Errors: TooManyRows, Unavailable."""
        rows = self.store.count_buckets(
            self.tenant_id,
            self.project_id,
            PRODUCT_EVENTS,
            start,
            stop,
            seconds=interval.seconds,
            anchor=interval.anchor,
            limit=row_limit + 1,
        )
        if len(rows) > row_limit:
            raise TooManyRows(row_limit)
        return [CountedBucket(row.source, row.name, row.bucket, row.count) for row in rows]

    def arrivals(self, after: datetime | None) -> Arrivals | None:
        """What was received after the instant (everything when None). Errors: Unavailable."""
        span = self.store.received_span(self.tenant_id, self.project_id, PRODUCT_EVENTS, after)
        return None if span is None else Arrivals(span.oldest_time, span.newest_received_at)

    def field_checks(self, checks: Sequence[FieldCheck], start: datetime, stop: datetime) -> CheckedFields:
        """How many values of properties break a rule in [start, stop). Errors: Unavailable."""
        return check_fields(self.store, self.tenant_id, self.project_id, PRODUCT_EVENTS, checks, start, stop)

    def properties(self, event_types: Iterable[str], start: datetime, stop: datetime) -> list[ObservedProperty]:
        """What events of these types carry in [start, stop). Errors: Unavailable."""
        return observe_properties(self.store, self.tenant_id, self.project_id, PRODUCT_EVENTS, event_types, start, stop)

    def newest_properties(self, event_type: str, start: datetime, stop: datetime) -> NewestProperties:
        """What the newest events of one type carry in [start, stop). Errors: Unavailable."""
        return observe_newest(self.store, self.tenant_id, self.project_id, PRODUCT_EVENTS, event_type, start, stop)
