"""Work that waits in the database and belongs to whoever claims it first: claimed and run in a few threads."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

Claimed = TypeVar("Claimed")


class ClaimingRunner(ABC, Generic[Claimed]):
    """Runs one kind of work for one worker. Something is claimed only when a thread is free for it."""

    def __init__(self, name: str, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._running: set[Future[object]] = set()
        self._is_stopping = threading.Event()
        self._claiming = threading.Lock()

    def tick(self) -> int:
        """Claim as much as threads are free and start it; how much was started."""
        started = 0
        with self._claiming:
            self._running = {future for future in self._running if not future.done()}
            while len(self._running) < self._threads and not self._is_stopping.is_set():
                claimed = self._claim()
                if claimed is None:
                    break
                self._running.add(self._pool.submit(self._run, claimed))
                started += 1
        return started

    def wait(self, seconds: float) -> bool:
        """Wait for what runs; whether all of it ended in time."""
        return not wait(self._running, seconds).not_done

    def stop(self, wait_seconds: float) -> bool:
        """Claim nothing more, tell running work to stop where it listens; whether all of it ended in time."""
        self._is_stopping.set()
        with self._claiming:  # what was just claimed is handed to its thread before the pool closes
            self._pool.shutdown(wait=False)
        return self.wait(wait_seconds)

    @abstractmethod
    def _claim(self) -> Claimed | None:
        """Take the next piece of work; None when there is none. Looking comes before writing: an idle instance takes no lock."""

    @abstractmethod
    def _run(self, claimed: Claimed) -> object:
        """Do it, in a thread of the pool."""
