"""Claims waiting bake-offs and runs them one after the other: they take a processor for themselves."""

from __future__ import annotations

from app.detection import bakeoff_run as bakeoffs
from app.detection.bakeoff_run import BakeoffTools
from jobs.claiming import ClaimingRunner
from jobs.leadership import Leadership


class BakeoffRunner(ClaimingRunner[str]):
    """Runs bake-offs for one worker. One that a stop cuts off goes back to the queue."""

    def __init__(self, leadership: Leadership, *, threads: int = 1) -> None:
        super().__init__("bakeoff", threads)
        self._holder = leadership.holder.name
        self._tools = BakeoffTools(leadership.clock, leadership.transaction, self._is_stopping.is_set)

    def _claim(self) -> str | None:
        now = self._tools.clock.now()
        with self._tools.transaction(write=False) as session:
            if not bakeoffs.has_waiting(session, now):
                return None
        with self._tools.transaction() as session:
            return bakeoffs.claim_next(session, self._holder, now)

    def _run(self, claimed: str) -> object:
        return bakeoffs.run(claimed, self._holder, self._tools)
