"""Once a day removes what is older than it is kept; sooner when the last pass did not finish or somebody asks."""

from __future__ import annotations

import logging

from app.eventstore.contracts import EventStore
from app.eventstore.service import get_event_store
from app.kernel.database import session_scope
from app.kernel.telemetry import JOB_RUNS
from app.retention import service as retention
from app.retention.contracts import RunStatus, RunView
from jobs.leadership import Leadership

NAME = "prune_retention"
BUDGET_SECONDS = 120.0
log = logging.getLogger("plumbline.jobs")


def run(leadership: Leadership, *, store: EventStore | None = None) -> RunView | None:
    """One pass, when one is due and this process leads; None otherwise."""
    with session_scope(write=False) as session:
        if not retention.is_due(session, leadership.clock.now()):
            return None
    with leadership.turn() as session:
        run_id = None if session is None else retention.begin_due(session, leadership.clock.now())
    if run_id is None:
        return None
    ended = retention.prune(run_id, store or get_event_store(), session_scope, leadership.clock, BUDGET_SECONDS)
    JOB_RUNS.labels(job=NAME, result="failed" if ended.status is RunStatus.FAILED else "completed").inc()
    for kind, reason in ended.errors.items():
        log.warning("the retention of %s did not succeed and is tried again: %s", kind, reason)
    return ended
