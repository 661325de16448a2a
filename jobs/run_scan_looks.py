"""Claims waiting previews and dry runs and runs them in a few threads of their own: somebody waits for them."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

from app.scans import service as scans

log = logging.getLogger("plumbline.jobs")


class ScanLookRunner:
    """Runs looks for one worker. A look is claimed only when a thread is free for it."""

    def __init__(self, holder: str, *, threads: int, tools: scans.RunTools = scans.DEFAULT_TOOLS) -> None:
        self._holder = holder
        self._tools = tools
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="look")
        self._running: set[Future[object]] = set()
        self._is_stopping = threading.Event()
        self._claiming = threading.Lock()

    def tick(self) -> int:
        """Claim as many waiting looks as threads are free and start them; how many were started."""
        started = 0
        with self._claiming:
            self._running = {future for future in self._running if not future.done()}
            while len(self._running) < self._threads and not self._is_stopping.is_set():
                look_id = self._claim()
                if look_id is None:
                    break
                self._running.add(self._pool.submit(scans.run_look, look_id, self._holder, tools=self._tools))
                started += 1
        return started

    def stop(self, wait_seconds: float) -> None:
        """Claim nothing more; a look that does not end in time is ended by the reaper."""
        self._is_stopping.set()
        with self._claiming:
            self._pool.shutdown(wait=False)
        wait(self._running, wait_seconds)

    def _claim(self) -> str | None:
        # Looking does not write: an idle instance takes no write lock every second.
        with self._tools.transaction(write=False) as session:
            if not scans.has_pending_looks(session):
                return None
        with self._tools.transaction() as session:
            return scans.claim_next_look(session, self._holder, self._tools.clock.now())
