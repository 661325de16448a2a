"""Chains audit records that arrived and signs where the chains stand."""

from __future__ import annotations

from app.audit_chain import service as audit_chain
from app.kernel.telemetry import JOB_RUNS
from jobs.leadership import Leadership

BUDGET_SECONDS = 20.0


def run(leadership: Leadership) -> int:
    """One pass, where this process leads; how many records were chained. What is left waits for the next pass."""
    sealed = audit_chain.seal_waiting(leadership.turn, leadership.clock.now, BUDGET_SECONDS)
    JOB_RUNS.labels(job="seal_audit", result="completed").inc()
    return sealed
