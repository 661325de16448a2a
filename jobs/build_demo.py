"""Fills demo projects that wait for it, one after the other, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

from app.demo import service as demo
from app.kernel.telemetry import JOB_RUNS
from jobs.leadership import Leadership

log = logging.getLogger("plumbline.jobs")


class DemoBuilder:
    """Fills demo projects where this process leads. What a stop cuts off is begun again by whoever leads next."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="demo")
        self._running: Future[int] | None = None
        self._stopping = threading.Event()

    def tick(self) -> bool:
        """Begin when a project waits and none is being filled; whether it did. Looking does not write."""
        if self._stopping.is_set() or (self._running is not None and not self._running.done()):
            return False
        with self._leadership.transaction(write=False) as session:
            if not demo.waiting_projects(session):
                return False
        with self._leadership.turn() as session:
            if session is None:
                return False
        self._running = self._pool.submit(self._fill_all)
        return True

    def stop(self, wait_seconds: float) -> None:
        """Begin nothing more and wait a little for the running step."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._running is not None:
            wait([self._running], wait_seconds)

    def _fill_all(self) -> int:
        try:
            return run(self._leadership, should_stop=self._stopping.is_set)
        except Exception:
            JOB_RUNS.labels(job="build_demo", result="failed").inc()
            log.exception("background job build_demo failed")
            raise


def run(leadership: Leadership, *, should_stop: demo.StopCheck = demo.never) -> int:
    """Fill every demo project that waits; how many were filled."""
    with leadership.transaction(write=False) as session:
        waiting = demo.waiting_projects(session)
    tools = demo.DemoTools(
        leadership.holder.name, clock=leadership.clock, transaction=leadership.transaction, should_stop=should_stop
    )
    filled = 0
    for project_id in waiting:
        if should_stop():
            break
        is_filled = demo.generate_demo_project(project_id, tools)
        JOB_RUNS.labels(job="build_demo", result="completed" if is_filled else "failed").inc()
        filled += is_filled
    return filled
