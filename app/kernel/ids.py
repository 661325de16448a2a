"""Identifiers: UUIDv7 text, so that ids sort by creation time and indexes stay compact (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import time
import uuid

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


def new_id() -> str:
    """A fresh UUIDv7 as 36 lower-case characters; later ids sort after earlier ones at millisecond precision."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10))
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    random_a = ((random_bits >> 62) & 0xFFF) << 64
    random_b = random_bits & 0x3FFF_FFFF_FFFF_FFFF
    return str(uuid.UUID(int=high | _VERSION_7 | random_a | _VARIANT | random_b))


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its canonical hyphenated form, in either case."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (ValueError, AttributeError):
        return False
