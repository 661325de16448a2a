"""Claims waiting scan jobs and runs them in a few threads."""

from __future__ import annotations

import logging

from app.scans import service as scans
from jobs.claiming import ClaimingRunner

log = logging.getLogger("plumbline.jobs")


class ScanJobRunner(ClaimingRunner[str]):
    """Runs scan jobs for one worker. A stop asks running jobs to go back to the queue."""

    def __init__(self, holder: str, *, threads: int, tools: scans.RunTools = scans.DEFAULT_TOOLS) -> None:
        super().__init__("scan", threads)
        self._holder = holder
        self._tools = tools
        self._under_way: set[str] = set()

    def _claim(self) -> str | None:
        with self._tools.transaction(write=False) as session:
            if not scans.has_pending_jobs(session):
                return None
        with self._tools.transaction() as session:
            claimed = scans.claim_next_job(session, self._holder, self._tools.clock.now(), except_for=frozenset(self._under_way))
        if claimed is not None:
            self._under_way.add(claimed)
        return claimed

    def _run(self, claimed: str) -> object:
        try:
            return scans.run_job(claimed, self._holder, tools=self._tools, should_stop=self._is_stopping.is_set)
        except Exception:
            # The job's row could not even be marked; the reaper ends it when its heartbeat grows old.
            log.exception("scan job %s could not be ended", claimed)
            raise
        finally:
            self._under_way.discard(claimed)
