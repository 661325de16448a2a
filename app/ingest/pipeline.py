"""The ingest of one process: what takes in events and records, its start and stop, and how full it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from app.eventstore.contracts import EventStore
from app.identity.contracts import IngestPrincipal
from app.ingest.acceptance import WAIT_SECONDS, Acceptance, Sources
from app.ingest.kept_answers import KeptAnswers
from app.ingest.key_cache import KeyCache
from app.ingest.outcomes import BOOKS, count_dropped, count_received, count_records
from app.ingest.project_plans import ProjectPlan
from app.ingest.quotas import MinuteRate, plan_limits
from app.ingest.recall import Recall, ids_in
from app.ingest.records import RecordLines
from app.ingest.rules import DAY
from app.ingest.times import milliseconds_of
from app.ingest.wal import LogFiles
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.errors import Unavailable
from app.kernel.settings import Settings
from app.kernel.telemetry import INGEST_QUEUE_BYTES, INGEST_UNACCOUNTED

BALANCE_SECONDS: Final = 60.0
log = logging.getLogger("plumbline.ingest")


class Pipeline(Acceptance):
    """The ingest of one process. Its methods belong to one event loop."""

    def __init__(
        self, settings: Settings, store: EventStore, sources: Sources, *, clock: Clock = SYSTEM_CLOCK, files: LogFiles | None = None
    ) -> None:
        super().__init__(settings, store, sources, clock=clock, files=files)
        self.keys = KeyCache(sources.principal)
        self._recall = Recall(self._once, sources.recent_ids, clock)
        self._rate = MinuteRate()
        self.answers = KeptAnswers(sources.transaction, clock)

    async def start(self) -> None:
        """Take a folder of the log, queue what earlier processes left behind, and open for requests.

        Unavailable when every folder is taken.
        """
        self._loop = asyncio.get_running_loop()
        self._journal.claim()
        await self._recall.begin(ids_in(self._journal.left_behind()))
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

    async def learn(self) -> None:
        """Remember what other processes took in until now. Unavailable while the event store does not answer."""
        await self._recall.learn(self._log_root)

    def check_room(self) -> None:
        """Unavailable when nothing can be accepted: closed, too much undrained, or the disk nearly full."""
        self._journal.check_room()

    def take_request(self, principal: IngestPrincipal) -> None:
        """One request of the tenant's minute; TooManyRequests."""
        self._rate.take(principal.tenant_id, plan_limits(principal.tenant_plan).requests_per_minute)

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

    @asynccontextmanager
    async def charging(self, principal: IngestPrincipal, records: int) -> AsyncIterator[None]:
        """Take the records of another dialect from the tenant's day; they are given back when what follows cannot keep them.

        Errors: TooManyRequests.
        """
        plan, now = plan_limits(principal.tenant_plan), self.clock.now()
        await self._quota.take(principal.tenant_id, plan, records, now)
        try:
            yield
        except Unavailable:
            self._quota.give_back(principal.tenant_id, plan, records, now)
            raise

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
