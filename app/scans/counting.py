"""From a warehouse's counted rows to the buckets that are stored. Pure (contract 5.3 to 5.5)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from app.kernel.intervals import Interval, buckets_between
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from app.metrics.recording import BreakdownRow, DistributionRow
from app.plan.contracts import PlanIdentities, identity_of
from app.reconciliation.contracts import UnmatchedEvent
from app.scans.windows import Window
from app.warehouse.rollup_contracts import CountedBucket

OTHER = "Other"


@dataclass(frozen=True, slots=True)
class CollectedCounts:
    """One chunk ready to be stored. `last_seen` holds, for each event (by id), the newest bucket with rows.

    `unmatched` are the identities with rows that the plan does not have.
    """

    window: Window
    rows: list[BucketRow]
    coverage: list[CoverageRow]
    last_seen: dict[str, datetime]
    breakdowns: list[BreakdownRow] = field(default_factory=list)
    distributions: list[DistributionRow] = field(default_factory=list)
    unmatched: list[UnmatchedEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CountedValue:
    """Rows of one event and bucket with one value of a column."""

    event_type: str
    event_name: str
    bucket: datetime
    value: str
    is_other: bool
    count: int


def collect(
    config_id: str, window: Window, interval: Interval, counted: Iterable[CountedBucket], identities: PlanIdentities
) -> CollectedCounts:
    """Counts per event and per event type, and a coverage row for every bucket of the window, also the empty ones.

    Rows of a known type count for the type even when their event is not in the plan; only rows of a planned event are matched.
    """
    totals = dict.fromkeys(buckets_between(window.start, window.stop, interval), 0)
    matched = dict.fromkeys(totals, 0)
    counts: dict[tuple[ScopeType, str], dict[datetime, int]] = defaultdict(dict)
    unmatched: dict[tuple[str, str], dict[datetime, int]] = defaultdict(dict)
    for row in counted:
        totals[row.bucket] += row.count
        event_type_id, event_id = ids_of(row.event_type, row.event_name, identities)
        if event_id is not None:
            matched[row.bucket] += row.count
            of_event = counts[(ScopeType.EVENT, event_id)]
            of_event[row.bucket] = of_event.get(row.bucket, 0) + row.count
        elif row.count:
            of_identity = unmatched[identity_of(row.event_type, row.event_name)]
            of_identity[row.bucket] = of_identity.get(row.bucket, 0) + row.count
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
    unknown = [
        UnmatchedEvent(*identity, sum(by_bucket.values()), min(by_bucket), max(by_bucket))
        for identity, by_bucket in unmatched.items()
    ]
    return CollectedCounts(window, rows, coverage, last_seen, unmatched=unknown)


def ids_of(event_type: str, event_name: str, identities: PlanIdentities) -> tuple[str | None, str | None]:
    """(event type id, event id) of an observed name; None for what the plan does not have."""
    identity = identity_of(event_type, event_name)
    event = identities.events.get(identity)
    return event if event is not None else (identities.event_types.get(identity[0]), None)


def broken_down(
    config_id: str,
    column: str,
    counted: Iterable[CountedValue],
    identities: PlanIdentities,
    *,
    events: Collection[str] | None = None,
) -> list[BreakdownRow]:
    """Rows of the column per event, per event type and for all types together; with `events` (ids) only of those events."""
    counts: Counter[tuple[ScopeType, str, str, bool, datetime]] = Counter()
    for row in counted:
        event_type_id, event_id = ids_of(row.event_type, row.event_name, identities)
        value = OTHER if row.is_other else row.value
        if event_id is not None and (events is None or event_id in events):
            counts[(ScopeType.EVENT, event_id, value, row.is_other, row.bucket)] += row.count
        if event_type_id is not None and events is None:
            counts[(ScopeType.EVENT_TYPE, event_type_id, value, row.is_other, row.bucket)] += row.count
            counts[(ScopeType.PROJECT_TOTAL, config_id, value, row.is_other, row.bucket)] += row.count
    return [
        BreakdownRow(scope_type, ref, column, value, is_other, bucket, count)
        for (scope_type, ref, value, is_other, bucket), count in counts.items()
        if count
    ]


def distributed(column: str, counted: Iterable[CountedValue], identities: PlanIdentities) -> list[DistributionRow]:
    """The column's values per event type and bucket."""
    counts: Counter[tuple[str, str, datetime]] = Counter()
    for row in counted:
        event_type_id, _ = ids_of(row.event_type, row.event_name, identities)
        if event_type_id is not None:
            counts[(event_type_id, row.value, row.bucket)] += row.count
    return [DistributionRow(ref, column, value, bucket, count) for (ref, value, bucket), count in counts.items() if count]


def folded(counted: Iterable[CountedValue], is_kept: Callable[[CountedValue], bool]) -> list[CountedValue]:
    """The rows with every value that is not kept turned into Other."""
    return [
        row if row.is_other or is_kept(row) else CountedValue(row.event_type, row.event_name, row.bucket, OTHER, True, row.count)
        for row in counted
    ]


def top_values(counted: Iterable[CountedValue], limit: int) -> set[str]:
    """The `limit` most frequent values, ties by value."""
    counts: Counter[str] = Counter()
    for row in counted:
        counts[row.value] += row.count
    return {value for value, _ in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]}
