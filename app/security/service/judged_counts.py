"""How many events this process judged in each five minutes, written down now and then.

What is lost with the process makes the sweep judge those five minutes again, which raises nothing twice.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.kernel.database import session_scope
from app.security.contracts import SecurityEvent
from app.security.repository import judging

PAUSE_SECONDS: Final = 1.0


class JudgedCounts:
    """Counts that wait to be written. Safe to use from many threads."""

    def __init__(self) -> None:
        self._waiting: Counter[tuple[str, datetime]] = Counter()
        self._written_at = 0.0
        self._lock = threading.Lock()

    def note(self, project_id: str, events: Sequence[SecurityEvent]) -> None:
        """The events are judged."""
        by_moment = Counter(event.at for event in events)  # a batch shares one
        with self._lock:
            for moment, count in by_moment.items():
                self._waiting[project_id, judging.bucket_of(moment)] += count

    def write(self, *, is_urgent: bool = False) -> None:
        """Write what waits, at most once a second unless it is urgent."""
        with self._lock:
            if not self._waiting or (not is_urgent and time.monotonic() - self._written_at < PAUSE_SECONDS):
                return
            waiting, self._waiting, self._written_at = self._waiting, Counter(), time.monotonic()
        with session_scope() as session:
            judging.add_judged(session, waiting)


JUDGED: Final = JudgedCounts()
