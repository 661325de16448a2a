"""The books of the ledger: what a built-in scan and a scan of a warehouse counted of the same events, hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from app.kernel.intervals import Interval, floor_to_bucket
from app.reconciliation import ledger_repository as repository
from app.reconciliation.ledger import HOUR, HourCount
from models.scans import ScanConfig


def counted_until(session: Session, built_in: ScanConfig, warehouse: ScanConfig) -> datetime:
    """The end of the hours that both have counted, without those that the warehouse's scan wants to look at once more."""
    ends = [end for end in (built_in.collected_until, warehouse.collected_until) if end is not None]
    again = repository.look_again_from(session, warehouse.id)
    return min(*ends, again + HOUR) if again is not None else min(ends)


class Books:
    """The counts of a pair of scans in a span of whole hours."""

    def __init__(self, span: Sequence[datetime], counted_until: datetime) -> None:
        self._span = span
        self.counted_until = counted_until
        self.events: set[str] = set()
        self._ingested: dict[str, dict[datetime, int]] = defaultdict(dict)
        self._warehoused: dict[str, dict[datetime, int]] = defaultdict(dict)
        self._first: dict[tuple[str, datetime], tuple[int, datetime]] = {}
        self._then: dict[tuple[str, datetime], tuple[int, datetime]] = {}
        self._known_here: set[datetime] = set()
        self._known_there: set[datetime] = set()

    @classmethod
    def read(cls, session: Session, built_in: ScanConfig, warehouse: ScanConfig, hours: int, now: datetime) -> Books:
        """The last hours that either side may have counted."""
        stop = floor_to_bucket(now, Interval.HOUR)
        start = stop - hours * HOUR
        books = cls([start + index * HOUR for index in range(hours)], counted_until(session, built_in, warehouse))
        books.events = repository.counted_events(session, warehouse.id) & repository.counted_events(session, built_in.id)
        for config, counts in ((built_in, books._ingested), (warehouse, books._warehoused)):
            for event_id, hour, count in repository.event_counts(session, config.id, start, stop):
                counts[event_id][hour] = count
        books._first = repository.first_counts(session, warehouse.id, start, stop)
        books._then = repository.first_counts(session, built_in.id, start, stop)
        books._known_here = repository.covered(session, built_in.id, start, stop)
        books._known_there = repository.covered(session, warehouse.id, start, stop)
        return books

    def of(self, event_id: str) -> list[HourCount]:
        """The event's hours that this side counted."""
        ingested, warehoused = self._ingested.get(event_id, {}), self._warehoused.get(event_id, {})
        found = []
        for hour in self._span:
            if hour not in self._known_here:
                continue
            first, first_at = self._first.get((event_id, hour), (None, None))
            then, _ = self._then.get((event_id, hour), (None, None))
            there = warehoused.get(hour, 0) if hour in self._known_there else None
            found.append(HourCount(hour, ingested.get(hour, 0), there, first, first_at, then))
        return found

    def total(self, event_ids: Iterable[str]) -> list[HourCount]:
        """The events added up; first counts only where every event has one."""
        series = [self.of(event_id) for event_id in event_ids]
        return [_added(at_hour) for at_hour in zip(*series, strict=True)]


def _added(at_hour: Sequence[HourCount]) -> HourCount:
    firsts = [one.first_warehoused for one in at_hour if one.first_warehoused is not None]
    is_complete = len(firsts) == len(at_hour)
    known = [one.warehoused for one in at_hour if one.warehoused is not None]
    then = [one.ingested if one.ingested_then is None else one.ingested_then for one in at_hour]
    return HourCount(
        at_hour[0].hour,
        sum(one.ingested for one in at_hour),
        sum(known) if len(known) == len(at_hour) else None,
        sum(firsts) if is_complete else None,
        at_hour[0].first_at if is_complete else None,
        sum(then),
    )
