"""Deletes what has expired: sign-ins, rate buckets, the records of deleted projects and files of deleted photos."""

from __future__ import annotations

from app.identity import service as identity
from app.ingest import service as ingest
from app.kernel.telemetry import JOB_RUNS
from app.plan.photos.files import sweep
from app.projects.purge import purge_removed
from jobs.leadership import Leadership


def run(leadership: Leadership) -> None:
    """One pass, where this process leads."""
    with leadership.turn() as session:
        if session is not None:
            identity.delete_expired(session, leadership.clock.now())
            ingest.forget_answers(session, leadership.clock.now())
            ingest.forget_key_hours(session, leadership.clock.now())
    if session is not None:
        purge_removed(clock=leadership.clock)  # speaks to the event store, so outside the transaction
        sweep(leadership.clock.now())
    JOB_RUNS.labels(job="cleanup", result="completed").inc()
