"""Counters: every received record ends as accepted, flagged, quarantined or dropped, with a counted reason."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from prometheus_client import Counter, Gauge

from app.ingest.conservation import Books
from app.ingest.records import RecordLines
from app.ingest.rules import Cleaned
from app.ingest.single_events import BREAKS_PLAN
from app.kernel.errors import AppError
from app.kernel.telemetry import EVENTS_PROCESSED, INGEST_RECORDS, REGISTRY

SURFACE: Final = "events"
BOOKS: Final = Books()
DEDUPE_SECONDS: Final = Gauge(
    "plumbline_ingest_dedupe_seconds",
    "How far back an event sent again is recognised; less than PLUMBLINE_DEDUPE_MINUTES when more ids came than are remembered",
    registry=REGISTRY,
)


@lru_cache(maxsize=64)
def _counter(outcome: str, reason: str) -> Counter:
    return INGEST_RECORDS.labels(SURFACE, outcome, reason)


def count_stored(batches: Iterable[Cleaned]) -> None:
    """Batches that are on disk now."""
    tally: Tally[tuple[str, str]] = Tally()
    processed = 0
    for cleaned in batches:
        processed += cleaned.count
        tally["accepted", ""] += cleaned.count - sum(cleaned.flagged.values())
        for reason, flagged in cleaned.flagged.items():
            tally["flagged", reason] += flagged
        if cleaned.blocked:
            tally["quarantined", BREAKS_PLAN] += cleaned.blocked
        if len(cleaned.faults) > cleaned.blocked:
            tally["quarantined", "breaks a rule"] += len(cleaned.faults) - cleaned.blocked
    for (outcome, reason), records in tally.items():
        _counter(outcome, reason).inc(records)
        BOOKS.settle(outcome, records, reason)
    EVENTS_PROCESSED.inc(processed)


def count_records(records: RecordLines, dropped: str = "") -> None:
    """Records of another surface that are on disk now, or were refused for the reason `dropped`."""
    if dropped:
        INGEST_RECORDS.labels(records.surface, "dropped", dropped).inc(records.rows + records.refused_rows)
        BOOKS.settle("dropped", records.rows + records.refused_rows, dropped)
        return
    INGEST_RECORDS.labels(records.surface, "accepted", "").inc(records.rows)
    BOOKS.settle("accepted", records.rows)
    if records.refused_rows:
        BOOKS.settle("quarantined", records.refused_rows)
        INGEST_RECORDS.labels(records.surface, "quarantined", "breaks a rule").inc(records.refused_rows)


def count_received(records: int) -> None:
    """Records that were read from a request; each must end in one of the other counts."""
    BOOKS.enter(records)


def count_dropped(reason: str, records: int) -> None:
    """Records that were received and not kept."""
    _counter("dropped", reason).inc(records)
    BOOKS.settle("dropped", records, reason)


def count_refused(reason: str) -> None:
    """A request that was refused before anybody knew how many records it holds: it counts as one."""
    count_received(1)
    count_dropped(reason, 1)


@contextmanager
def counted_refusals() -> Iterator[None]:
    """Around what may refuse a request before anybody knows how many records it holds."""
    try:
        yield
    except AppError as refusal:
        count_refused(refusal.code)
        raise
