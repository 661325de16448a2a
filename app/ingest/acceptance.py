"""A request's events on their way to the log: the rules, what came before, the quota, and others that came at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, NoReturn

from sqlmodel import Session

from app.eventstore.contracts import EventStore
from app.identity.contracts import IngestPrincipal
from app.ingest.answers import reasons
from app.ingest.compiled_rows import CompiledReader
from app.ingest.decode import Batch, decode_batch
from app.ingest.groups import MOST_EVENTS, BodyGroup, BodyWaiter, Group, Groups, Waiter
from app.ingest.journal import Journal
from app.ingest.key_hours import Counts, KeyHours
from app.ingest.once import Once, RecentIds
from app.ingest.outcomes import count_dropped, count_received, count_records, count_refused, count_stored
from app.ingest.project_plans import ProjectPlan, ProjectPlans
from app.ingest.quotas import DayQuota, plan_limits
from app.ingest.rules import Cleaned, Reception, TimeWindow, clean_batch, clean_usual
from app.ingest.tickets import Ticket
from app.ingest.wal import LogFiles
from app.kernel.clock import Clock
from app.kernel.errors import AppError, BadRequest, Unavailable
from app.kernel.settings import Settings

WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the pipeline asks about keys and plans, its transactions for quotas, and the newest so many ids received since a
    moment. All but the third run in threads."""

    principal: Callable[[str], IngestPrincipal | None]
    project_plan: Callable[[str], ProjectPlan]
    transaction: Callable[[], AbstractContextManager[Session]]
    recent_ids: RecentIds | None = None


class Outcome(NamedTuple):
    """What became of a request's events. `processed` counts those that had been stored before under the same id, too;
    `repeated` says how many. `is_stored` is None unless the producer asked to wait for the event store."""

    processed: int
    faults: list[tuple[int, str]]
    is_stored: bool | None
    repeated: int = 0


class Acceptance:
    """Takes in events for one process. Its methods belong to one event loop."""

    def __init__(self, settings: Settings, store: EventStore, sources: Sources, *, clock: Clock, files: LogFiles | None) -> None:
        self.settings = settings.ingest
        # What the event store would delete at once is refused, not acknowledged and lost.
        oldest_days = min(self.settings.max_age_days, settings.storage.retention_days)
        self._window = TimeWindow.of(max_age_days=oldest_days, max_future_hours=self.settings.max_future_hours)
        self.clock = clock
        self._plans = ProjectPlans(sources.project_plan)
        self._once = Once(self.settings.dedupe_minutes)
        self.reader: CompiledReader | None = None
        self._quota = DayQuota(sources.transaction)
        self.key_hours = KeyHours(sources.transaction)
        self._log_root = settings.data_dir / "wal"
        self._journal = Journal(self.settings, self._log_root, store, self._on_committed, files=files)
        self._groups = Groups(Group, self._take_in, self._journal.is_committing)
        self._bodies = Groups(BodyGroup, self._take_in_bodies, self._journal.is_committing)

    def accept(
        self, principal: IngestPrincipal, body: bytes, *, is_waiting: bool = False, id_seed: str = ""
    ) -> Coroutine[Any, Any, Outcome]:
        """Store the body's events durably. BadRequest, PayloadTooLarge, TooManyRequests, Unavailable; on each of them no event
        counts as accepted. Faulty events are quarantined, also when no good one is left.

        Events under an id that the project has sent lately are not stored again. `id_seed` fixes the ids of those without one.
        """
        return self.accept_batch(principal, self.decode(principal, body), len(body), is_waiting=is_waiting, id_seed=id_seed)

    def decode(self, principal: IngestPrincipal, body: bytes) -> Batch:
        """The body's events, its request counted. BadRequest, PayloadTooLarge."""
        counts = self._counts(principal.key_id)
        counts.requests += 1
        try:
            return decode_batch(body, self.settings.max_batch_events)
        except AppError as refusal:
            counts.refused_requests += 1
            count_refused(refusal.code)
            raise

    def joins_unread(self, principal: IngestPrincipal, body: bytes, waiter: BodyWaiter) -> bool:
        """Whether the body is taken in with others by the compiled reader, and the waiter told what became of it. When it turns
        out to be one for `decode` to look at, the waiter is told False, and nothing was counted."""
        reader, plan = self.reader, self._plans.cached(principal.project_id)
        if reader is None or plan is None or not reader.reads(body) or not reader.is_worth_a_try(principal.project_id, plan):
            return False
        if plan_limits(principal.tenant_plan).events_per_day is not None:
            return False
        group = self._bodies.of(principal, plan)
        if group.add(body, waiter):
            self._bodies.close(group)
        return True

    def _counts(self, key_id: str) -> Counts:
        return self.key_hours.counts(key_id, self.clock.now())

    def joins(self, principal: IngestPrincipal, batch: Batch, size: int, waiter: Waiter) -> bool:
        """Whether the batch is small and plain, and its plan at hand; then it is taken in with others, and the waiter told what
        became of it: on False `accept_alone` is to follow, on a failure `refuse`."""
        plan = self._plans.cached(principal.project_id)
        return plan is not None and self._joins(principal, plan, batch, size, waiter)

    def _joins(self, principal: IngestPrincipal, plan: ProjectPlan, batch: Batch, size: int, waiter: Waiter) -> bool:
        if batch.events is None or len(batch.events) > MOST_EVENTS or not batch.is_plain:
            return False
        if plan_limits(principal.tenant_plan).events_per_day is not None:
            return False
        group = self._groups.of(principal, plan)
        if group.add(batch, size, waiter):
            self._groups.close(group)
        return True

    async def accept_batch(
        self, principal: IngestPrincipal, batch: Batch, size: int, *, is_waiting: bool = False, id_seed: str = ""
    ) -> Outcome:
        """As `accept`, for events that are decoded; `size` is that of their text."""
        plan = self._plans.cached(principal.project_id) or await self._plans.plan(principal.project_id)
        received = len(batch)
        if not (is_waiting or id_seed):
            waiter = asyncio.get_running_loop().create_future()
            if self._joins(principal, plan, batch, size, waiter):
                try:
                    if await waiter:
                        return Outcome(received, [], None)
                except Unavailable as failure:
                    self.refuse(principal, received, failure)
        return await self.accept_alone(principal, batch, size, is_waiting=is_waiting, id_seed=id_seed)

    async def accept_alone(
        self, principal: IngestPrincipal, batch: Batch, size: int, *, is_waiting: bool = False, id_seed: str = ""
    ) -> Outcome:
        """As `accept_batch`, for what is no matter of groups."""
        try:
            return await self._store(principal, batch, size, is_waiting=is_waiting, id_seed=id_seed)
        except AppError:
            self._counts(principal.key_id).refused_requests += 1
            raise

    def refuse(self, principal: IngestPrincipal, received: int, failure: Exception) -> NoReturn:
        """Raise why a request could not be kept that had been given to the log, or to a group, with so many events."""
        if isinstance(failure, Unavailable):
            self._counts(principal.key_id).refused_requests += 1
            count_dropped(failure.code, received)
        raise failure

    async def _store(self, principal: IngestPrincipal, batch: Batch, size: int, *, is_waiting: bool, id_seed: str) -> Outcome:
        plan = self._plans.cached(principal.project_id) or await self._plans.plan(principal.project_id)
        received = len(batch)
        now = self.clock.now()
        reception = Reception(principal.tenant_id, principal.project_id, plan, self._window, now, id_seed)
        cleaned = clean_batch(batch, reception)
        is_stray = not cleaned.count and batch.is_stray
        batch.release()
        count_received(received)
        looked_up = self._once.unrepeated(cleaned)
        cleaned, repeated = looked_up.cleaned, looked_up.repeated
        row_count = cleaned.count
        ticket = await self._hand_over(principal, cleaned, received, size, now, is_waiting=is_waiting and row_count > 0)
        try:
            await ticket.committed
        except Unavailable as refusal:  # the ids are forgotten where the log reports the failure
            self._quota.give_back(principal.tenant_id, plan_limits(principal.tenant_plan), row_count, now)
            count_dropped(refusal.code, received)
            raise
        # The log commits in order, so what was sent first is on disk by now, unless it could not be written.
        if not self._once.knows(principal.project_id, repeated):
            count_dropped(Unavailable.code, len(repeated))
            raise Unavailable("the event could not be written to disk", retry_after_seconds=5)
        if repeated:
            count_dropped("repeated", len(repeated))
        processed = row_count + looked_up.stored_before
        if not processed and is_stray:
            raise BadRequest("the request holds no events", detail={"errors": reasons(looked_up.faults)})
        if not processed:
            self._counts(principal.key_id).refused_requests += 1
        if ticket.stored is None:
            return Outcome(processed, looked_up.faults, False if is_waiting else None, looked_up.stored_before)
        done, _ = await asyncio.wait([ticket.stored], timeout=WAIT_SECONDS)
        return Outcome(processed, looked_up.faults, bool(done), looked_up.stored_before)

    async def _hand_over(
        self, principal: IngestPrincipal, cleaned: Cleaned, received: int, size: int, now: datetime, *, is_waiting: bool
    ) -> Ticket:
        """Take the rows from the tenant's day and give them to the log; TooManyRequests, Unavailable.

        Whatever keeps the rows out of the log, the end of the connection among it, their ids must not count as taken in.
        """
        ids = cleaned.lasting_ids
        quotas = plan_limits(principal.tenant_plan)
        try:
            if quotas.events_per_day is not None:
                await self._quota.take(principal.tenant_id, quotas, cleaned.count, now)
            try:
                return self._journal.append_events(cleaned, size, principal.key_id, is_waiting=is_waiting)
            except Unavailable:
                self._quota.give_back(principal.tenant_id, quotas, cleaned.count, now)
                raise
        except BaseException as refusal:
            self._once.forget(principal.project_id, ids)
            count_dropped(refusal.code if isinstance(refusal, AppError) else "client went away", received)
            raise

    def _take_in(self, group: Group) -> Sequence[Waiter]:
        """Give the events of several requests to the log at once. Those are left of which the plan's checks may have something
        to say, and all when some are faulty, unusual or repeated. Unavailable."""
        reception = self._reception(group)
        taken, left = group.parted(reception.doubtful(group.events))
        cleaned = clean_usual([event for batch, _ in taken for event in batch.events or ()], reception) if taken else None
        if cleaned is None or not self._once.takes_all(cleaned):
            return group.waiters
        size = group.size * cleaned.count // len(group.events)
        waiters = [waiter for _, waiter in taken]
        try:
            self._append(group.principal, cleaned, size, waiters)
        except Exception as failure:  # noqa: BLE001 - those who are left are none of its business
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(failure)
            return left
        for batch, _ in taken:
            batch.release()
        return left

    def _take_in_bodies(self, group: BodyGroup) -> Sequence[Waiter]:
        """Give the events of several bodies to the log at once; those are left that are not usual, and all when some were sent
        before. Unavailable."""
        reader = self.reader
        found = reader.read(group.bodies, self._reception(group)) if reader is not None else None
        if found is None or not self._once.takes_all(found[0]):
            return group.waiters
        cleaned, counts = found
        taken: list[BodyWaiter] = []
        left: list[BodyWaiter] = []
        for waiter, count in zip(group.waiters, counts, strict=True):
            waiter.set_count(count)
            (taken if count else left).append(waiter)
        self._counts(group.principal.key_id).requests += len(taken)
        try:
            self._append(group.principal, cleaned, group.size, taken)
        except Exception as failure:  # noqa: BLE001 - those who are left are none of its business
            for told in taken:
                told.set_exception(failure)
        return left

    def _reception(self, group: Group | BodyGroup) -> Reception:
        principal = group.principal
        return Reception(principal.tenant_id, principal.project_id, group.plan, self._window, self.clock.now())

    def _append(self, principal: IngestPrincipal, cleaned: Cleaned, size: int, waiters: Sequence[Waiter]) -> None:
        """Give rows to the log of which nothing is left to decide. Unavailable."""
        count_received(cleaned.count)
        ids = cleaned.lasting_ids
        try:
            self._journal.append_events(cleaned, size, principal.key_id, waiters=waiters)
        except BaseException as failure:  # whatever it is: what is tried again must not be taken for a repetition
            self._once.forget(principal.project_id, ids)
            if not isinstance(failure, Unavailable):  # of that each producer's own events are counted
                count_dropped("internal", cleaned.count)
            raise

    def _on_committed(self, tickets: Sequence[Ticket], is_kept: bool) -> None:
        self._groups.release()
        self._bodies.release()
        if is_kept:
            count_stored([ticket.cleaned for ticket in tickets if ticket.cleaned is not None])
            for ticket in tickets:
                if ticket.records is not None:
                    count_records(ticket.records)
                if ticket.cleaned is not None:
                    self._counts(ticket.key_id).add_batch(ticket.cleaned)
            return
        for ticket in tickets:
            if ticket.cleaned is not None:
                # At once, and not when the request comes to it: a repetition that waits behind it in the log must see it.
                self._once.forget(ticket.cleaned.project_id, ticket.ids)
