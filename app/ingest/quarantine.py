"""Refused records: kept as text with the reason, so that their owner can see what was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

RAW_BYTES: Final = 16 * 1024
_encoder = msgspec.json.Encoder()


class QuarantineRow(msgspec.Struct, gc=False, omit_defaults=True):
    """A row of the `quarantine` table. `message_id` is its place in what may come again (see `places`), empty elsewhere."""

    tenant_id: str
    project_id: str
    kind: str
    received_at: str
    reason: str
    raw: str
    message_id: str = ""


class _Origin(msgspec.Struct, gc=False):
    project_id: str
    message_id: str = ""


_origins = msgspec.json.Decoder(_Origin)


def quarantine_lines(rows: list[QuarantineRow]) -> bytes:
    """The rows as NDJSON."""
    return _encoder.encode_lines(rows)


def raw_text(raw: bytes) -> str:
    """The record as text, cut at 16 KiB without breaking a character."""
    return raw[:RAW_BYTES].decode(errors="ignore")


def message_ids_of(lines: bytes) -> Iterator[tuple[str, str]]:
    """Project and message id of those rows of NDJSON that have one."""
    if b'"message_id"' not in lines:
        return
    for line in lines.splitlines():
        origin = _origins.decode(line)
        if origin.message_id:
            yield origin.project_id, origin.message_id
