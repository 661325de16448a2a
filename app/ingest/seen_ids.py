"""Which event ids were taken in lately, so that what a producer sends again is stored once.

Ids are remembered per project in two generations: the older one is forgotten when the younger has reached its age or its size. The
memory belongs to one process; at its start it is filled from the log and from the event store.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

MOST_IDS: Final = 250_000
"""Ids of one generation, about 30 MB of memory each."""


class SeenIds:
    """Ids of the last `seconds` at least, and of twice that at most; less when more than `most` arrive. Not safe for threads."""

    def __init__(self, seconds: float, *, most: int = MOST_IDS, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._now = now
        self._young: defaultdict[str, set[str]] = defaultdict(set)
        self._old: dict[str, set[str]] = {}
        self._size = 0
        self._born_at = now()

    def repeated(self, project_id: str, ids: Sequence[str]) -> list[bool] | None:
        """For each id whether it was seen before, here or earlier in the list; None when none was."""
        self._age()
        young, old = self._young.get(project_id, set()), self._old.get(project_id, set())
        distinct = set(ids)
        if len(distinct) == len(ids) and distinct.isdisjoint(young) and distinct.isdisjoint(old):
            return None
        own: set[str] = set()
        marks = []
        for one in ids:
            marks.append(one in own or one in young or one in old)
            own.add(one)
        return marks

    def remember(self, project_id: str, ids: Iterable[str]) -> None:
        """Count the ids as seen from now on."""
        known = self._young[project_id]
        before = len(known)
        known.update(ids)
        self._size += len(known) - before

    def forget(self, project_id: str, ids: Iterable[str]) -> None:
        """Take the ids back: their events were not kept after all."""
        gone = set(ids)
        for generation in (self._young, self._old):
            if project_id in generation:
                generation[project_id] -= gone

    def knows(self, project_id: str, ids: Iterable[str]) -> bool:
        """Whether every id counts as seen."""
        young, old = self._young.get(project_id, set()), self._old.get(project_id, set())
        return all(one in young or one in old for one in ids)

    def _age(self) -> None:
        now = self._now()
        if now - self._born_at < self._seconds and self._size < self._most:
            return
        # After a quiet time longer than two generations nothing young is left either.
        self._old = {} if now - self._born_at >= 2 * self._seconds else dict(self._young)
        self._young, self._size, self._born_at = defaultdict(set), 0, now
