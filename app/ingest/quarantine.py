"""Refused records: kept as text with the reason, so that their owner can see what was wrong."""

from __future__ import annotations

from typing import Final

import msgspec

RAW_BYTES: Final = 16 * 1024
_encoder = msgspec.json.Encoder()


class QuarantineRow(msgspec.Struct, gc=False):
    """A row of the `quarantine` table."""

    tenant_id: str
    project_id: str
    kind: str
    received_at: str
    reason: str
    raw: str


def quarantine_lines(rows: list[QuarantineRow]) -> bytes:
    """The rows as NDJSON."""
    return _encoder.encode_lines(rows)


def raw_text(raw: bytes) -> str:
    """The record as text, cut at 16 KiB without breaking a character."""
    return raw[:RAW_BYTES].decode(errors="ignore")
