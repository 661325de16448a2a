"""Identifiers: UUIDv7 text, so that ids sort by creation and indexes stay compact (RFC 9562, sections 5.7 and 6.2)."""

from __future__ import annotations

import os
import threading
import time
import uuid

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = 74


class _Sequence:
    """Numbers of 48 bits of time and 74 of chance; within a millisecond each lies a random step above the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        milliseconds = time.time_ns() // 1_000_000
        chance = int.from_bytes(os.urandom(10))
        with self._lock:
            if self._last >> _RANDOM_BITS == milliseconds:
                self._last += 1 + (chance & 0xFFFF_FFFF)
            else:
                self._last = milliseconds << _RANDOM_BITS | chance >> 80 - _RANDOM_BITS
            return self._last


_SEQUENCE = _Sequence()


def new_id() -> str:
    """A fresh UUIDv7 as 36 lower-case characters.

    Later ids sort after earlier ones: always within a process whose clock is not set back, at millisecond precision between
    processes.
    """
    number = _SEQUENCE.next()
    high = (number >> _RANDOM_BITS & 0xFFFF_FFFF_FFFF) << 80
    random_a = (number >> 62 & 0xFFF) << 64
    random_b = number & 0x3FFF_FFFF_FFFF_FFFF
    return str(uuid.UUID(int=high | _VERSION_7 | random_a | _VARIANT | random_b))


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its canonical hyphenated form, in either case."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (ValueError, AttributeError):
        return False
