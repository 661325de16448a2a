"""Fails scan jobs whose process died or that fell silent."""

from __future__ import annotations

import logging

from app.kernel.telemetry import JOB_RUNS
from app.scans import service as scans
from jobs.leadership import Leadership

log = logging.getLogger("plumbline.jobs")


def run(leadership: Leadership) -> int:
    """One look; the number of jobs failed, 0 where another process leads."""
    with leadership.turn() as session:
        reaped = [] if session is None else scans.reap_jobs(session, leadership.clock.now())
    for job_id in reaped:
        log.warning("scan job %s was given up", job_id)
    JOB_RUNS.labels(job="reap_scan_jobs", result="completed").inc()
    return len(reaped)
