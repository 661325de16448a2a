"""What counts as dead, as covered, as seen again. Pure (contract 9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from app.reconciliation.contracts import CoverageBucketCount, UnmatchedEvent

EXPECTED_STATUSES = ("implemented", "live")
"""Of an event in one of these data is expected."""

MOST_CANDIDATES_PER_RUN = 10_000


def cutoff(now: datetime, days: int) -> datetime:
    """An event silent since before this instant is dead; coverage is shown from here on."""
    return now - timedelta(days=days)


def coverage_pct(matched: int, total: int) -> float:
    """The matched share in percent, with two decimals; 0 of nothing."""
    return round(matched / total * 100, 2) if total else 0.0


def summed(rows: Iterable[tuple[datetime, int, int]]) -> list[CoverageBucketCount]:
    """(bucket, total, matched) of any scans added up per bucket, oldest first."""
    totals: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for bucket, total, matched in rows:
        totals[bucket][0] += total
        totals[bucket][1] += matched
    return [CoverageBucketCount(bucket, *totals[bucket]) for bucket in sorted(totals)]


def merged(found: Iterable[UnmatchedEvent]) -> list[UnmatchedEvent]:
    """One entry per identity with its counts added up, largest first and no more than one run may keep."""
    known: dict[tuple[str, str], UnmatchedEvent] = {}
    for one in found:
        key = (one.event_type, one.name)
        before = known.get(key)
        if before is not None:
            one = UnmatchedEvent(  # noqa: PLW2901 - the entry grows by what was found before
                *key,
                before.count + one.count,
                min(before.first_bucket, one.first_bucket),
                max(before.last_bucket, one.last_bucket),
            )
        known[key] = one
    ordered = sorted(known.values(), key=lambda one: (-one.count, one.event_type, one.name))
    return ordered[:MOST_CANDIDATES_PER_RUN]
