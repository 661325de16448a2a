"""Judges security events that were stored and never judged, because the process that took them in ended in between."""

from __future__ import annotations

import logging
import time

from app.kernel.errors import Unavailable
from app.kernel.telemetry import JOB_RUNS
from app.security.service import sweeping
from jobs.leadership import Leadership

NAME = "sweep_security"
BUDGET_SECONDS = 20.0

log = logging.getLogger("plumbline.jobs")


def run(leadership: Leadership) -> int:
    """One pass, where this process leads; how many events were looked at. What is left over is taken up by the next pass."""
    with leadership.turn() as session:
        leads = session is not None
    if not leads:
        return 0
    now, until = leadership.clock.now(), time.monotonic() + BUDGET_SECONDS
    looked_at = 0
    for principal in sweeping.watched_projects():
        try:
            # Outside the turn: it reads the event store. Should two processes do this at once, nothing is counted twice.
            looked_at += sweeping.sweep(principal, now, until=until)
        except Unavailable as away:
            log.warning("security events cannot be swept", extra={"reason": away.message})
            return looked_at
        except Exception:
            JOB_RUNS.labels(job=NAME, result="failed").inc()
            log.exception("security events of project %s could not be swept", principal.project_id)
        if time.monotonic() > until:
            break
    sweeping.forget_old(now)
    JOB_RUNS.labels(job=NAME, result="completed").inc()
    return looked_at
