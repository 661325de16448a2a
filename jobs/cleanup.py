"""Deletes what has expired: sign-ins, rate buckets and the records of deleted projects."""

from __future__ import annotations

from app.identity import service as identity
from app.kernel.telemetry import JOB_RUNS
from app.projects.purge import purge_removed
from jobs.leadership import Leadership


def run(leadership: Leadership) -> None:
    """One pass, where this process leads."""
    with leadership.turn() as session:
        if session is not None:
            identity.delete_expired(session, leadership.clock.now())
    if session is not None:
        purge_removed(clock=leadership.clock)  # speaks to the event store, so outside the transaction
    JOB_RUNS.labels(job="cleanup", result="completed").inc()
