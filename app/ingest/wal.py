"""The write-ahead log: a request is acknowledged once its frames are on disk, and one disk flush serves every request that waits.

One writer thread owns the open segment. After a failed write or flush nothing can be said about what reached the disk, so
that segment ends at its last good byte, its waiters are refused, and a fresh one is begun; a flush is never repeated.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

from app.ingest.frames import Frame, frame_header

SUFFIX: Final = ".wal"
_MOST_BUFFERS: Final = 1000  # below IOV_MAX, the most buffers one writev takes
_GROUP_BYTES: Final = 8 << 20
# While several requests arrive at a time, a flush waits this long for more of them to join; a lone request never waits.
GATHER_SECONDS: Final = 0.001
_BUSY_ROWS: Final = 10_000
_BUSY_PATIENCE: Final = 3
_QUIET_SECONDS: Final = 0.25
_AWAITED_SECONDS: Final = 0.1
_PROMPT_SECONDS: Final = 0.25

Ticket = TypeVar("Ticket")
Buffer = bytes | memoryview
log = logging.getLogger("plumbline.ingest")


@dataclass(slots=True, eq=False)
class Append(Generic[Ticket]):
    """One request. `ticket` is the caller's, `size` about how many bytes it takes; `is_waiting` keeps it until it is stored, and
    `is_prompt` hurries, because somebody may read it soon."""

    ticket: Ticket
    rows: int
    size: int
    is_waiting: bool = False
    is_prompt: bool = False


@dataclass(slots=True, eq=False)
class Segment(Generic[Ticket]):
    """One file of the log. `size` counts its good bytes only; `token` is globally unique and never used again. `frames` is what
    these bytes say, as long as somebody has them in memory."""

    path: Path
    size: int = 0
    rows: int = 0
    opened_at: float = 0.0
    written_at: float = 0.0
    waiting: list[Ticket] = field(default_factory=list)
    is_prompt: bool = False
    frames: list[Frame] | None = None

    @property
    def token(self) -> str:
        """What makes storing this segment idempotent."""
        return self.path.name.removesuffix(SUFFIX)


def flush_folder(path: Path) -> None:
    """Wait until it is on the device which files the folder has."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class LogFiles:
    """The system calls of the log, in one place so that tests can make them fail."""

    def create(self, path: Path) -> int:
        """Make the file and flush its directory entry, so that a power cut cannot lose the name of flushed data."""
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            flush_folder(path.parent)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def write(self, descriptor: int, buffers: Sequence[Buffer]) -> int:
        """Write some of the bytes; returns how many."""
        return os.writev(descriptor, buffers)

    def flush(self, descriptor: int) -> None:
        """Wait until the data is on the device."""
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file to its good bytes."""
        os.ftruncate(descriptor, size)


@dataclass(frozen=True, slots=True)
class LogLimits:
    """When a segment is handed to the drainer, and whether a flush goes to the device."""

    rows: int
    seconds: float
    size: int = 48 << 20
    is_flushed: bool = True

    def due_at(self, segment: Segment[Ticket]) -> float:
        """When the segment is to be handed over by the clock it was opened by: a busy one stays open longer as long as more comes,
        because the store takes large blocks far more cheaply and has less to merge later; one that somebody waits for, or will
        look for, no longer than that takes."""
        if segment.waiting:
            return segment.opened_at + min(self.seconds, _AWAITED_SECONDS)
        if segment.rows >= _BUSY_ROWS:
            return min(segment.opened_at + self.seconds * _BUSY_PATIENCE, segment.written_at + _QUIET_SECONDS)
        return segment.opened_at + (min(self.seconds, _PROMPT_SECONDS) if segment.is_prompt else self.seconds)


class WriteAheadLog(Generic[Ticket]):
    """Appends from any thread. Three callbacks run on the writer thread: `encode(tickets)` makes the frames of a group,
    `on_commit(appends, size, error)` and `on_sealed(segment)` report, in this order; `size` is what was written."""

    def __init__(
        self,
        folder: Path,
        limits: LogLimits,
        *,
        encode: Callable[[list[Ticket]], list[Frame]],
        on_commit: Callable[[list[Append[Ticket]], int, Exception | None], None],
        on_sealed: Callable[[Segment[Ticket]], None],
        files: LogFiles | None = None,
    ) -> None:
        self._encode = encode
        self._folder = folder
        self._limits = limits
        self._on_commit = on_commit
        self._on_sealed = on_sealed
        self._files = files or LogFiles()
        self._queue: queue.SimpleQueue[Append[Ticket] | None] = queue.SimpleQueue()
        self._boot = f"{time.time_ns():020d}-{os.urandom(6).hex()}"
        self._sequence = 0
        self._segment: Segment[Ticket] | None = None
        self._descriptor = -1
        self._is_shared = False
        self._thread = threading.Thread(target=self._run, name="ingest-log", daemon=True)

    def start(self) -> None:
        """Begin to take appends."""
        self._thread.start()

    def append(self, item: Append[Ticket]) -> None:
        """Queue the frames; `on_commit` tells the result."""
        self._queue.put(item)

    def close(self) -> None:
        """Commit what is queued, seal the open segment and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            group, closing = self._next_group()
            if group:
                self._commit(group)
            if self._segment is not None and (closing or self._is_due(self._segment)):
                self._seal()

    def _next_group(self) -> tuple[list[Append[Ticket]], bool]:
        """Wait for an append or for the open segment's time, then take everything that is queued."""
        timeout = None
        if self._segment is not None:
            timeout = max(0.0, self._limits.due_at(self._segment) - time.monotonic())
        group: list[Append[Ticket]] = []
        size = 0
        try:
            item = self._queue.get(timeout=timeout)
            if self._is_shared and item is not None:
                time.sleep(GATHER_SECONDS)
            while item is not None:
                group.append(item)
                size += item.size
                if size >= _GROUP_BYTES:
                    return group, False
                item = self._queue.get_nowait()
        except queue.Empty:
            return group, False
        return group, True

    def _commit(self, group: list[Append[Ticket]]) -> None:
        self._is_shared = len(group) > 1
        size = 0
        failure: Exception | None = None
        try:
            frames = self._encode([item.ticket for item in group])
            segment = self._open_segment()
            buffers = [part for frame in frames for part in (frame_header(frame), frame.payload)]
            self._write_all(buffers)
            if self._limits.is_flushed:
                self._files.flush(self._descriptor)
        except Exception as error:  # noqa: BLE001 - whatever it is, these requests are refused and the log goes on
            failure = error
            log.error("write-ahead log: write failed, beginning a fresh segment", extra={"reason": type(error).__name__})
            self._abandon()
        else:
            size = sum(map(len, buffers))
            segment.size += size
            if segment.frames is not None:
                segment.frames += frames
            segment.rows += sum([item.rows for item in group])
            segment.written_at = time.monotonic()
            segment.waiting += [item.ticket for item in group if item.is_waiting]
            segment.is_prompt = segment.is_prompt or any(item.is_prompt for item in group)
        self._on_commit(group, size, failure)

    def _open_segment(self) -> Segment[Ticket]:
        if self._segment is None:
            self._sequence += 1
            segment = Segment[Ticket](self._folder / f"{self._boot}-{self._sequence:08d}{SUFFIX}", opened_at=time.monotonic())
            self._descriptor = self._files.create(segment.path)
            segment.frames = []
            self._segment = segment
        return self._segment

    def _write_all(self, buffers: list[Buffer]) -> None:
        """Write every byte, also when the system takes only some of them at a time."""
        pending = buffers
        while pending:
            chunk, pending = pending[:_MOST_BUFFERS], pending[_MOST_BUFFERS:]
            missing = sum(map(len, chunk)) - self._files.write(self._descriptor, chunk)
            if missing:
                pending = [b"".join(chunk)[-missing:], *pending]

    def _abandon(self) -> None:
        """End the segment at its last good byte after a failure; the file keeps what was acknowledged before."""
        segment = self._segment
        if segment is None:
            return
        with contextlib.suppress(OSError):
            self._files.truncate(self._descriptor, segment.size)
        self._seal()

    def _seal(self) -> None:
        segment, self._segment = self._segment, None
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1
        if segment is None:
            return
        if segment.size == 0:
            with contextlib.suppress(OSError):  # on a disk that was made read-only after a fault; the next start takes it away
                segment.path.unlink(missing_ok=True)
        else:
            self._on_sealed(segment)

    def _is_due(self, segment: Segment[Ticket]) -> bool:
        limits = self._limits
        return segment.rows >= limits.rows or segment.size >= limits.size or time.monotonic() >= limits.due_at(segment)
