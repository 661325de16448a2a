"""What comes with each key, hour by hour: counted in memory and written every few seconds, beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.ingest import repository
from app.ingest.rules import Cleaned

WRITE_SECONDS: Final = 10.0
log = logging.getLogger("plumbline.ingest")


@dataclass(slots=True)
class Counts:
    """Requests, those that were refused as a whole, and records by how they ended."""

    requests: int = 0
    accepted: int = 0
    flagged: int = 0
    quarantined: int = 0
    refused_requests: int = 0

    def add(self, other: Counts) -> None:
        """Take the other's counts in."""
        for name, amount in asdict(other).items():
            setattr(self, name, getattr(self, name) + amount)

    def add_batch(self, batch: Cleaned) -> None:
        """Count the records of a batch by how they ended."""
        flagged = sum(batch.flagged.values())
        self.accepted += batch.count - flagged
        self.flagged += flagged
        self.quarantined += len(batch.faults)


class KeyHours:
    """The counts of one process. What is not yet written is lost with the process: they are for people to look at, no quota."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]]) -> None:
        self._transaction = transaction
        self._pending: dict[tuple[str, datetime], Counts] = {}
        self._task: asyncio.Task[None] | None = None
        self._last = ("", -1)
        self._last_counts = Counts()

    def counts(self, key_id: str, now: datetime) -> Counts:
        """Where to count what came with the key now; not to be kept."""
        if self._last != (key_id, now.hour):
            self._last = (key_id, now.hour)
            hour = now.replace(minute=0, second=0, microsecond=0)
            self._last_counts = self._pending.setdefault((key_id, hour), Counts())
        return self._last_counts

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what is left."""
        if self._task is not None:
            self._task.cancel()
        await self.write()

    async def write(self) -> None:
        """Add what was counted since the last time to the table; what cannot be written now is tried again."""
        pending, self._pending, self._last = self._pending, {}, ("", -1)
        if not pending:
            return
        try:
            await asyncio.to_thread(self._write, pending)
        except (SQLAlchemyError, OSError) as error:
            log.warning("counts by key cannot be written", extra={"reason": type(error).__name__})
            for (key_id, hour), counts in pending.items():
                self._pending.setdefault((key_id, hour), Counts()).add(counts)

    def _write(self, pending: dict[tuple[str, datetime], Counts]) -> None:
        with self._transaction() as session:
            for (key_id, hour), counts in pending.items():
                repository.add_key_hour(session, key_id, hour, asdict(counts))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()
