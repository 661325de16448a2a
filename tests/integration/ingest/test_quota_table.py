"""The booking statement on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from app.ingest.repository import return_quota, take_quota
from app.kernel.database import session_scope
from models.identity import QuotaUsage, Tenant

DAY = datetime(2026, 5, 6, tzinfo=UTC)


def add_tenant(engine) -> None:
    with session_scope(engine) as session:
        session.add(Tenant(id="quota_tenant", name="Tenant", plan="trial"))


def take(engine, amount: int, limit: int | None) -> bool:
    with session_scope(engine) as session:
        return take_quota(session, "quota_tenant", "events", DAY, amount, limit)


def used(engine) -> int:
    with session_scope(engine, write=False) as session:
        row = session.get(QuotaUsage, ("quota_tenant", "events", DAY))
        return row.used if row else 0


def test_bookings_stop_exactly_at_the_limit_and_can_be_returned(engine):
    add_tenant(engine)
    assert not take(engine, 11, 10)
    assert take(engine, 7, 10)
    assert not take(engine, 4, 10)
    assert take(engine, 3, 10)
    assert used(engine) == 10
    assert take(engine, 5, None)
    with session_scope(engine) as session:
        return_quota(session, "quota_tenant", "events", DAY, 6)
    assert used(engine) == 9


def test_bookings_at_the_same_moment_never_pass_the_limit_together(engine):
    add_tenant(engine)
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: take(engine, 3, 50), range(30)))
    assert sum(results) == 16
    assert used(engine) == 48
