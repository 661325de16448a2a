"""The books of a process: received = accepted + flagged + quarantined + dropped, with a reason for each dropped one.

A record is entered when it is read from a request and settled when it has ended in one of the four ways. Every wait in between is
shorter than a minute, so that whatever was received a minute ago must be settled by now; a difference is a fault of this program.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

OUTCOMES: Final = ("accepted", "flagged", "quarantined", "dropped")


@dataclass(frozen=True, slots=True)
class Balance:
    """The books at one moment since the start of the process. `unaccounted` records were received at the look before and have
    not ended; below zero more have ended than were received."""

    checked_at: datetime
    received: int
    settled: dict[str, int]
    reasons: dict[str, int]
    unaccounted: int


class Books:
    """The counts of one process; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received = 0
        self._due = 0
        self._settled: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def enter(self, records: int) -> None:
        """Records that were received."""
        with self._lock:
            self._received += records

    def settle(self, outcome: str, records: int, reason: str = "") -> None:
        """Records that have ended; the reason of dropped ones is counted."""
        with self._lock:
            self._settled[outcome] += records
            if outcome == "dropped":
                self._reasons[reason] += records

    def balance(self, now: datetime) -> Balance:
        """Hold what has ended against what was received at the look before this one."""
        with self._lock:
            settled = self._settled.total()
            unaccounted = max(0, self._due - settled) or min(0, self._received - settled)
            self._due = self._received
            by_outcome = {outcome: self._settled[outcome] for outcome in OUTCOMES}
            return Balance(now, self._received, by_outcome, dict(self._reasons), unaccounted)
