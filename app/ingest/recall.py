"""What a process remembers of what earlier ones and others took in, and how far back its memory reaches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from app.ingest.folders import unstored_segments
from app.ingest.frames import read_frames
from app.ingest.once import Once, RecentIds
from app.ingest.outcomes import DEDUPE_SECONDS
from app.ingest.payloads import ids_of
from app.ingest.quarantine import message_ids_of
from app.ingest.seen_ids import MOST_IDS
from app.kernel.clock import Clock
from app.kernel.errors import Unavailable

RETRY_SECONDS: Final = 2.0
log = logging.getLogger("plumbline.ingest")


class Recall:
    """Fills the memory at the start and watches it afterwards. Belongs to one event loop."""

    def __init__(self, once: Once, recent_ids: RecentIds | None, clock: Clock) -> None:
        self._once = once
        self._recent_ids = recent_ids
        self._clock = clock
        self._retry: asyncio.Task[None] | None = None
        self._is_short = False

    async def learn(self, root: Path) -> None:
        """Remember what other processes took in lately, as far as it is in a log under the root or in the event store.

        Unavailable while the store does not answer.
        """
        # The log first: what reaches the store meanwhile is found there.
        in_log = await asyncio.to_thread(lambda: list(ids_in(unstored_segments(root))))
        stored = await asyncio.to_thread(self._stored_anywhere)
        self._once.learn(chain(in_log, stored))

    def _stored_anywhere(self) -> list[tuple[str, str]]:
        if self._recent_ids is None:
            return []
        found = self._once.stored_lately(self._recent_ids, self._clock.now(), most=MOST_IDS)
        return [(one.project_id, one.id) for one in found]

    async def begin(self, in_log: Iterable[tuple[str, str]]) -> None:
        """Remember what is in the log and in the event store. While the store does not answer it is asked again and again."""
        await asyncio.to_thread(self._once.recall_log, in_log)
        DEDUPE_SECONDS.set_function(lambda: self._once.reach)
        if not await self._ask_store():
            self._retry = asyncio.create_task(self._ask_again())

    def end(self) -> None:
        """Ask no more."""
        if self._retry is not None:
            self._retry.cancel()

    def watch(self) -> None:
        """Say so in the log when the memory begins to reach less far than it should."""
        is_short = self._once.reach < self._once.window
        if is_short and not self._is_short:
            log.warning(
                "events sent again are recognised for a shorter time than PLUMBLINE_DEDUPE_MINUTES: more came than are remembered",
                extra={"seconds": round(self._once.reach)},
            )
        self._is_short = is_short

    def health(self) -> dict[str, int]:
        """For how long events sent again should be recognised, and for how long they are."""
        return {"window_seconds": round(self._once.window), "reaches_back_seconds": round(self._once.reach)}

    async def _ask_store(self) -> bool:
        if self._recent_ids is None:
            return True
        now = self._clock.now()
        try:
            found = await asyncio.to_thread(self._once.stored_lately, self._recent_ids, now)
        except Unavailable as error:
            if self._retry is None:  # said once, not with every attempt
                log.warning("repeated events of before the start are not recognised yet", extra={"reason": str(error)[:300]})
            return False
        self._once.recall_stored(found, now)
        return True

    async def _ask_again(self) -> None:
        is_known = False
        while not is_known:
            await asyncio.sleep(RETRY_SECONDS)
            is_known = await self._ask_store()


def ids_in(segments: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Project and id of what waits in the log, the newest segment first; what was stored and deleted meanwhile is passed by."""
    for path in sorted(segments, key=lambda path: path.name, reverse=True):
        with contextlib.suppress(FileNotFoundError):
            for frame in read_frames(path.read_bytes()).frames:
                if frame.table == "events":
                    yield from ids_of(frame.payload)
                elif frame.table == "quarantine":
                    yield from message_ids_of(bytes(frame.payload))
