"""Counters: every received record ends as accepted, flagged, quarantined or dropped, with a counted reason."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from prometheus_client import Counter

from app.ingest.rules import Cleaned
from app.kernel.telemetry import INGEST_RECORDS

SURFACE: Final = "events"


@lru_cache(maxsize=64)
def _counter(outcome: str, reason: str) -> Counter:
    return INGEST_RECORDS.labels(SURFACE, outcome, reason)


def count_stored(cleaned: Cleaned) -> None:
    """Rows that are on disk."""
    flagged = 0
    for reason, rows in cleaned.flagged.items():
        _counter("flagged", reason).inc(rows)
        flagged += rows
    if cleaned.rows > flagged:
        _counter("accepted", "").inc(cleaned.rows - flagged)
    if cleaned.faults:
        _counter("quarantined", "breaks a rule").inc(len(cleaned.faults))


def count_dropped(reason: str, records: int = 1) -> None:
    """Records that were refused and not kept; a body that cannot be read counts as one."""
    _counter("dropped", reason).inc(records)
