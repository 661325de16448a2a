"""Failed sign-ins by address in the last minutes, for the threat score of what comes from there next (contract C.5).

Kept in memory, so that no question goes out before an event is acknowledged. Detection, which reads history anyhow, tells what
other processes and earlier lives of this one took in.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from app.security.behaviour.rules import DEFAULT_RULES
from app.security.intelligence.threat import MOST_FOR_FAILED_LOGINS, POINTS_PER_FAILED_LOGIN

MOST_ADDRESSES: Final = 50_000
ENOUGH: Final = -(-MOST_FOR_FAILED_LOGINS // POINTS_PER_FAILED_LOGIN)
"""More failures than this change no score."""


class RecentFailures:
    """The last failures of each address. Safe to use from many threads; the address not heard of longest is forgotten first."""

    def __init__(self, window: timedelta = DEFAULT_RULES.failures_per_ip_window, most: int = MOST_ADDRESSES) -> None:
        self._window, self._most = window, most
        self._moments: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, project_id: str, address: str, now: datetime) -> int:
        """Failures in the window that ends now, at most as many as matter."""
        with self._lock:
            known = self._moments.get((project_id, address), ())
            return sum(1 for moment in known if now - self._window <= moment <= now)

    def add(self, project_id: str, address: str, moment: datetime) -> None:
        """One more."""
        with self._lock:
            self._kept(project_id, address).append(moment)

    def learn(self, project_id: str, address: str, moments: Iterable[datetime]) -> None:
        """All that history tells of the address, oldest first; what is known here already is not counted twice."""
        with self._lock:
            kept = self._kept(project_id, address)
            merged = sorted({*kept, *moments}) if kept else list(moments)
            # Several within one millisecond are one in the set, so the longer account is believed.
            if len(merged) > len(kept):
                kept.clear()
                kept.extend(merged)

    def _kept(self, project_id: str, address: str) -> deque[datetime]:
        key = (project_id, address)
        kept = self._moments.get(key)
        if kept is None:
            kept = self._moments[key] = deque(maxlen=ENOUGH)
            if len(self._moments) > self._most:
                self._moments.popitem(last=False)
        else:
            self._moments.move_to_end(key)
        return kept


FAILURES: Final = RecentFailures()
