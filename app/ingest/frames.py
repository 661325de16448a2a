"""Frames of the write-ahead log: what makes a torn or damaged end of a segment recognisable.

A frame is a header and its payload: rows of `events` in columns, rows of `events`
in NDJSON (`records`) or rows of `quarantine` in NDJSON. The check sum covers the header's numbers and the payload, so a frame is
either whole or not there.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"PLW1"
_HEADER: Final = struct.Struct("<4sIIIB")
_NUMBERS: Final = struct.Struct("<IIB")
TABLES: Final = ("events", "quarantine", "records")
_CODES: Final = {table: code for code, table in enumerate(TABLES)}


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows of one request; `records` are rows of `events` kept as NDJSON."""

    table: str
    rows: int
    payload: bytes | memoryview


@dataclass(frozen=True, slots=True)
class SegmentContent:
    """The whole frames at the start of a segment. `rest` is the number of bytes behind them; `is_damaged` says that more
    frames seem to follow the break, which a torn write cannot explain."""

    frames: list[Frame]
    rest: int
    is_damaged: bool


def frame_header(frame: Frame) -> bytes:
    """The bytes that go before the payload."""
    code, size = _CODES[frame.table], len(frame.payload)
    check = zlib.crc32(frame.payload, zlib.crc32(_NUMBERS.pack(size, frame.rows, code)))
    return _HEADER.pack(MAGIC, size, check, frame.rows, code)


def read_frames(data: bytes) -> SegmentContent:
    """Every whole frame from the start up to the first break; never raises, whatever the bytes are."""
    frames: list[Frame] = []
    position, end = 0, len(data)
    view = memoryview(data)
    while position + _HEADER.size <= end:
        magic, length, check, rows, code = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size
        if magic != MAGIC or start + length > end or code >= len(TABLES):
            break
        payload = view[start : start + length]
        if zlib.crc32(payload, zlib.crc32(_NUMBERS.pack(length, rows, code))) != check:
            break
        frames.append(Frame(TABLES[code], rows, payload))
        position = start + length
    return SegmentContent(frames, end - position, MAGIC in data[position + 1 :])
