"""From a warehouse's counted rows to the buckets that are stored. Pure (contract 5.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.kernel.intervals import Interval, buckets_between
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from app.plan.contracts import PlanIdentities, identity_of
from app.scans.windows import Window
from app.warehouse.contracts import CountedBucket


@dataclass(frozen=True, slots=True)
class CollectedCounts:
    """One chunk ready to be stored. `last_seen` holds, for each event (by id), the newest bucket with rows."""

    window: Window
    rows: list[BucketRow]
    coverage: list[CoverageRow]
    last_seen: dict[str, datetime]


def collect(
    config_id: str, window: Window, interval: Interval, counted: Iterable[CountedBucket], identities: PlanIdentities
) -> CollectedCounts:
    """Counts per event and per event type, and a coverage row for every bucket of the window, also the empty ones.

    Rows of a known type count for the type even when their event is not in the plan; only rows of a planned event are matched.
    """
    totals = dict.fromkeys(buckets_between(window.start, window.stop, interval), 0)
    matched = dict.fromkeys(totals, 0)
    counts: dict[tuple[ScopeType, str], dict[datetime, int]] = defaultdict(dict)
    for row in counted:
        totals[row.bucket] += row.count
        identity = identity_of(row.event_type, row.event_name)
        event = identities.events.get(identity)
        if event is not None:
            matched[row.bucket] += row.count
            of_event = counts[(ScopeType.EVENT, event[1])]
            of_event[row.bucket] = of_event.get(row.bucket, 0) + row.count
        event_type_id = event[0] if event is not None else identities.event_types.get(identity[0])
        if event_type_id is not None:
            of_type = counts[(ScopeType.EVENT_TYPE, event_type_id)]
            of_type[row.bucket] = of_type.get(row.bucket, 0) + row.count
    rows = []
    last_seen = {}
    for (scope_type, ref), by_bucket in counts.items():
        key = SeriesKey(config_id, scope_type, ref)
        rows += [BucketRow(key, bucket, count) for bucket, count in by_bucket.items() if count]
        if scope_type is ScopeType.EVENT:
            last_seen[ref] = max(by_bucket)
    coverage = [CoverageRow(bucket, total, matched[bucket]) for bucket, total in totals.items()]
    return CollectedCounts(window, rows, coverage, last_seen)
