"""Deletes what has expired: sign-ins and rate buckets."""

from __future__ import annotations

from app.identity import service as identity
from app.kernel.telemetry import JOB_RUNS
from jobs.leadership import Leadership


def run(leadership: Leadership) -> None:
    """One pass, where this process leads."""
    with leadership.turn() as session:
        if session is not None:
            identity.delete_expired(session, leadership.clock.now())
    JOB_RUNS.labels(job="cleanup", result="completed").inc()
