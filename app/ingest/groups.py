"""Requests that arrive in the same turn of the event loop, or while the log is busy with others, handled as one: most of what a
small request costs is what every request costs once, however many events it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from app.identity.contracts import IngestPrincipal
from app.ingest.compiled_rows import TOGETHER_BYTES
from app.ingest.decode import Batch, Event
from app.ingest.project_plans import ProjectPlan

MOST_EVENTS: Final = 200
"""Of a decoded request that joins others; a larger one gains nothing by it."""
_FULL: Final = 2_000


class Waiter(Protocol):
    """Who waits for a small request: a future, or what answers without one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def set_result(self, result: bool, /) -> None:
        """True: on disk. False: it has to be taken in on its own."""

    def set_exception(self, failure: Exception, /) -> None:
        """It was not taken in."""


class BodyWaiter(Waiter, Protocol):
    """Who waits for a body that nobody has read yet."""

    def set_count(self, count: int, /) -> None:
        """How many events it has."""


@dataclass(slots=True, eq=False)
class Group:
    """Requests with one key. `size` is about how many bytes they take; each of `waiters` is told True once all are on disk."""

    principal: IngestPrincipal
    plan: ProjectPlan
    events: list[Event] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    size: int = 0
    waiters: list[Waiter] = field(default_factory=list)

    def add(self, batch: Batch, size: int, waiter: Waiter) -> bool:
        """One request more; whether the group is full."""
        self.events += batch.events or ()
        self.batches.append(batch)
        self.size += size
        self.waiters.append(waiter)
        return len(self.events) >= _FULL

    def parted(self, doubtful: AbstractSet[int]) -> tuple[list[tuple[Batch, Waiter]], list[Waiter]]:
        """The requests with none of the events at the places `doubtful`, and those who wait for the others."""
        taken: list[tuple[Batch, Waiter]] = []
        left: list[Waiter] = []
        end = 0
        for batch, waiter in zip(self.batches, self.waiters, strict=True):
            begin, end = end, end + len(batch)
            if doubtful and not doubtful.isdisjoint(range(begin, end)):
                left.append(waiter)
            else:
                taken.append((batch, waiter))
        return taken, left


@dataclass(slots=True, eq=False)
class BodyGroup:
    """Bodies with one key, for the compiled reader."""

    principal: IngestPrincipal
    plan: ProjectPlan
    bodies: list[bytes] = field(default_factory=list)
    size: int = 0
    waiters: list[BodyWaiter] = field(default_factory=list)

    def add(self, body: bytes, waiter: BodyWaiter) -> bool:
        """One request more; whether the group is full."""
        self.bodies.append(body)
        self.size += len(body)
        self.waiters.append(waiter)
        return self.size >= TOGETHER_BYTES


AnyGroup = TypeVar("AnyGroup", Group, BodyGroup)


class Groups(Generic[AnyGroup]):
    """Belongs to one event loop. `take_in(group)` gives the group to the log, and says which of its requests need a closer look:
    each of them has to be taken in on its own. While `is_busy()` says that the log works on others, and could not begin with the
    group anyway, more may join it until `release` is called."""

    def __init__(
        self,
        begin: Callable[[IngestPrincipal, ProjectPlan], AnyGroup],
        take_in: Callable[[AnyGroup], Sequence[Waiter]],
        is_busy: Callable[[], bool],
    ) -> None:
        self._begin: Callable[[IngestPrincipal, ProjectPlan], AnyGroup] = begin
        self._take_in: Callable[[AnyGroup], Sequence[Waiter]] = take_in
        self._is_busy = is_busy
        self._is_held = False
        self._open: dict[tuple[int, int], AnyGroup] = {}

    def of(self, principal: IngestPrincipal, plan: ProjectPlan) -> AnyGroup:
        """The group that the key's requests join at the moment; `close` it when it is full. Each of its waiters is told once all is
        on disk, or that its request has to be taken in on its own, or what `take_in` raised."""
        which = (id(principal), id(plan))
        group = self._open.get(which)
        if group is None:
            if not self._open:
                asyncio.get_running_loop().call_soon(self._end_turn)
            group = self._open[which] = self._begin(principal, plan)
        return group

    def close(self, group: AnyGroup) -> None:
        """Take the group in at once."""
        self._open.pop((id(group.principal), id(group.plan)), None)
        self._close(group)

    def release(self) -> None:
        """The log is done with something: it can begin with the groups that were held, once those who wait for it were told."""
        if self._is_held:
            self._is_held = False
            asyncio.get_running_loop().call_soon(self._close_all)

    def _end_turn(self) -> None:
        if self._is_busy():
            self._is_held = True
        else:
            self._close_all()

    def _close_all(self) -> None:
        groups, self._open = self._open, {}
        for group in groups.values():
            self._close(group)

    def _close(self, group: AnyGroup) -> None:
        left: Sequence[Waiter] = group.waiters
        failure: Exception | None = None
        try:
            left = self._take_in(group)
        except Exception as error:  # noqa: BLE001 - nobody else would ever answer these requests
            failure = error
        for waiter in left:
            if waiter.done():  # the request was cancelled
                continue
            if failure is None:
                waiter.set_result(False)
            else:
                waiter.set_exception(failure)
