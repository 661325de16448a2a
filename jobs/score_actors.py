"""Scores every actor's last 24 hours against own and others' earlier days, hour by hour."""

from __future__ import annotations

import logging

from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.telemetry import JOB_RUNS
from app.security.service import actor_scoring, sweeping
from jobs.leadership import Leadership

NAME = "score_actors"

log = logging.getLogger("plumbline.jobs")


def run(leadership: Leadership) -> int:
    """One project per transaction, where this process leads; how many alerts were raised."""
    with leadership.turn() as session:
        if session is None:
            return 0
        actor_scoring.forget_old(session, leadership.clock.now())
    raised = 0
    for principal in sweeping.watched_projects():
        now = leadership.clock.now()
        try:
            with session_scope(write=False) as reading:
                suspect = actor_scoring.suspect_days(reading, principal, now)
            scoring = actor_scoring.look(principal, now, suspect)  # outside a transaction: it reads weeks of events
            with leadership.turn() as session:
                if session is None:
                    return raised
                raised += actor_scoring.keep(session, scoring, now)
        except Unavailable as away:
            log.warning("actors cannot be scored", extra={"reason": away.message})
            return raised
        except Exception:
            JOB_RUNS.labels(job=NAME, result="failed").inc()
            log.exception("actors of project %s could not be scored", principal.project_id)
    JOB_RUNS.labels(job=NAME, result="completed").inc()
    return raised
