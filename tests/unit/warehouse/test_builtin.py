from datetime import UTC, datetime, timedelta

import pytest

from app.eventstore.contracts import BucketCount, GroupCount, ReceivedSpan
from app.kernel.intervals import Interval
from app.warehouse.builtin import BuiltinWarehouse
from app.warehouse.contracts import Arrivals, TooManyRows
from app.warehouse.rollup_contracts import CatalogGroup, CountedBucket

START = datetime(2026, 3, 16, tzinfo=UTC)
STOP = START + timedelta(hours=2)


class RecordingStore:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.buckets = [BucketCount("web", "click", START, 3), BucketCount("web", "click", START + timedelta(hours=1), 4)]

    def count_groups(self, *arguments):
        self.calls.append(arguments)
        return [GroupCount("web", "click", 7, START, STOP - timedelta(minutes=1))]

    def count_buckets(self, *arguments, seconds, anchor, limit):
        self.calls.append((*arguments, seconds, anchor, limit))
        return self.buckets[:limit]

    def received_span(self, *arguments):
        self.calls.append(arguments)
        return ReceivedSpan(START, STOP, STOP + timedelta(seconds=5))


def test_source_and_name_become_event_type_and_event_name():
    store = RecordingStore()
    warehouse = BuiltinWarehouse(store, "tenant", "project")
    assert warehouse.catalog(START, STOP) == [CatalogGroup("web", "click", 7, STOP - timedelta(minutes=1))]
    assert store.calls == [("tenant", "project", "event", START, STOP)]


@pytest.mark.parametrize("interval", list(Interval))
def test_buckets_are_asked_for_with_width_and_anchor(interval: Interval):
    store = RecordingStore()
    counted = BuiltinWarehouse(store, "tenant", "project").count_buckets(START, STOP, interval, row_limit=2)
    assert counted[0] == CountedBucket("web", "click", START, 3)
    assert store.calls == [("tenant", "project", "event", START, STOP, interval.seconds, interval.anchor, 3)]


def test_more_rows_than_the_limit_are_refused_and_exactly_the_limit_is_not():
    warehouse = BuiltinWarehouse(RecordingStore(), "tenant", "project")
    assert len(warehouse.count_buckets(START, STOP, Interval.HOUR, row_limit=2)) == 2
    with pytest.raises(TooManyRows):
        warehouse.count_buckets(START, STOP, Interval.HOUR, row_limit=1)


def test_arrivals_carry_the_oldest_time_and_where_to_continue():
    warehouse = BuiltinWarehouse(RecordingStore(), "tenant", "project")
    assert warehouse.arrivals(None) == Arrivals(START, STOP + timedelta(seconds=5))
