"""Identifiers: UUIDv7 text, so that ids sort by creation and indexes stay compact (RFC 9562, sections 5.7 and 6.2)."""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import Final

_VERSION_7: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_RANDOM_BITS: Final = 74
_CHANCE_BYTES: Final = 10
_DRAWN_BYTES: Final = 256 * _CHANCE_BYTES


class _Sequence:
    """Numbers of 48 bits of time and 74 of chance; within a millisecond each lies a random step above the one before."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: a forked child must hand out nothing of what its parent drew, and nobody holds its lock."""
        self._lock = threading.Lock()
        self._last = 0
        self._drawn, self._place = b"", 0

    def next(self) -> int:
        milliseconds = time.time_ns() // 1_000_000
        with self._lock:
            # Drawn many at once: each draw is a call to the system, during which another thread takes the interpreter.
            if self._place >= len(self._drawn):
                self._drawn, self._place = os.urandom(_DRAWN_BYTES), 0
            chance = int.from_bytes(self._drawn[self._place : self._place + _CHANCE_BYTES])
            self._place += _CHANCE_BYTES
            if self._last >> _RANDOM_BITS == milliseconds:
                self._last += 1 + (chance & 0xFFFF_FFFF)
            else:
                self._last = milliseconds << _RANDOM_BITS | chance >> 80 - _RANDOM_BITS
            return self._last


_SEQUENCE: Final = _Sequence()
os.register_at_fork(after_in_child=_SEQUENCE.forget)


def new_id() -> str:
    """A fresh UUIDv7 as 36 lower-case characters.

    Later ids sort after earlier ones: always within a process whose clock is not set back, at millisecond precision between
    processes. Safe to use from many threads and after a fork.
    """
    number = _SEQUENCE.next()
    high = (number >> _RANDOM_BITS & 0xFFFF_FFFF_FFFF) << 80
    random_a = (number >> 62 & 0xFFF) << 64
    random_b = number & 0x3FFF_FFFF_FFFF_FFFF
    digits = f"{high | _VERSION_7 | random_a | _VARIANT | random_b:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its canonical hyphenated form, in either case."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (ValueError, AttributeError):
        return False
