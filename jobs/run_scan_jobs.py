"""Claims waiting scan jobs and runs them in a few threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from app.scans import service as scans

log = logging.getLogger("plumbline.jobs")


class ScanJobRunner:
    """Runs scan jobs for one worker. A job is claimed only when a thread is free for it."""

    def __init__(self, holder: str, *, threads: int, tools: scans.RunTools = scans.DEFAULT_TOOLS) -> None:
        self._holder = holder
        self._tools = tools
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scan")
        self._running: set[Future[object]] = set()
        self._stopping = threading.Event()
        self._claiming = threading.Lock()

    def tick(self) -> int:
        """Claim as many waiting jobs as threads are free and start them; how many were started."""
        started = 0
        with self._claiming:
            self._running = {future for future in self._running if not future.done()}
            while len(self._running) < self._threads and not self._stopping.is_set():
                job_id = self._claim()
                if job_id is None:
                    break
                self._running.add(self._pool.submit(self._run, job_id))
                started += 1
        return started

    def stop(self, wait_seconds: float) -> bool:
        """Claim nothing more and ask running jobs to go back to the queue; whether all of them did in time."""
        self._stopping.set()
        with self._claiming:  # a job that was just claimed is handed to its thread before the pool closes
            self._pool.shutdown(wait=False)
        return not wait(self._running, wait_seconds).not_done

    def _claim(self) -> str | None:
        # Looking does not write: an idle instance takes no write lock every second.
        with self._tools.transaction(write=False) as session:
            if not scans.has_pending_jobs(session):
                return None
        with self._tools.transaction() as session:
            return scans.claim_next_job(session, self._holder, self._tools.clock.now())

    def _run(self, job_id: str) -> object:
        should_stop: Callable[[], bool] = self._stopping.is_set
        try:
            return scans.run_job(job_id, self._holder, tools=self._tools, should_stop=should_stop)
        except Exception:
            # The job's row could not even be marked; the reaper ends it when its heartbeat grows old.
            log.exception("scan job %s could not be ended", job_id)
            raise
