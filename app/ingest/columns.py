"""Event rows column by column, the way the event store keeps them: three times cheaper for it to take in than text.

A frame of the log holds the columns of one request in ClickHouse's Native encoding without its header; the drainer puts the
columns of many frames behind one another and the header in front. Text is sent as String and time as milliseconds since 1970;
the store casts whole columns to what its table has.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from app.ingest.times import stored_time


class EventValues(NamedTuple):
    """What distinguishes one event from the others of its request. Times are milliseconds since 1970 in UTC."""

    source: str
    name: str
    time: int
    id: str
    actor_id: str
    session_id: str
    severity: str
    status: str
    value: float | None
    ip: str
    environment: str
    verdict: str
    verdict_reason: str
    properties: str


_TIME: Final = "DateTime64(3, 'UTC')"
_NUMBER: Final = "Nullable(Float64)"
_SHARED: Final = ("tenant_id", "project_id", "kind", "received_at")
COLUMNS: Final = (*_SHARED, *EventValues._fields)
_TYPES: Final = {"received_at": _TIME, "time": _TIME, "value": _NUMBER}
_LENGTHS: Final = struct.Struct(f"<{len(COLUMNS)}I")


def _varint(number: int) -> bytes:
    """The number in seven-bit groups, the lowest first."""
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    groups.append(number)
    return bytes(groups)


_VARINTS: Final = [_varint(number) for number in range(4096)]
_VARINT_TEXTS: Final = [varint.decode("latin-1") for varint in _VARINTS]
_NO_TEXT: Final = b"\0"


def encode_columns(tenant_id: str, project_id: str, received_at: int, rows: Sequence[EventValues], *, is_ascii: bool) -> bytes:
    """The payload of a frame. `is_ascii` promises that no text of a row goes beyond ASCII, which is quicker."""
    count = len(rows)
    texts = _ascii_texts if is_ascii else _texts
    source, name, time, id_, actor, session, severity, status, value, ip, environment, verdict, reason, properties = zip(
        *rows, strict=True
    )
    columns = (
        _text(tenant_id) * count,
        _text(project_id) * count,
        b"\5event" * count,
        received_at.to_bytes(8, "little", signed=True) * count,
        texts(source),
        texts(name),
        array("q", time).tobytes(),
        texts(id_),
        texts(actor),
        texts(session),
        texts(severity) if any(severity) else _NO_TEXT * count,
        texts(status),
        _numbers(value),
        texts(ip),
        texts(environment) if any(environment) else _NO_TEXT * count,
        texts(verdict),
        texts(reason) if any(reason) else _NO_TEXT * count,
        texts(properties),
    )
    return b"".join((_LENGTHS.pack(*map(len, columns)), *columns))


def native_block(payloads: Sequence[bytes], rows: int) -> bytes:
    """The rows of all payloads in ClickHouse's Native format."""
    parts: list[list[bytes]] = [[_text(name), _text(_TYPES.get(name, "String"))] for name in COLUMNS]
    for payload in payloads:
        for part, column in zip(parts, _split(payload), strict=True):
            part.append(column)
    for name, part in zip(COLUMNS, parts, strict=True):
        if _TYPES.get(name) == _NUMBER:
            columns = part[2:]  # all marks of missing numbers come before all numbers
            part[2:] = [column[: len(column) // 9] for column in columns] + [column[len(column) // 9 :] for column in columns]
    return b"".join([_varint(len(COLUMNS)), _varint(rows), *[piece for part in parts for piece in part]])


def json_lines(payload: bytes) -> list[bytes]:
    """The rows of a payload as NDJSON lines: the form in which they can be offered one by one."""
    columns = [list(_values(name, column)) for name, column in zip(COLUMNS, _split(payload), strict=True)]
    return [msgspec.json.encode(dict(zip(COLUMNS, row, strict=True))) + b"\n" for row in zip(*columns, strict=True)]


def _split(payload: bytes) -> Iterator[bytes]:
    position = _LENGTHS.size
    for length in _LENGTHS.unpack_from(payload):
        yield payload[position : position + length]
        position += length


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _varint(len(encoded)) + encoded


def _ascii_texts(values: Sequence[str]) -> bytes:
    parts: list[str] = [""] * (2 * len(values))
    try:
        parts[::2] = [_VARINT_TEXTS[length] for length in map(len, values)]
    except IndexError:
        return _texts(values)
    parts[1::2] = values
    return "".join(parts).encode("latin-1")


def _texts(values: Sequence[str]) -> bytes:
    return b"".join([_text(value) for value in values])


def _numbers(values: Sequence[float | None]) -> bytes:
    marks = bytes([value is None for value in values])
    return marks + array("d", [0.0 if value is None else value for value in values]).tobytes()


def _values(name: str, column: bytes) -> Iterator[Any]:
    kind = _TYPES.get(name)
    if kind == _TIME:
        for (milliseconds,) in struct.iter_unpack("<q", column):
            yield stored_time(milliseconds)
    elif kind == _NUMBER:
        count = len(column) // 9
        for mark, (number,) in zip(column[:count], struct.iter_unpack("<d", column[count:]), strict=True):
            yield None if mark else number
    else:
        position = 0
        while position < len(column):
            length, position = _read_varint(column, position)
            yield column[position : position + length].decode()
            position += length


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, position
