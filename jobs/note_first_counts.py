"""Keeps what warehouses held when an hour was first counted, so that late rows can be told from lost ones."""

from __future__ import annotations

from app.kernel.telemetry import JOB_RUNS
from app.reconciliation import ledger_service as ledger
from jobs.leadership import Leadership


def run(leadership: Leadership) -> None:
    """One pass, where this process leads."""
    with leadership.turn() as session:
        if session is not None:
            ledger.note_first_counts(session, leadership.clock.now())
    JOB_RUNS.labels(job="note_first_counts", result="completed").inc()
