"""Which event ids were taken in lately, so that what a producer sends again is stored once.

Ids are remembered per project in two generations: the older one is forgotten when the younger has reached its age or its size. The
memory belongs to one process; at its start it is filled from the log and from the event store. The bound on its size is what keeps
a flood from taking all memory; how far back it reaches is told by `reach`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

MOST_IDS: Final = 250_000
"""Ids of one generation, about 35 MB of memory each."""


class SeenIds:
    """Ids of the last `seconds` at least, and of twice that at most; when more than `most` arrive in that time, at least the newest
    `most`. Not safe for threads."""

    def __init__(self, seconds: float, *, most: int = MOST_IDS, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._most = most
        self._now = now
        self._young: defaultdict[str, set[str]] = defaultdict(set)
        self._old: dict[str, set[str]] = {}
        self._size = 0
        self._old_size = 0
        self._born_at = self._known_since = now()

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

    @property
    def room(self) -> int:
        """How many ids of before the start can still be recalled."""
        return max(0, self._most - self._old_size)

    def recall(self, ids: Iterable[tuple[str, str]]) -> None:
        """Count the ids, each with its project, as seen before the start; the first of them as many as there is room for."""
        old = defaultdict(set, self._old)
        for project_id, one in islice(ids, self.room):
            old[project_id].add(one)
        self._old, self._old_size = old, sum(map(len, old.values()))

    def reach_back(self, seconds: float) -> None:
        """Everything of the last so many seconds before the start was recalled."""
        self._known_since = min(self._known_since, self._now() - seconds)

    @property
    def reach(self) -> float:
        """Seconds back in which every id is known; no more than were asked for."""
        return min(self.seconds, self._now() - self._known_since)

    def forget(self, project_id: str, ids: Iterable[str]) -> None:
        """Take the ids back: their events were not kept after all."""
        gone = set(ids)
        for generation in (self._young, self._old):
            if project_id in generation:
                generation[project_id] -= gone

    def knows(self, project_id: str, ids: Iterable[str]) -> bool:
        """Whether every id counts as seen."""
        return all(self.known(project_id, ids))

    def known(self, project_id: str, ids: Iterable[str]) -> list[bool]:
        """For each id whether it counts as seen."""
        young, old = self._young.get(project_id, set()), self._old.get(project_id, set())
        return [one in young or one in old for one in ids]

    def _age(self) -> None:
        now = self._now()
        if now - self._born_at < self.seconds and self._size < self._most:
            return
        if self._old:
            self._known_since = max(self._known_since, self._born_at)
        # After a quiet time longer than two generations nothing young is left either.
        self._old = {} if now - self._born_at >= 2 * self.seconds else dict(self._young)
        self._old_size = self._size if self._old else 0
        self._young, self._size, self._born_at = defaultdict(set), 0, now
