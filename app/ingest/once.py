"""Events that the project has sent lately are not stored again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import compress

from app.ingest.rules import Cleaned
from app.ingest.seen_ids import MOST_IDS, SeenIds
from app.kernel.errors import Unavailable

RecentIds = Callable[[datetime, int], Iterable[tuple[str, str]]]
log = logging.getLogger("plumbline.ingest")


class Once:
    """What was taken in during the last `minutes`, nothing when they are 0. Belongs to one event loop."""

    def __init__(self, minutes: float) -> None:
        self._minutes = minutes
        self._seen = SeenIds(minutes * 60)

    def remember_earlier(self, in_log: Iterable[tuple[str, str]], recent_ids: RecentIds | None, now: datetime) -> None:
        """The ids that earlier processes took in: a producer whose answer was lost with them sends the same events again."""
        if not self._minutes:
            return
        for project_id, event_id in in_log:
            self._seen.remember(project_id, (event_id,))
        if recent_ids is None:
            return
        try:
            for project_id, event_id in recent_ids(now - timedelta(minutes=self._minutes), MOST_IDS // 2):
                self._seen.remember(project_id, (event_id,))
        except Unavailable as error:
            log.warning("repeated events of before the start are not recognised", extra={"reason": str(error)[:300]})

    def unrepeated(self, cleaned: Cleaned) -> tuple[Cleaned, list[str]]:
        """The batch without rows that were taken in before, and the ids of those; the others count as taken in from now on."""
        marks = self._marks(cleaned)
        repeated: list[str] = []
        if marks is not None:
            repeated = list(compress(cleaned.ids, marks))
            cleaned = cleaned.without(marks)
        self._remember(cleaned)
        return cleaned, repeated

    def takes_all(self, cleaned: Cleaned) -> bool:
        """Whether no row was taken in before; then all of them count as taken in from now on."""
        if self._marks(cleaned) is not None:
            return False
        self._remember(cleaned)
        return True

    def knows(self, project_id: str, ids: Iterable[str]) -> bool:
        """Whether every id counts as taken in."""
        return self._seen.knows(project_id, ids)

    def forget(self, project_id: str, ids: Sequence[str]) -> None:
        """Take the ids back: their events were not kept after all."""
        if ids:
            self._seen.forget(project_id, ids)

    def _marks(self, cleaned: Cleaned) -> list[bool] | None:
        return self._seen.repeated(cleaned.project_id, cleaned.ids) if cleaned.has_own_ids and self._minutes else None

    def _remember(self, cleaned: Cleaned) -> None:
        if cleaned.has_own_ids and self._minutes:
            self._seen.remember(cleaned.project_id, cleaned.ids)
