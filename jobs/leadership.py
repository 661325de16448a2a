"""Which process may do the work that is done once for the whole instance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlmodel import Session

from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.scans import service as scans


@dataclass(frozen=True, slots=True)
class Leadership:
    """This process's claim to lead, and its sign of life as a worker."""

    holder: scans.Holder
    lease_seconds: float
    clock: Clock = SYSTEM_CLOCK
    transaction: scans.Transaction = scans.DEFAULT_TOOLS.transaction

    def renew(self) -> None:
        """Show that the worker lives and keep the lead, or take it over when nobody has it."""
        now = self.clock.now()
        with self.transaction() as session:
            scans.announce_worker(session, self.holder, now, self.lease_seconds)
            scans.acquire(session, scans.SCHEDULER, self.holder.name, now, self.lease_seconds)

    @contextmanager
    def turn(self) -> Iterator[Session | None]:
        """A transaction for work of the leader; None for everybody else. The lease row stays locked until it commits."""
        with self.transaction() as session:
            leads = scans.acquire(session, scans.SCHEDULER, self.holder.name, self.clock.now(), self.lease_seconds)
            yield session if leads else None

    def withdraw(self) -> None:
        """Give everything back at shutdown, so that another process takes over at once."""
        with self.transaction() as session:
            scans.withdraw_worker(session, self.holder)
