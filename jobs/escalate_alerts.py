"""Tells others about alerts that nobody has answered in time."""

from __future__ import annotations

from app.alerting import service as alerting
from app.kernel.database import session_scope
from jobs.leadership import Leadership


def run(leadership: Leadership) -> int:
    """Take every step that is due in one transaction; how many deliveries were queued."""
    now = leadership.clock.now()
    with session_scope(write=False) as session:
        if not alerting.has_due_steps(session, now):
            return 0
    with leadership.turn() as session:
        return 0 if session is None else len(alerting.escalate(session, now))
