"""Queues a collection for every scan that is due."""

from __future__ import annotations

from app.kernel.telemetry import JOB_RUNS
from app.scans import service as scans
from jobs.leadership import Leadership


def run(leadership: Leadership) -> int:
    """One look; the number of jobs queued, 0 where another process leads."""
    with leadership.turn() as session:
        queued = [] if session is None else scans.create_due_jobs(session, leadership.clock.now())
    JOB_RUNS.labels(job="dispatch_scans", result="completed").inc()
    return len(queued)
