"""Claims waiting previews and dry runs and runs them in a few threads of their own: somebody waits for them."""

from __future__ import annotations

from app.scans import service as scans
from jobs.claiming import ClaimingRunner


class ScanLookRunner(ClaimingRunner[str]):
    """Runs looks for one worker. One that does not end before a stop is ended by the reaper."""

    def __init__(self, holder: str, *, threads: int, tools: scans.RunTools = scans.DEFAULT_TOOLS) -> None:
        super().__init__("look", threads)
        self._holder = holder
        self._tools = tools

    def _claim(self) -> str | None:
        with self._tools.transaction(write=False) as session:
            if not scans.has_pending_looks(session):
                return None
        with self._tools.transaction() as session:
            return scans.claim_next_look(session, self._holder, self._tools.clock.now())

    def _run(self, claimed: str) -> object:
        return scans.run_look(claimed, self._holder, tools=self._tools)
