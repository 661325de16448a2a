"""How much a tenant may send: requests per minute and events per UTC day (contract A.4).

The minute is a token bucket of this process. The day is booked in the metadata database: exactly what a request needs for small
plans, so that their limit is exact over all processes, a block ahead for larger ones. When the database cannot be asked,
events are let through and booked later: its outage must not lose events, and the key cache bounds how long it can last.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.ingest.repository import return_quota, take_quota, tenant_plan
from app.kernel.errors import TooManyRequests
from app.kernel.telemetry import REGISTRY

RESOURCE: Final = "events"
_MOST_TENANTS: Final = 10_000

UNCHECKED = Counter(
    "plumbline_ingest_quota_unchecked_events_total",
    "Events let through while the quota could not be checked; they are booked later",
    registry=REGISTRY,
)
log = logging.getLogger("plumbline.ingest")


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a tenant plan allows; None is without limit. `block` is how many events are booked ahead."""

    events_per_day: int | None
    requests_per_minute: int | None
    block: int = 0
    anomalies_per_day: int | None = None


PLANS: Final = {
    "trial": PlanLimits(1_000, 60, anomalies_per_day=100),
    "starter": PlanLimits(5_000, 300, anomalies_per_day=500),
    "pro": PlanLimits(20_000, 1_200, block=100, anomalies_per_day=2_000),
    "enterprise": PlanLimits(None, 6_000),
    # The operator's own tenants: set with the command line, not offered through the tenants API.
    "unlimited": PlanLimits(None, None),
}
"""Limits by plan; an unknown plan has those of a trial."""


def plan_limits(tenant_plan: str) -> PlanLimits:
    """The limits of a tenant plan by its name."""
    return PLANS.get(tenant_plan, PLANS["trial"])


def take_anomaly(session: Session, tenant_id: str, now: datetime) -> bool:
    """One anomaly of the tenant's UTC day; False when the day's are used up."""
    limits = plan_limits(tenant_plan(session, tenant_id))
    return take_quota(session, tenant_id, "anomalies", _day_of(now), 1, limits.anomalies_per_day)


def _day_of(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


class MinuteRate:
    """Token buckets by tenant: a full minute's worth at most, refilled evenly."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, tenant_id: str, per_minute: int | None) -> None:
        """One request; TooManyRequests says after how many seconds the next one fits."""
        if per_minute is None:
            return
        now = self._monotonic()
        tokens, filled_at = self._buckets.get(tenant_id, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + (now - filled_at) * per_minute / 60)
        if tokens < 1:
            self._buckets[tenant_id] = (tokens, now)
            seconds = math.ceil((1 - tokens) * 60 / per_minute)
            raise TooManyRequests(f"more than {per_minute} requests per minute", retry_after_seconds=seconds)
        self._buckets[tenant_id] = (tokens - 1, now)
        if len(self._buckets) > _MOST_TENANTS:
            del self._buckets[next(iter(self._buckets))]


@dataclass(slots=True)
class _Lease:
    window_start: datetime
    left: int = 0
    unbooked: int = 0


class DayQuota:
    """Events per UTC day. Takings of one tenant run one after the other."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]]) -> None:
        self._transaction = transaction
        self._leases: dict[str, _Lease] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="ingest-quota")

    async def take(self, tenant_id: str, plan: PlanLimits, events: int, now: datetime) -> None:
        """Book the events, all of them or none; TooManyRequests when they do not fit into what is left of the day."""
        limit = plan.events_per_day
        if limit is None or not events:
            return
        lock = self._locks.setdefault(tenant_id, asyncio.Lock())
        async with lock:
            lease = await self._lease(tenant_id, now)
            if lease.left < events and not await self._extend(tenant_id, lease, plan, events - lease.left):
                tomorrow = lease.window_start + timedelta(days=1)
                raise TooManyRequests(
                    f"the plan allows {limit} events per day", retry_after_seconds=math.ceil((tomorrow - now).total_seconds())
                )
            lease.left -= events

    def give_back(self, tenant_id: str, plan: PlanLimits, events: int, taken_at: datetime) -> None:
        """Undo a taking whose events were not stored. What was taken from a day that is over stays booked there."""
        lease = self._leases.get(tenant_id)
        if plan.events_per_day is not None and lease is not None and lease.window_start == _day_of(taken_at):
            lease.left += events

    async def close(self) -> None:
        """Return what was booked ahead."""
        for tenant_id, lease in self._leases.items():
            await self._settle(tenant_id, lease)
        self._threads.shutdown(wait=True)

    async def _lease(self, tenant_id: str, now: datetime) -> _Lease:
        window_start = _day_of(now)
        lease = self._leases.get(tenant_id)
        if lease is None or lease.window_start != window_start:
            if lease is not None:
                await self._settle(tenant_id, lease)
            lease = self._leases[tenant_id] = _Lease(window_start)
        return lease

    async def _extend(self, tenant_id: str, lease: _Lease, plan: PlanLimits, missing: int) -> bool:
        loop = asyncio.get_running_loop()
        try:
            taken = await loop.run_in_executor(self._threads, self._book, tenant_id, lease, plan, missing)
        except (SQLAlchemyError, OSError) as error:
            log.warning("quota cannot be checked, events are let through", extra={"reason": type(error).__name__})
            UNCHECKED.inc(missing)
            lease.unbooked += missing
            taken = missing
        lease.left += taken
        return taken > 0

    def _book(self, tenant_id: str, lease: _Lease, plan: PlanLimits, missing: int) -> int:
        """How many events were booked: a block when it fits, else exactly what is missing, else none."""
        with self._transaction() as session:
            if lease.unbooked:
                take_quota(session, tenant_id, RESOURCE, lease.window_start, lease.unbooked, None)
            booked = 0
            for amount in dict.fromkeys((max(missing, plan.block), missing)):
                if take_quota(session, tenant_id, RESOURCE, lease.window_start, amount, plan.events_per_day):
                    booked = amount
                    break
        lease.unbooked = 0
        return booked

    async def _settle(self, tenant_id: str, lease: _Lease) -> None:
        if lease.left or lease.unbooked:
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._threads, self._return, tenant_id, lease)
            except (SQLAlchemyError, OSError) as error:
                log.warning("unused quota cannot be returned", extra={"reason": type(error).__name__})

    def _return(self, tenant_id: str, lease: _Lease) -> None:
        with self._transaction() as session:
            if lease.unbooked:
                take_quota(session, tenant_id, RESOURCE, lease.window_start, lease.unbooked, None)
            return_quota(session, tenant_id, RESOURCE, lease.window_start, lease.left)
        lease.left = lease.unbooked = 0
