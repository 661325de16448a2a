"""Event rows column by column, the way the event store keeps them: three times cheaper for it to take in than text.

Columns are in ClickHouse's Native encoding without its header. Text is sent as String and time as milliseconds since 1970; the
store casts whole columns to what its table has.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, cast

from app.ingest.payloads import EventValues, Run, payload_of, sized_text, varint

_VARINTS: Final = [varint(number) for number in range(4096)]
_VARINT_TEXTS: Final = [encoded.decode("latin-1") for encoded in _VARINTS]


@dataclass(slots=True)
class RowBatch:
    """The rows of one request, column by column in the order of `EventValues`. `is_ascii` promises that no text in them goes
    beyond ASCII, which is quicker."""

    tenant_id: str
    project_id: str
    received_at: int
    plan_revision: str
    count: int
    values: Sequence[Sequence[Any]]
    is_ascii: bool


def columns_of(rows: Sequence[EventValues]) -> Sequence[Sequence[Any]]:
    """The rows column by column."""
    return list(zip(*rows, strict=True)) if rows else []


def encode_columns(batches: Sequence[RowBatch]) -> bytes:
    """The payload of a frame: the rows of all batches in their order; no batch is empty."""
    texts = _ascii_texts if all(batch.is_ascii for batch in batches) else _texts
    count = sum([batch.count for batch in batches])
    values = batches[0].values
    if len(batches) > 1:
        values = [list(chain.from_iterable(parts)) for parts in zip(*[batch.values for batch in batches], strict=True)]
    source, name, time, id_, actor, session, severity, status, value, ip, environment, verdict, reason, properties = values
    columns = (
        _few_texts(source, count),
        _few_texts(name, count),
        array("q", time).tobytes(),
        texts(id_),
        texts(actor),
        texts(session),
        _few_texts(severity, count),
        _few_texts(status, count),
        _numbers(value),
        texts(ip),
        _few_texts(environment, count),
        _few_texts(verdict, count),
        _few_texts(reason, count),
        _encoded_texts(properties),
    )
    return payload_of(runs_of(batches), columns)


def runs_of(batches: Sequence[RowBatch]) -> list[Run]:
    """What the rows of each request have in common."""
    return [
        Run(batch.count, batch.tenant_id, batch.project_id, "event", batch.received_at, batch.plan_revision) for batch in batches
    ]


def texts_column(values: Sequence[str]) -> bytes:
    """A column in which the same texts come again and again."""
    return _few_texts(values, len(values))


def _few_texts(values: Sequence[str], count: int) -> bytes:
    """A column in which the same texts come again and again."""
    distinct = set(values)
    if len(distinct) == 1:
        return sized_text(values[0]) * count
    return b"".join(map({text: sized_text(text) for text in distinct}.__getitem__, values))


def _ascii_texts(values: Sequence[str]) -> bytes:
    lengths = list(map(len, values))
    shortest, longest = min(lengths), max(lengths)
    if longest >= len(_VARINT_TEXTS):
        return _texts(values)
    if shortest == longest:
        mark = _VARINT_TEXTS[shortest]
        return (mark + mark.join(values)).encode("latin-1")
    parts: list[str] = [""] * (2 * len(values))
    parts[::2] = map(_VARINT_TEXTS.__getitem__, lengths)
    parts[1::2] = values
    return "".join(parts).encode("latin-1")


def _texts(values: Sequence[str]) -> bytes:
    return b"".join([sized_text(value) for value in values])


def _encoded_texts(values: Sequence[bytes]) -> bytes:
    """A column of texts that are UTF-8 already."""
    parts: list[bytes] = [b""] * (2 * len(values))
    try:
        parts[::2] = map(_VARINTS.__getitem__, map(len, values))
    except IndexError:
        parts[::2] = [varint(len(value)) for value in values]
    parts[1::2] = values
    return b"".join(parts)


def _numbers(values: Sequence[float | None]) -> bytes:
    if None not in values:
        return bytes(len(values)) + array("d", cast("Sequence[float]", values)).tobytes()
    marks = bytes([value is None for value in values])
    return marks + array("d", [0.0 if value is None else value for value in values]).tobytes()
