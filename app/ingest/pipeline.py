"""Everything between an authenticated request and the event store: rules, quota, log, drainer, and how full they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlmodel import Session

from app.eventstore.contracts import EventStore
from app.identity.contracts import IngestPrincipal
from app.ingest.answers import reasons
from app.ingest.decode import Batch, decode_batch
from app.ingest.groups import MOST_EVENTS, Group, Groups
from app.ingest.journal import Journal
from app.ingest.kept_answers import KeptAnswers
from app.ingest.key_cache import KeyCache
from app.ingest.key_hours import Counts, KeyHours
from app.ingest.once import Once, RecentIds
from app.ingest.outcomes import BOOKS, count_dropped, count_received, count_records, count_refused, count_stored
from app.ingest.project_plans import ProjectPlan, ProjectPlans
from app.ingest.quotas import PLANS, DayQuota, MinuteRate, PlanLimits
from app.ingest.recall import Recall
from app.ingest.records import RecordLines
from app.ingest.rules import DAY, Cleaned, Reception, TimeWindow, clean_batch, clean_usual
from app.ingest.tickets import Ticket
from app.ingest.times import milliseconds_of
from app.ingest.wal import LogFiles
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.errors import AppError, BadRequest, Unavailable
from app.kernel.settings import Settings
from app.kernel.telemetry import INGEST_QUEUE_BYTES, INGEST_UNACCOUNTED

WAIT_SECONDS: Final = 30.0
BALANCE_SECONDS: Final = 60.0
log = logging.getLogger("plumbline.ingest")


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


class Pipeline:
    """The ingest of one process. Its methods belong to one event loop."""

    def __init__(
        self, settings: Settings, store: EventStore, sources: Sources, *, clock: Clock = SYSTEM_CLOCK, files: LogFiles | None = None
    ) -> None:
        self.settings = settings.ingest
        # What the event store would delete at once is refused, not acknowledged and lost.
        oldest_days = min(self.settings.max_age_days, settings.storage.retention_days)
        self._window = TimeWindow.of(max_age_days=oldest_days, max_future_hours=self.settings.max_future_hours)
        self.clock = clock
        self.keys = KeyCache(sources.principal)
        self._plans = ProjectPlans(sources.project_plan)
        self._once = Once(self.settings.dedupe_minutes)
        self._groups = Groups(self._take_in)
        self._recall = Recall(self._once, sources.recent_ids, clock)
        self._rate = MinuteRate()
        self._quota = DayQuota(sources.transaction)
        self.key_hours = KeyHours(sources.transaction)
        self.answers = KeptAnswers(sources.transaction, clock)
        self._journal = Journal(self.settings, settings.data_dir / "wal", store, self._on_committed, files=files)

    async def start(self) -> None:
        """Take a folder of the log, queue what earlier processes left behind, and open for requests.

        Unavailable when every folder is taken.
        """
        self._loop = asyncio.get_running_loop()
        self._journal.claim()
        await self._recall.begin(self._journal.earlier_ids())
        INGEST_QUEUE_BYTES.set_function(lambda: self._journal.queue_bytes)
        self._journal.open()
        self.balance = BOOKS.balance(self.clock.now())
        self._watch = asyncio.create_task(self._keep_books())
        self.key_hours.start()

    async def _keep_books(self) -> None:
        """Look at the books every minute; a difference is logged and shown, and stays shown until the next look."""
        while True:
            await asyncio.sleep(BALANCE_SECONDS)
            self.balance = BOOKS.balance(self.clock.now())
            self._recall.watch()
            INGEST_UNACCOUNTED.set(self.balance.unaccounted)
            if self.balance.unaccounted:
                log.error("records are not accounted for", extra={"records": self.balance.unaccounted})

    async def stop(self) -> None:
        """Refuse further requests, commit those that wait, store what can be stored within a bound; the rest is replayed later."""
        self._watch.cancel()
        self._recall.end()
        await self._journal.close()
        await self._quota.close()
        await self.key_hours.close()
        self._plans.close()
        self.keys.close()
        self._journal.release()

    def check_room(self) -> None:
        """Unavailable when nothing can be accepted: closed, too much undrained, or the disk nearly full."""
        self._journal.check_room()

    def take_request(self, principal: IngestPrincipal) -> None:
        """One request of the tenant's minute; TooManyRequests."""
        self._rate.take(principal.tenant_id, _plan_limits(principal).requests_per_minute)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop the methods belong to."""
        return self._loop

    async def keep(self, records: RecordLines, *, is_waiting: bool = False) -> bool | None:
        """Store the records of another surface durably: they are on disk when this returns. With `is_waiting` it returns once the
        event store has them, or False after half a minute. Unavailable when nothing was accepted."""
        self.check_room()
        count_received(records.rows + records.refused_rows)
        ticket = self._journal.append_records(records, is_waiting=is_waiting)
        try:
            await ticket.committed
        except Unavailable as refusal:
            count_records(records, dropped=refusal.code)
            raise
        if ticket.stored is None:
            return None
        done, _ = await asyncio.wait([ticket.stored], timeout=WAIT_SECONDS)
        return bool(done)

    async def keep_once(self, records: RecordLines, project_id: str, message_id: str) -> None:
        """As `keep`, for what may come again: nothing is stored when something was under this message id."""
        if not self._once.takes(project_id, message_id):
            self.drop_repeated(records.rows + records.refused_rows)
            return
        try:
            await self.keep(records)
        except BaseException:
            self._once.forget(project_id, (message_id,))
            raise

    def is_kept(self, project_id: str, message_id: str) -> bool:
        """Whether something was kept under the message id lately."""
        return self._once.knows(project_id, (message_id,))

    def drop_repeated(self, records: int) -> None:
        """Count records that came again and are kept already."""
        count_received(records)
        count_dropped("repeated", records)

    def is_storable(self, time: datetime) -> bool:
        """Whether a record of this time is kept: not older than the retention and not far in the future."""
        now, moment = milliseconds_of(self.clock.now()), milliseconds_of(time)
        return max(now - self._window.age, DAY) <= moment <= now + self._window.future

    async def project_plan(self, project_id: str) -> ProjectPlan:
        """What the project's plan and policy say of arriving events; at most a minute old."""
        return self._plans.cached(project_id) or await self._plans.plan(project_id)

    async def charge(self, principal: IngestPrincipal, records: int) -> None:
        """Take the records of another dialect from the tenant's day; TooManyRequests."""
        plan = _plan_limits(principal)
        if plan.events_per_day is not None:
            await self._quota.take(principal.tenant_id, plan, records, self.clock.now())

    def accept(
        self, principal: IngestPrincipal, body: bytes, *, is_waiting: bool = False, id_seed: str = ""
    ) -> Coroutine[Any, Any, Outcome]:
        """Store the body's events durably. BadRequest, PayloadTooLarge, TooManyRequests, Unavailable; on each of them no event
        counts as accepted. Faulty events are quarantined, also when no good one is left.

        Events under an id that the project has sent lately are not stored again. `id_seed` fixes the ids of those without one.
        """
        counts = self._counts(principal.key_id)
        counts.requests += 1
        try:
            batch = decode_batch(body, self.settings.max_batch_events)
        except AppError as refusal:
            counts.refused_requests += 1
            count_refused(refusal.code)
            raise
        return self._accept(principal, batch, len(body), is_waiting=is_waiting, id_seed=id_seed)

    def _counts(self, key_id: str) -> Counts:
        return self.key_hours.counts(key_id, self.clock.now())

    async def _accept(self, principal: IngestPrincipal, batch: Batch, size: int, *, is_waiting: bool, id_seed: str) -> Outcome:
        try:
            return await self._store(principal, batch, size, is_waiting=is_waiting, id_seed=id_seed)
        except AppError:
            self._counts(principal.key_id).refused_requests += 1
            raise

    async def _store(self, principal: IngestPrincipal, batch: Batch, size: int, *, is_waiting: bool, id_seed: str) -> Outcome:
        plan = self._plans.cached(principal.project_id) or await self._plans.plan(principal.project_id)
        received = len(batch)
        is_small = received <= MOST_EVENTS and not (is_waiting or id_seed)
        if is_small and batch.events is not None and batch.is_plain and _plan_limits(principal).events_per_day is None:
            try:
                if await self._groups.join(principal, plan, batch, size):
                    return Outcome(received, [], None)
            except Unavailable as refusal:
                count_dropped(refusal.code, received)
                raise
        reception = Reception(principal.tenant_id, principal.project_id, plan, self._window, self.clock.now(), id_seed)
        cleaned = clean_batch(batch, reception)
        is_stray = not cleaned.count and batch.is_stray
        batch.release()
        count_received(received)
        looked_up = self._once.unrepeated(cleaned)
        cleaned, repeated = looked_up.cleaned, looked_up.repeated
        row_count = cleaned.count
        ticket = await self._hand_over(principal, cleaned, received, size, is_waiting=is_waiting and row_count > 0)
        try:
            await ticket.committed
        except Unavailable as refusal:  # the ids are forgotten where the log reports the failure
            self._quota.give_back(principal.tenant_id, _plan_limits(principal), row_count)
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
        self, principal: IngestPrincipal, cleaned: Cleaned, received: int, size: int, *, is_waiting: bool
    ) -> Ticket:
        """Take the rows from the tenant's day and give them to the log; TooManyRequests, Unavailable.

        Whatever keeps the rows out of the log, the end of the connection among it, their ids must not count as taken in.
        """
        ids = cleaned.lasting_ids
        quotas = _plan_limits(principal)
        try:
            if quotas.events_per_day is not None:
                await self._quota.take(principal.tenant_id, quotas, cleaned.count, self.clock.now())
            try:
                return self._journal.append_events(cleaned, size, principal.key_id, is_waiting=is_waiting)
            except Unavailable:
                self._quota.give_back(principal.tenant_id, quotas, cleaned.count)
                raise
        except BaseException as refusal:
            self._once.forget(principal.project_id, ids)
            count_dropped(refusal.code if isinstance(refusal, AppError) else "client went away", received)
            raise

    def _take_in(self, group: Group) -> bool:
        """Give the events of several requests to the log at once; False when some are faulty, unusual or repeated. Unavailable."""
        principal = group.principal
        reception = Reception(principal.tenant_id, principal.project_id, group.plan, self._window, self.clock.now())
        if reception.doubtful(group.events):
            return False
        cleaned = clean_usual(group.events, reception)
        if cleaned is None or not self._once.takes_all(cleaned):
            return False
        count_received(cleaned.count)
        ids = cleaned.lasting_ids
        try:
            self._journal.append_events(cleaned, group.size, principal.key_id, waiters=group.waiters)
        except BaseException:  # whatever it is: what is tried again must not be taken for a repetition
            self._once.forget(principal.project_id, ids)
            raise
        return True

    def _on_committed(self, tickets: Sequence[Ticket], is_kept: bool) -> None:
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

    def health(self) -> dict[str, object]:
        """How full the queue is, how old its oldest part, and what the last attempt to store said."""
        journal = self._journal
        return {
            "status": "ok" if journal.is_open and not journal.last_error and not self.balance.unaccounted else "degraded",
            "queue_bytes": journal.queue_bytes,
            "oldest_segment_age_seconds": round(journal.oldest_age, 1),
            "last_drain_error": journal.last_error,
            "dedupe": self._recall.health(),
            "conservation": {
                "checked_at": self.balance.checked_at.isoformat(),
                "received": self.balance.received,
                **self.balance.settled,
                "dropped_reasons": self.balance.reasons,
                "unaccounted": self.balance.unaccounted,
            },
        }


def _plan_limits(principal: IngestPrincipal) -> PlanLimits:
    return PLANS.get(principal.tenant_plan, PLANS["trial"])
