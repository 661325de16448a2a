"""Leases in the database: one process leads the scheduler, and every worker shows that it is alive."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from app.scans.repository import leases

SCHEDULER = "scheduler"
_WORKER = "worker:"
_FORGET_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """This process as the holder of leases. `name` is unique; processes of one `machine` can look for each other."""

    machine: str
    pid: int
    nonce: str

    @property
    def name(self) -> str:
        """At most 100 characters, as stored."""
        return f"{self.machine}/{self.pid}/{self.nonce}"

    @classmethod
    def parse(cls, name: str) -> Holder | None:
        """The holder with that name; None when the name was made otherwise."""
        machine, _, rest = name.partition("/")
        pid, _, nonce = rest.partition("/")
        return cls(machine, int(pid), nonce) if pid.isdigit() and nonce else None


def this_process() -> Holder:
    """A fresh holder for this process."""
    namespace = Path("/proc/self/ns/pid")
    try:
        # Containers may share a host name and still count processes on their own.
        inode = namespace.stat().st_ino
    except OSError:
        inode = 0
    return Holder(f"{socket.gethostname()[:60].replace('/', '_')}-{inode}", os.getpid(), secrets.token_hex(4))


def acquire(session: Session, name: str, holder: str, now: datetime, seconds: float) -> bool:
    """Take or renew the lease until `now + seconds`; take over an expired one. Of several holders exactly one gets True."""
    return leases.acquire_lease(session, name, holder, now, now + timedelta(seconds=seconds))


def announce_worker(session: Session, holder: Holder, now: datetime, seconds: float) -> None:
    """Show until `now + seconds` that this worker is alive; also frees the leases of dead workers of the same machine."""
    acquire(session, _WORKER + holder.name, holder.name, now, seconds)
    for name in leases.live_holders(session, _WORKER, now):
        other = Holder.parse(name)
        if other is not None and other != holder and other.machine == holder.machine and _is_gone(other, holder):
            leases.release_all_leases(session, name)
    leases.delete_expired_leases(session, _WORKER, now - _FORGET_AFTER)


def withdraw_worker(session: Session, holder: Holder) -> None:
    """This worker ends in good order and gives back every lease it has."""
    leases.release_all_leases(session, holder.name)


def live_workers(session: Session, now: datetime) -> set[str]:
    """Names of the workers that are alive."""
    return leases.live_holders(session, _WORKER, now)


def _is_gone(other: Holder, own: Holder) -> bool:
    if other.pid == own.pid:
        return True  # the number is ours now, so the process that had it before is dead
    try:
        os.kill(other.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
