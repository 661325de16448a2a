"""Small requests that arrive in the same turn of the event loop, handled as one: most of what a small request costs is what
every request costs once, however many events it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.identity.contracts import IngestPrincipal
from app.ingest.decode import Batch, Event
from app.ingest.project_plans import ProjectPlan

MOST_EVENTS: Final = 200
"""Of a request that joins others; a larger one gains nothing by it."""
_FULL: Final = 2_000


@dataclass(slots=True, eq=False)
class Group:
    """Requests with one key. `size` is about how many bytes they take; each of `waiters` is told True once all are on disk."""

    principal: IngestPrincipal
    plan: ProjectPlan
    events: list[Event] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    size: int = 0
    waiters: list[asyncio.Future[bool]] = field(default_factory=list)


class Groups:
    """Belongs to one event loop. `take_in(group)` gives the whole group to the log, or says False when some of its events need a
    closer look: then every request has to be taken in on its own."""

    def __init__(self, take_in: Callable[[Group], bool]) -> None:
        self._take_in = take_in
        self._open: dict[tuple[int, int], Group] = {}

    async def join(self, principal: IngestPrincipal, plan: ProjectPlan, batch: Batch, size: int) -> bool:
        """Whether the batch is on disk; False when it has to be taken in on its own. Errors: what `take_in` raises, Unavailable."""
        loop = asyncio.get_running_loop()
        which = (id(principal), id(plan))
        group = self._open.get(which)
        if group is None:
            if not self._open:
                loop.call_soon(self._close_all)
            group = self._open[which] = Group(principal, plan)
        group.events += batch.events or ()
        group.batches.append(batch)
        group.size += size
        waiter: asyncio.Future[bool] = loop.create_future()
        group.waiters.append(waiter)
        if len(group.events) >= _FULL:
            del self._open[which]
            self._close(group)
        return await waiter

    def _close_all(self) -> None:
        groups, self._open = self._open, {}
        for group in groups.values():
            self._close(group)

    def _close(self, group: Group) -> None:
        failure: Exception | None = None
        try:
            if self._take_in(group):
                for batch in group.batches:
                    batch.release()
                group.events = []
                return
        except Exception as error:  # noqa: BLE001 - nobody else would ever answer these requests
            failure = error
        for waiter in group.waiters:
            if waiter.done():  # the request was cancelled
                continue
            if failure is None:
                waiter.set_result(False)
            else:
                waiter.set_exception(failure)
