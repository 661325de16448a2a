"""What each project's plan says of arriving events, remembered for a few seconds and refreshed beside the requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from app.ingest.validation import ProjectChecks

REFRESH_SECONDS: Final = 5.0
STALE_SECONDS: Final = 60.0
_FIRST_LOOK_SECONDS: Final = 2.0
_MOST_PROJECTS: Final = 1024

Names = frozenset[tuple[str, str]]
log = logging.getLogger("plumbline.ingest")


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """The (source, name) pairs of the plan, and the checks its policy asks for. `names` of None: nobody could tell lately.

    `revision` is the id of the project's newest revision, `main` before there is one, then a plus and a digest of the names and
    checks: events with the same text were judged alike, also when main was edited without making a revision."""

    names: Names | None
    checks: ProjectChecks | None = None
    revision: str = ""

    @property
    def known(self) -> Names:
        """The pairs of the plan, none while nobody can tell."""
        return frozenset() if self.names is None else self.names


UNKNOWN_PLAN: Final = ProjectPlan(None)


@dataclass(slots=True)
class _Entry:
    plan: ProjectPlan | None = None
    loaded_at: float = 0.0
    tried_at: float = 0.0
    is_failing: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class ProjectPlans:
    """Plans by project. When a plan cannot be read its names are unknown and the verdict says so; the last known checks stay,
    because what is to be masked must be masked also then."""

    def __init__(self, load: Callable[[str], ProjectPlan], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._monotonic = monotonic
        self._entries: dict[str, _Entry] = {}
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="ingest-plan")

    def cached(self, project_id: str) -> ProjectPlan | None:
        """The plan when it was loaded a moment ago; None says nothing."""
        entry = self._entries.get(project_id)
        if entry is None or self._monotonic() - entry.tried_at >= REFRESH_SECONDS or entry.is_failing:
            return None
        return entry.plan

    async def plan(self, project_id: str) -> ProjectPlan:
        """The plan with names at most a minute old; waits only for a project not seen within that minute."""
        entry = self._entries.get(project_id)
        if entry is None:
            entry = self._entries[project_id] = _Entry()
            if len(self._entries) > _MOST_PROJECTS:
                del self._entries[next(iter(self._entries))]
        now = self._monotonic()
        if entry.task is None and (not entry.tried_at or now - entry.tried_at >= REFRESH_SECONDS):
            entry.tried_at = now
            entry.task = asyncio.ensure_future(self._refresh(project_id, entry))
        # After a minute without events the remembered names say nothing; a sender that comes by rarely waits for fresh ones.
        if self._is_stale(entry) and entry.task is not None:
            await asyncio.wait([entry.task], timeout=_FIRST_LOOK_SECONDS)
        if entry.plan is None:
            return UNKNOWN_PLAN
        return ProjectPlan(None, entry.plan.checks) if self._is_stale(entry) else entry.plan

    def _is_stale(self, entry: _Entry) -> bool:
        return entry.plan is None or self._monotonic() - entry.loaded_at >= STALE_SECONDS

    async def _refresh(self, project_id: str, entry: _Entry) -> None:
        started = self._monotonic()
        try:
            entry.plan = await asyncio.get_running_loop().run_in_executor(self._threads, self._load, project_id)
            entry.loaded_at = started
            entry.is_failing = False
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the plan, events must still be taken
            entry.is_failing = True
            log.warning("the plan cannot be read", extra={"reason": type(error).__name__})
        finally:
            entry.task = None

    def close(self) -> None:
        """End the loading thread."""
        self._threads.shutdown(wait=False, cancel_futures=True)
