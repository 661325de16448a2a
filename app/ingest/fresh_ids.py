"""Ids for the events of a request that come without one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator


class FreshIds:
    """UUIDv7 texts for the events that come without an id; the random source is read once for all of them, when it is needed.

    With a seed the ids follow from it and from their order (RFC 9562, version 8)."""

    def __init__(self, most: int, received_at: int, seed: str = "") -> None:
        self._most = most
        self._received_at = received_at
        self._seed = seed
        self._ids: Iterator[str] | None = None
        self.count = 0

    def __call__(self) -> str:
        """The next event's id."""
        if self._ids is None:
            self._ids = self._follow() if self._seed else self._make()
        self.count += 1
        return next(self._ids)

    def passed_over(self) -> str:
        """The id of an event that is refused, empty without a seed: with one the others keep theirs, whatever becomes of it."""
        return self() if self._seed else ""

    def _follow(self) -> Iterator[str]:
        for index in range(self._most):
            digits = hashlib.sha256(f"{self._seed}\n{index}".encode()).hexdigest()
            yield f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-{'89ab'[int(digits[15], 16) & 3]}{digits[16:19]}-{digits[19:31]}"

    def _make(self) -> Iterator[str]:
        stamp = f"{self._received_at:012x}"
        prefix = f"{stamp[:8]}-{stamp[8:]}-7"
        random = os.urandom(10 * self._most).hex()
        for start in range(0, len(random), 20):
            digits = random[start : start + 20]
            yield f"{prefix}{digits[:3]}-{'89ab'[int(digits[3], 16) & 3]}{digits[4:7]}-{digits[7:19]}"
