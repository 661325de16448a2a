"""What a frame of the log holds: the columns of its rows, and once for many rows what these have in common.

The drainer puts the columns of many frames behind one another, as a block in ClickHouse's Native format. Columns of which whole
runs of rows have the same text are sent as a dictionary with the places in it, so that the store casts and compares no texts.
Frames of earlier releases, which may lie in the log over an upgrade, held every column in full.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, groupby, pairwise, repeat
from typing import Any, Final, NamedTuple

import msgspec

from app.ingest.times import stored_time


class EventValues(NamedTuple):
    """What distinguishes one event from the others of its request. Times are milliseconds since 1970 in UTC; `properties` is
    JSON in UTF-8."""

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
    properties: bytes


class Run(msgspec.Struct, array_like=True, frozen=True):
    """So many rows one behind the other, and what they have in common; `received_at` in milliseconds since 1970."""

    rows: int
    tenant_id: str
    project_id: str
    kind: str
    received_at: int
    plan_revision: str


_TIME: Final = "DateTime64(3, 'UTC')"
_NUMBER: Final = "Nullable(Float64)"
_REPEATED: Final = "LowCardinality(String)"
_SHARED: Final = ("tenant_id", "project_id", "kind", "received_at", "plan_revision")
COLUMNS: Final = (*_SHARED, *EventValues._fields)
_TYPES: Final = {"received_at": _TIME, "time": _TIME, "value": _NUMBER}
# No frame of an earlier release begins so: its first number was the length of its first column.
_MARK: Final = b"\xff\xff\xff\xff"
_HEAD_LENGTH: Final = struct.Struct("<I")
_LENGTHS: Final = struct.Struct(f"<{len(EventValues._fields)}I")
_FULL_LENGTHS: Final = struct.Struct(f"<{len(COLUMNS)}I")
_LATER_COLUMN: Final = COLUMNS.index("plan_revision")
_EARLIEST_LENGTHS: Final = struct.Struct(f"<{len(COLUMNS) - 1}I")
# Dictionary and places of ClickHouse's Native format: a version, then marks that the keys follow, with the width of the places.
_DICTIONARY_VERSION: Final = (1).to_bytes(8, "little")
_KEYS_FOLLOW: Final = 0x600
_WIDTHS: Final = (1, 2, 4)


def varint(number: int) -> bytes:
    """The number in seven-bit groups, the lowest first."""
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def sized_text(text: str) -> bytes:
    """The text behind its length."""
    encoded = text.encode()
    return varint(len(encoded)) + encoded


def payload_of(runs: Sequence[Run], columns: Sequence[bytes | memoryview]) -> bytes:
    """The payload of a frame from its encoded columns, in the order of `EventValues`."""
    head = msgspec.msgpack.encode(runs)
    return b"".join((_MARK, _HEAD_LENGTH.pack(len(head)), head, _LENGTHS.pack(*map(len, columns)), *columns))


def ids_of(payload: bytes | memoryview) -> Iterator[tuple[str, str]]:
    """Project and id of every row of a payload."""
    runs, columns = _split(payload)
    ids = _values("id", bytes(columns[EventValues._fields.index("id")]))
    return zip(chain.from_iterable(repeat(run.project_id, run.rows) for run in runs), ids, strict=True)


def native_block(payloads: Sequence[bytes | memoryview], rows: int) -> list[bytes | memoryview]:
    """The rows of all payloads in ClickHouse's Native format, in parts that belong behind one another."""
    split = [_split(payload) for payload in payloads]
    runs = [run for own, _ in split for run in own]
    parts: list[bytes | memoryview] = [varint(len(COLUMNS)), varint(rows)]
    for name in _SHARED:
        if name == "received_at":
            parts += (sized_text(name), sized_text(_TIME))
            parts += [run.received_at.to_bytes(8, "little", signed=True) * run.rows for run in runs]
        else:
            parts += (sized_text(name), sized_text(_REPEATED), *_dictionary([getattr(run, name) for run in runs], runs, rows))
    for name, columns in zip(EventValues._fields, zip(*[own for _, own in split], strict=True), strict=True):
        kind = _TYPES.get(name, "String")
        parts += (sized_text(name), sized_text(kind))
        if kind == _NUMBER:  # all marks of missing numbers come before all numbers
            parts += [column[: len(column) // 9] for column in columns]
            parts += [column[len(column) // 9 :] for column in columns]
        else:
            parts += columns
    return parts


def _dictionary(texts: Sequence[str], runs: Sequence[Run], rows: int) -> Iterator[bytes]:
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    width = next(width for width in _WIDTHS if len(places) <= 1 << 8 * width)
    yield _DICTIONARY_VERSION
    yield (_KEYS_FOLLOW | _WIDTHS.index(width)).to_bytes(8, "little")
    yield len(places).to_bytes(8, "little")
    yield from map(sized_text, places)
    yield rows.to_bytes(8, "little")
    for text, run in zip(texts, runs, strict=True):
        yield places[text].to_bytes(width, "little") * run.rows


def json_lines(payload: bytes | memoryview) -> list[bytes]:
    """The rows of a payload as NDJSON lines: the form in which they can be offered one by one."""
    runs, columns = _split(payload)
    shared = chain.from_iterable(repeat((*_texts_of(run), stored_time(run.received_at)), run.rows) for run in runs)
    values = zip(*[_values(name, bytes(column)) for name, column in zip(EventValues._fields, columns, strict=True)], strict=True)
    lines = []
    for (tenant_id, project_id, kind, plan_revision, received_at), own in zip(shared, values, strict=True):
        row = (tenant_id, project_id, kind, received_at, plan_revision, *own)
        lines.append(msgspec.json.encode(dict(zip(COLUMNS, row, strict=True))) + b"\n")
    return lines


def _texts_of(run: Run) -> tuple[str, str, str, str]:
    return run.tenant_id, run.project_id, run.kind, run.plan_revision


def _split(payload: bytes | memoryview) -> tuple[Sequence[Run], list[memoryview]]:
    view = memoryview(payload)
    if bytes(view[: len(_MARK)]) != _MARK:
        return _split_full(view)
    start = len(_MARK) + _HEAD_LENGTH.size
    end = start + _HEAD_LENGTH.unpack_from(view, len(_MARK))[0]
    return msgspec.msgpack.decode(view[start:end], type=list[Run]), _cut(view[end:], _LENGTHS) or []


def _split_full(view: memoryview) -> tuple[Sequence[Run], list[memoryview]]:
    """As `_split`, of a frame of an earlier release."""
    columns = _cut(view, _FULL_LENGTHS)
    if columns is None:
        columns = _cut(view, _EARLIEST_LENGTHS) or []
        rows = len(columns[_SHARED.index("received_at")]) // 8
        columns.insert(_LATER_COLUMN, memoryview(bytes(rows)))
    shared = [bytes(column) for column in columns[: len(_SHARED)]]
    moments = [milliseconds for (milliseconds,) in struct.iter_unpack("<q", shared.pop(_SHARED.index("received_at")))]
    rows_in_common = zip(*[_values("", column) for column in shared], moments, strict=True)
    runs = [
        Run(len(list(rows)), tenant_id, project_id, kind, received_at, plan_revision)
        for (tenant_id, project_id, kind, plan_revision, received_at), rows in groupby(rows_in_common)
    ]
    return runs, columns[len(_SHARED) :]


def _cut(view: memoryview, lengths: struct.Struct) -> list[memoryview] | None:
    """The columns behind their lengths; None when the lengths do not add up to the payload's."""
    if len(view) < lengths.size:
        return None
    ends = list(accumulate(lengths.unpack_from(view), initial=lengths.size))
    return [view[start:end] for start, end in pairwise(ends)] if ends[-1] == len(view) else None


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
