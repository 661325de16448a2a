"""A running job's voice: progress and heartbeat in short transactions of their own, and the news that it must stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from sqlmodel import Session

from app.kernel.clock import Clock
from app.scans.contracts import JobStatus
from app.scans.repository import jobs


class Transaction(Protocol):
    """Opens one transaction that commits when its block ends."""

    def __call__(self, *, write: bool = True) -> AbstractContextManager[Session]:
        """A session for the block."""
        ...


class JobNoLongerOurs(Exception):
    """The job was cancelled, reaped or deleted; whoever runs it stops and writes nothing more."""


class Interrupted(Exception):
    """The process shuts down; the job goes back to the queue."""


@dataclass(slots=True)
class JobProgress:
    """Reports about one claimed job. Nothing it does is part of the run's own transactions."""

    job_id: str
    holder: str
    transaction: Transaction
    clock: Clock
    should_stop: Callable[[], bool]
    summary: dict[str, object] = field(default_factory=dict)

    def report(self, percent: int, phase: str, summary: Mapping[str, object] | None = None) -> None:
        """Store where the run stands; `summary` is merged into the job's. Errors: JobNoLongerOurs, Interrupted."""
        if self.should_stop():
            raise Interrupted
        self.summary.update(summary or {})
        with self.transaction() as session:
            self._change(session, progress_percent=percent, progress_phase=phase[:200], result_summary=dict(self.summary))

    def confirm(self, session: Session) -> None:
        """Inside a transaction that is about to write results: make sure the job is still ours and stays so until it commits."""
        self._change(session)

    def complete(self, session: Session) -> None:
        """End the job as completed, with the summary gathered so far."""
        self._change(
            session,
            status=JobStatus.COMPLETED.value,
            progress_percent=100,
            progress_phase="Done",
            result_summary=dict(self.summary),
            error_message=None,
            completed_at=self.clock.now(),
        )

    def requeue(self, session: Session) -> None:
        """Give the job back to the queue for another process."""
        self._change(session, status=JobStatus.PENDING.value, claimed_by=None, progress_phase="Waiting to resume")

    def _change(self, session: Session, **values: object) -> None:
        is_ours = jobs.change_job(session, self.job_id, JobStatus.RUNNING, self.holder, heartbeat_at=self.clock.now(), **values)
        if not is_ours:
            raise JobNoLongerOurs
