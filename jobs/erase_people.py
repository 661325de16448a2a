"""Claims erasures that wait and carries them out, one after the other."""

from __future__ import annotations

from collections.abc import Callable

from app.erasure import service as erasures
from app.eventstore.contracts import EventStore
from app.eventstore.service import get_event_store
from jobs.claiming import ClaimingRunner
from jobs.leadership import Leadership


class ErasureRunner(ClaimingRunner[str]):
    """Erases for one worker. What a stop cuts off is claimed again, by this process or another."""

    def __init__(self, leadership: Leadership, *, store: Callable[[], EventStore] = get_event_store) -> None:
        super().__init__("erase", 1)
        self._holder = leadership.holder.name
        self._tools = erasures.Tools(store, leadership.transaction, leadership.clock, self._is_stopping.is_set)

    def _claim(self) -> str | None:
        now = self._tools.clock.now()
        with self._tools.transaction(write=False) as session:
            if not erasures.has_waiting(session, now):
                return None
        with self._tools.transaction() as session:
            return erasures.claim_next(session, self._holder, now)

    def _run(self, claimed: str) -> object:
        return erasures.carry_out(claimed, self._holder, self._tools)
