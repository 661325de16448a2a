from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.ingest.quotas import PLANS, DayQuota, MinuteRate
from app.kernel.errors import TooManyRequests
from tests.unit.ingest.harness import TENANT, World, quota_engine, used_quota

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture
def world(tmp_path):
    return World(engine=quota_engine(tmp_path / "quota.db"))


def test_the_thousand_of_a_trial_is_exact_and_smaller_batches_still_fit(world):
    async def scenario():
        quota = DayQuota(world.transaction)
        await quota.take(TENANT, PLANS["trial"], 990, NOON)
        with pytest.raises(TooManyRequests) as refused:
            await quota.take(TENANT, PLANS["trial"], 11, NOON)
        assert refused.value.retry_after_seconds == 12 * 3600
        await quota.take(TENANT, PLANS["trial"], 9, NOON)
        await quota.take(TENANT, PLANS["trial"], 1, NOON)
        with pytest.raises(TooManyRequests):
            await quota.take(TENANT, PLANS["trial"], 1, NOON)
        await quota.close()
        assert used_quota(world.engine, MIDNIGHT) == 1000

    asyncio.run(scenario())


def test_a_batch_larger_than_the_day_is_refused_and_costs_nothing(world):
    async def scenario():
        quota = DayQuota(world.transaction)
        with pytest.raises(TooManyRequests):
            await quota.take(TENANT, PLANS["trial"], 1001, NOON)
        await quota.take(TENANT, PLANS["trial"], 1000, NOON)
        await quota.close()

    asyncio.run(scenario())


def test_the_next_day_begins_afresh(world):
    async def scenario():
        quota = DayQuota(world.transaction)
        await quota.take(TENANT, PLANS["trial"], 1000, NOON)
        await quota.take(TENANT, PLANS["trial"], 1000, NOON + timedelta(hours=12))
        await quota.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("plan", ["trial", "pro"])
def test_two_processes_never_pass_the_limit_together(world, plan):
    limit = PLANS[plan].events_per_day

    async def scenario():
        quotas = [DayQuota(world.transaction), DayQuota(world.transaction)]
        stored = 0
        size = limit // 40

        async def send(quota):
            nonlocal stored
            for _ in range(30):
                try:
                    await quota.take(TENANT, PLANS[plan], size, NOON)
                except TooManyRequests:
                    return
                stored += size

        await asyncio.gather(*[send(quota) for quota in quotas for _ in range(2)])
        for quota in quotas:
            await quota.close()
        assert stored <= limit
        assert used_quota(world.engine, MIDNIGHT) == stored
        assert stored >= limit - 2 * PLANS[plan].block - size

    asyncio.run(scenario())


def test_a_larger_plan_books_ahead_and_returns_the_rest(world):
    async def scenario():
        quota = DayQuota(world.transaction)
        for _ in range(30):
            await quota.take(TENANT, PLANS["pro"], 1, NOON)
        assert used_quota(world.engine, MIDNIGHT) == PLANS["pro"].block
        await quota.close()
        assert used_quota(world.engine, MIDNIGHT) == 30

    asyncio.run(scenario())


def test_what_was_not_stored_is_given_back(world):
    async def scenario():
        quota = DayQuota(world.transaction)
        await quota.take(TENANT, PLANS["trial"], 1000, NOON)
        quota.give_back(TENANT, PLANS["trial"], 1000, NOON)
        await quota.take(TENANT, PLANS["trial"], 1000, NOON)
        await quota.close()
        assert used_quota(world.engine, MIDNIGHT) == 1000

    asyncio.run(scenario())


def test_what_was_taken_before_midnight_is_not_given_back_to_the_next_day(world):
    tomorrow = NOON + timedelta(days=1)

    async def scenario():
        quota = DayQuota(world.transaction)
        await quota.take(TENANT, PLANS["trial"], 400, NOON)
        await quota.take(TENANT, PLANS["trial"], 700, tomorrow)
        quota.give_back(TENANT, PLANS["trial"], 400, NOON)
        with pytest.raises(TooManyRequests):
            await quota.take(TENANT, PLANS["trial"], 301, tomorrow)
        await quota.take(TENANT, PLANS["trial"], 300, tomorrow)
        await quota.close()
        assert used_quota(world.engine, MIDNIGHT + timedelta(days=1)) == 1000

    asyncio.run(scenario())


def test_while_the_database_is_down_events_pass_and_are_booked_later(world):
    async def scenario():
        quota = DayQuota(world.transaction)
        world.quota_error = OperationalError("update", {}, Exception("down"))
        await quota.take(TENANT, PLANS["trial"], 700, NOON)
        world.quota_error = None
        await quota.take(TENANT, PLANS["trial"], 200, NOON)
        assert used_quota(world.engine, MIDNIGHT) == 900
        with pytest.raises(TooManyRequests):
            await quota.take(TENANT, PLANS["trial"], 200, NOON)
        await quota.close()

    asyncio.run(scenario())


def test_enterprise_never_asks_the_database(world):
    world.quota_error = OperationalError("update", {}, Exception("down"))

    async def scenario():
        quota = DayQuota(world.transaction)
        await quota.take(TENANT, PLANS["enterprise"], 10**9, NOON)
        await quota.close()

    asyncio.run(scenario())


def test_the_minute_is_a_bucket_that_refills_evenly():
    now = 100.0
    rate = MinuteRate(lambda: now)
    for _ in range(60):
        rate.take(TENANT, 60)
    with pytest.raises(TooManyRequests) as refused:
        rate.take(TENANT, 60)
    assert refused.value.retry_after_seconds == 1
    rate.take("another", 60)
    now += 2.0
    rate.take(TENANT, 60)
    rate.take(TENANT, 60)
    with pytest.raises(TooManyRequests):
        rate.take(TENANT, 60)


def test_the_documented_plans_have_the_documented_limits():
    assert {name: (plan.events_per_day, plan.requests_per_minute) for name, plan in PLANS.items()} == {
        "trial": (1_000, 60),
        "starter": (5_000, 300),
        "pro": (20_000, 1_200),
        "enterprise": (None, 6_000),
        "unlimited": (None, None),
    }
