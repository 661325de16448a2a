"""Events that the project has sent lately are not stored again, and what was refused is not quarantined again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress, islice
from typing import Final

from app.eventstore.contracts import RecentId
from app.ingest.rules import Cleaned
from app.ingest.seen_ids import MOST_IDS, SeenIds
from app.ingest.times import milliseconds_of

RecentIds = Callable[[datetime, int], Sequence[RecentId]]
REFUSED_BEFORE: Final = "it was refused when it came for the first time"


@dataclass(frozen=True, slots=True)
class Unrepeated:
    """What is new of a batch. `repeated` are the ids and places that were known, `stored_before` how many of them are events that
    are stored already; `faults` is what to tell the producer."""

    cleaned: Cleaned
    repeated: list[str]
    stored_before: int
    faults: list[tuple[int, str]]


class Once:
    """What was taken in during the last `minutes`, nothing when they are 0. Belongs to one event loop."""

    def __init__(self, minutes: float, *, most: int = MOST_IDS) -> None:
        self._minutes = minutes
        self._seen = SeenIds(minutes * 60, most=most)

    def recall_log(self, in_log: Iterable[tuple[str, str]]) -> None:
        """What earlier processes left in the log: a producer whose answer was lost with them sends the same events again."""
        if self._minutes:
            self._seen.recall(in_log)

    def stored_lately(self, recent_ids: RecentIds, now: datetime, *, most: int | None = None) -> Sequence[RecentId]:
        """What was taken in and stored lately, the newest first, at most as much as there is room for unless told otherwise; for
        a thread. Errors: Unavailable."""
        most = self._seen.room if most is None else most
        if not self._minutes or not most:
            return []
        return recent_ids(now - timedelta(minutes=self._minutes), most)

    def recall_stored(self, found: Sequence[RecentId], now: datetime) -> None:
        """Count what `stored_lately` found as taken in before."""
        room = self._seen.room
        kept = found[:room]
        self._seen.recall((one.project_id, one.id) for one in kept)
        if len(found) < room:
            self._seen.reach_back(self._seen.seconds)
        elif kept:
            self._seen.reach_back((milliseconds_of(now) - kept[-1].received_at) / 1000)

    def learn(self, taken: Iterable[tuple[str, str]]) -> None:
        """Count what other processes took in, each id with its project, as taken in from now on; the first of them as many as a
        generation holds."""
        if self._minutes:
            for project_id, one in islice(taken, MOST_IDS):
                self._seen.remember(project_id, (one,))

    @property
    def window(self) -> float:
        """Seconds in which an event that comes again is to be recognised."""
        return self._seen.seconds

    @property
    def reach(self) -> float:
        """Seconds in which it is, at the moment; less than `window` when more ids came than are remembered."""
        return self._seen.reach

    def unrepeated(self, cleaned: Cleaned) -> Unrepeated:
        """The batch without what was taken in before; the rest counts as taken in from now on."""
        if cleaned.places and self._minutes:
            return self._new_by_place(cleaned)
        marks = self._marks(cleaned)
        repeated: list[str] = []
        if marks is not None:
            repeated = list(compress(cleaned.ids, marks))
            cleaned = cleaned.without(marks)
        self._remember(cleaned)
        return Unrepeated(cleaned, repeated, len(repeated), cleaned.faults)

    def _new_by_place(self, cleaned: Cleaned) -> Unrepeated:
        """As `unrepeated`, for a request that may come again: what was refused the first time is known by its place, and stays
        refused, whatever the plan says of it now; what was stored stays stored."""
        project_id, places = cleaned.project_id, cleaned.places
        was_refused = self._seen.known(project_id, places)
        faulty = {position for position, _ in cleaned.faults}
        good = [position for position in range(len(places)) if position not in faulty]
        was_stored = self._marks(cleaned) or [False] * len(good)
        repeated = [
            id_ if stored else places[position]
            for id_, position, stored in zip(cleaned.ids, good, was_stored, strict=True)
            if stored or was_refused[position]
        ]
        old_faults, faults = [], [(position, REFUSED_BEFORE) for position in good if was_refused[position]]
        stored_before = sum(was_stored)
        for fault, id_ in zip(cleaned.faults, cleaned.fault_ids, strict=True):
            is_stored = id_ != "" and self._seen.knows(project_id, (id_,))
            stored_before += is_stored
            old_faults.append(is_stored or was_refused[fault[0]])
            if old_faults[-1]:
                repeated.append(id_ if is_stored else places[fault[0]])
            if not is_stored:
                faults.append(fault)
        if any(old_faults):
            cleaned = cleaned.without_faults(old_faults)
        left_out = [stored or was_refused[position] for position, stored in zip(good, was_stored, strict=True)]
        if any(left_out):
            cleaned = cleaned.without(left_out)
        self._seen.remember(project_id, cleaned.lasting_ids)
        return Unrepeated(cleaned, repeated, stored_before, sorted(faults))

    def takes_all(self, cleaned: Cleaned) -> bool:
        """Whether no row was taken in before; then all of them count as taken in from now on."""
        if self._marks(cleaned) is not None:
            return False
        self._remember(cleaned)
        return True

    def takes(self, project_id: str, one: str) -> bool:
        """Whether this was not taken in before; then it counts as taken in from now on."""
        if not self._minutes:
            return True
        if self._seen.repeated(project_id, (one,)) is not None:
            return False
        self._seen.remember(project_id, (one,))
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
            self._seen.remember(cleaned.project_id, cleaned.lasting_ids)
