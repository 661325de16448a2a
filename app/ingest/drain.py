"""From the log into the event store, exactly once.

A segment is inserted with its own name as token and deleted only after the store has confirmed it, so a crash anywhere in between
leads to the same insert with the same token. What the store refuses is halved until the bad rows stand alone; the tokens of
the halves come from the segment's name and the row numbers, so they too are the same after a restart.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Final, Generic

import msgspec

from app.eventstore.contracts import EventStore, Rejected
from app.ingest.frames import Frame, SegmentContent, read_frames
from app.ingest.payloads import COLUMNS, json_lines, native_block
from app.ingest.quarantine import RAW_BYTES
from app.ingest.wal import Segment, Ticket, flush_folder
from app.kernel.errors import Unavailable
from app.kernel.telemetry import INGEST_RECORDS

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 10.0

log = logging.getLogger("plumbline.ingest")


class Drainer(Generic[Ticket]):
    """One thread that stores sealed segments in order. `on_stored(segment)` runs on it after the file is gone."""

    def __init__(self, store: EventStore, on_stored: Callable[[Segment[Ticket]], None]) -> None:
        self._store = store
        self._on_stored = on_stored
        self._queue: queue.SimpleQueue[Segment[Ticket] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-drain", daemon=True)
        self._is_idle = True
        self.last_error = ""

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def put(self, segment: Segment[Ticket]) -> None:
        """Queue a sealed segment. One that has to wait is read from its file again, which keeps the memory bounded."""
        if not self._is_idle:
            segment.frames = None
        self._is_idle = False
        self._queue.put(segment)

    def close(self, seconds: float) -> None:
        """Store what is queued for at most this long; the rest stays on disk for the next start."""
        self._queue.put(None)
        self._thread.join(seconds)
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while (segment := self._queue.get()) is not None:
            wait = _FIRST_WAIT
            while not self._stopping.is_set():
                try:
                    store_segment(self._store, segment)
                except (Unavailable, OSError) as error:
                    self._note(str(error))
                except Exception as error:  # noqa: BLE001 - a fault of the store's client must not end the only drainer
                    self._note(f"{type(error).__name__}: {error}")
                else:
                    self.last_error = ""
                    self._on_stored(segment)
                    break
                finally:
                    segment.frames = None
                self._stopping.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            self._is_idle = self._queue.empty()

    def _note(self, reason: str) -> None:
        if reason != self.last_error:
            log.warning("draining failed, the segment is kept and tried again", extra={"reason": reason[:300]})
        self.last_error = reason


def store_segment(store: EventStore, segment: Segment[Ticket]) -> None:
    """Put every row of the segment into the store and delete the file. Safe to repeat at any point; Unavailable leaves the file."""
    try:
        content = _content(segment)
    except FileNotFoundError:
        # Nothing brings it back, and to wait for it would keep everything behind it out of the store.
        log.error("a log segment was deleted by somebody else; what it held is lost", extra={"segment": segment.token})
        return
    if content.is_damaged:
        log.error("a log segment is damaged in the middle; its file is kept aside", extra={"segment": segment.token})
    events = [frame for frame in content.frames if frame.table == "events"]
    if events:
        _insert_events(store, events, segment.token)
    records = [frame for frame in content.frames if frame.table == "records"]
    if records:
        _insert_records(store, records, f"{segment.token}:records")
    refused = [frame for frame in content.frames if frame.table == "quarantine"]
    if refused:
        lines = b"".join([frame.payload for frame in refused])
        try:
            store.insert_lines("quarantine", lines, rows=_row_count(refused), token=f"{segment.token}:quarantine")
        except Rejected as refusal:
            _set_aside(segment, lines, str(refusal))
    if content.is_damaged:
        segment.path.rename(segment.path.with_suffix(".damaged"))
    else:
        segment.path.unlink(missing_ok=True)
        # After a power cut the store may have forgotten the token of its last blocks; the file must not come back then.
        with contextlib.suppress(OSError):
            flush_folder(segment.path.parent)


def _content(segment: Segment[Ticket]) -> SegmentContent:
    if segment.frames is not None:
        return SegmentContent(segment.frames, 0, is_damaged=False)
    with segment.path.open("rb") as file:
        return read_frames(file.read(segment.size))


def _row_count(frames: list[Frame]) -> int:
    return sum(frame.rows for frame in frames)


def _insert_events(store: EventStore, frames: list[Frame], token: str) -> None:
    rows = _row_count(frames)
    block = native_block([frame.payload for frame in frames], rows)
    try:
        store.insert_block("events", block, columns=COLUMNS, rows=rows, token=token)
    except Rejected:
        _insert_halves(store, [line for frame in frames for line in json_lines(frame.payload)], token)


def _insert_records(store: EventStore, frames: list[Frame], token: str) -> None:
    lines = b"".join([frame.payload for frame in frames])
    try:
        store.insert_lines("events", lines, rows=_row_count(frames), token=token)
    except Rejected:
        _insert_halves(store, lines.splitlines(keepends=True), token)


def _insert_halves(store: EventStore, lines: list[bytes], token: str) -> None:
    """Store the good rows of a refused batch and quarantine the others."""
    pending = [(0, len(lines))]
    while pending:
        start, stop = pending.pop()
        if stop - start == len(lines) and len(lines) > 1:
            middle = (start + stop) // 2
            pending += [(middle, stop), (start, middle)]
            continue
        part_token = f"{token}:{start}-{stop}"
        try:
            if len(lines) == 1:
                raise Rejected("the event store refuses this row")
            store.insert_lines("events", b"".join(lines[start:stop]), rows=stop - start, token=part_token)
        except Rejected as refusal:
            if stop - start > 1:
                middle = (start + stop) // 2
                pending += [(middle, stop), (start, middle)]
            else:
                row = _refused_row(lines[start], str(refusal))
                store.insert_lines("quarantine", row, rows=1, token=f"{part_token}:quarantine")
                INGEST_RECORDS.labels("events", "quarantined", "refused by the event store").inc()


def _set_aside(segment: Segment[Ticket], lines: bytes, reason: str) -> None:
    """Keep quarantine rows the store refuses in a file beside the log: they must neither block the queue nor vanish."""
    log.error("quarantine rows are refused and kept in a file", extra={"segment": segment.token, "reason": reason[:300]})
    segment.path.with_suffix(".refused").write_bytes(lines)


def _refused_row(line: bytes, reason: str) -> bytes:
    try:
        row = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        row = {}
    kept = {key: row.get(key, "") for key in ("tenant_id", "project_id", "kind", "received_at")}
    raw = line[:RAW_BYTES].decode(errors="ignore").rstrip("\n")
    return msgspec.json.encode({**kept, "reason": f"refused by the event store: {reason[:200]}", "raw": raw}) + b"\n"
