"""The write-ahead log with the drainer behind it, as one event loop sees them: tickets go in, their futures tell the rest."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from app.eventstore.contracts import EventStore
from app.ingest.columns import encode_columns
from app.ingest.drain import Drainer
from app.ingest.folders import LogFolder, claim_folders
from app.ingest.groups import Waiter
from app.ingest.records import RecordLines
from app.ingest.rules import Cleaned
from app.ingest.tickets import Ticket, frames_of
from app.ingest.wal import Append, LogFiles, LogLimits, Segment, WriteAheadLog
from app.kernel.errors import Unavailable
from app.kernel.setting_groups import IngestSettings

STOP_SECONDS: Final = 10.0
_DISK_CHECK_SECONDS: Final = 1.0
# Small requests share a frame; the rows of a large one are encoded at once, while they are still in the processor's cache.
_ROWS_OF_AN_OWN_FRAME: Final = 64


class Journal:
    """The log of one process. Its methods belong to one event loop; `on_committed(tickets, is_kept)` runs there as well, before
    anybody who waits for one of the tickets."""

    def __init__(
        self,
        settings: IngestSettings,
        root: Path,
        store: EventStore,
        on_committed: Callable[[Sequence[Ticket], bool], None],
        *,
        files: LogFiles | None = None,
    ) -> None:
        self._settings = settings
        self._root = root
        self._files = files
        self._on_committed = on_committed
        self._drainer = Drainer(store, self._on_stored)
        self._sealed: dict[str, Segment[Ticket]] = {}
        self._free_checked_at = -_DISK_CHECK_SECONDS
        self._has_disk = True
        self._orphans: list[LogFolder] = []
        self._uncommitted = 0
        self.queue_bytes = 0
        self.is_open = False

    def claim(self) -> None:
        """Take a folder of the log and queue what earlier processes left behind. Unavailable when every folder is taken."""
        self._loop = asyncio.get_running_loop()
        self._folder, self._orphans = claim_folders(self._root)
        limits = LogLimits(
            rows=self._settings.drain_rows,
            seconds=self._settings.drain_seconds,
            is_flushed=self._settings.durability == "fsync",
        )
        self._log = WriteAheadLog(
            self._folder.path,
            limits,
            encode=frames_of,
            on_commit=self._on_commit,
            on_sealed=self._on_sealed,
            files=self._files,
        )
        for path in self.left_behind():
            status = path.stat()
            age = max(0.0, time.time() - status.st_mtime)
            segment = Segment[Ticket](path, size=status.st_size, opened_at=time.monotonic() - age)
            self.queue_bytes += segment.size
            self._on_sealed(segment)

    def left_behind(self) -> list[Path]:
        """What earlier processes left in the log; between `claim` and `open`."""
        return [path for folder in [*self._orphans, self._folder] for path in folder.segments()]

    def open(self) -> None:
        """Begin to write and to store."""
        self._log.start()
        self._drainer.start()
        self.is_open = True

    async def close(self) -> None:
        """Commit what waits, store what can be stored within a bound; the rest is replayed by the next process."""
        self.is_open = False
        await asyncio.to_thread(self._log.close)
        await asyncio.to_thread(self._drainer.close, STOP_SECONDS)
        await asyncio.sleep(0)

    def release(self) -> None:
        """Let other processes have the folders."""
        for folder in [self._folder, *self._orphans]:
            folder.release()

    def check_room(self) -> None:
        """Unavailable when nothing can be accepted: closed, too much undrained, or the disk nearly full."""
        if not self.is_open:
            raise Unavailable("the server is starting or stopping", retry_after_seconds=2)
        if self.queue_bytes > self._settings.max_queue_bytes:
            raise Unavailable("too many events wait for the event store", retry_after_seconds=5)
        now = time.monotonic()
        if now - self._free_checked_at >= _DISK_CHECK_SECONDS:
            self._free_checked_at = now
            status = os.statvfs(self._root)
            self._has_disk = status.f_bavail * status.f_frsize >= self._settings.min_free_disk_bytes
        if not self._has_disk:
            raise Unavailable("the disk is nearly full", retry_after_seconds=30)

    def append_events(
        self,
        cleaned: Cleaned,
        size: int,
        key_id: str,
        *,
        is_waiting: bool = False,
        waiters: Sequence[Waiter] | None = None,
    ) -> Ticket:
        """Hand the rows of a request of about `size` bytes to the log, or those of all requests that `waiters` stand for.

        Unavailable when it is about to be closed.
        """
        if not self.is_open:
            raise Unavailable("the server is stopping", retry_after_seconds=2)
        columns, cleaned.encoded = cleaned.encoded, b""
        ids = cleaned.lasting_ids
        if not columns and cleaned.count >= _ROWS_OF_AN_OWN_FRAME:
            columns = encode_columns([cleaned])
            cleaned.values = ()
        if waiters is None:
            waiters = (self._loop.create_future(),)
        ticket = Ticket(cleaned, columns, waiters, self._store_future(is_waiting), ids=ids, key_id=key_id)
        self._append(ticket, cleaned.count, size, is_waiting)
        return ticket

    def append_records(self, records: RecordLines, *, is_waiting: bool) -> Ticket:
        """Hand the records of another surface to the log."""
        ticket = Ticket(None, b"", (self._loop.create_future(),), self._store_future(is_waiting), records)
        self._append(ticket, records.rows + records.refused_rows, records.size, is_waiting, is_prompt=True)
        return ticket

    def _store_future(self, is_waiting: bool) -> asyncio.Future[None] | None:
        return self._loop.create_future() if is_waiting else None

    def _append(self, ticket: Ticket, rows: int, size: int, is_waiting: bool, *, is_prompt: bool = False) -> None:
        self.queue_bytes += size
        self._uncommitted += 1
        self._log.append(Append(ticket, rows, size, is_waiting, is_prompt))

    def _on_commit(self, appends: list[Append[Ticket]], size: int, error: Exception | None) -> None:
        self._call(self._committed, appends, size, error)

    def _committed(self, appends: list[Append[Ticket]], size: int, error: Exception | None) -> None:
        self._uncommitted -= len(appends)
        self.queue_bytes += size - sum([item.size for item in appends])
        self._on_committed([item.ticket for item in appends], error is None)
        for item in appends:
            for waiter in item.ticket.waiters:
                if waiter.done():  # the request was cancelled
                    continue
                if error is None:
                    waiter.set_result(True)
                else:
                    waiter.set_exception(Unavailable("the event could not be written to disk", retry_after_seconds=5))

    def _on_sealed(self, segment: Segment[Ticket]) -> None:
        self._sealed[segment.token] = segment
        self._drainer.put(segment)

    def _on_stored(self, segment: Segment[Ticket]) -> None:
        self._sealed.pop(segment.token, None)
        self._call(self._stored, segment)

    def _stored(self, segment: Segment[Ticket]) -> None:
        self.queue_bytes -= segment.size
        for ticket in segment.waiting:
            if ticket.stored is not None and not ticket.stored.done():
                ticket.stored.set_result(None)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def is_committing(self) -> bool:
        """Whether something is on its way to the disk."""
        return self._uncommitted > 0

    @property
    def oldest_age(self) -> float:
        """Seconds since the oldest part that waits for the event store was begun; 0 when none waits."""
        oldest = next(iter(list(self._sealed.values())), None)
        return time.monotonic() - oldest.opened_at if oldest is not None else 0.0

    @property
    def last_error(self) -> str:
        """Why the last attempt to store failed; empty when it did not."""
        return self._drainer.last_error
