"""Ingest keys are asked about again before anybody has to wait for it."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import OperationalError

from app.ingest.key_cache import LIFE_SECONDS, KeyCache
from tests.unit.ingest.harness import principal, until


class Directory:
    """Knows one key; counts how often it is asked."""

    def __init__(self):
        self.now = 100.0
        self.asked = 0
        self.known = principal()
        self.failure = None
        self.cache = KeyCache(self.look_up, lambda: self.now)

    def look_up(self, token):
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return self.known if token == "good" else None


def test_a_busy_key_is_renewed_beside_its_requests():
    async def scenario():
        directory = Directory()
        cache = directory.cache
        assert cache.cached(b"good") is None
        assert await cache.resolve(b"good") is directory.known
        directory.now += LIFE_SECONDS - 0.5
        directory.known = principal()
        before = cache.cached(b"good")
        assert before is not directory.known
        assert cache.cached(b"good") is before  # one question is enough
        await until(lambda: cache.cached(b"good") is directory.known)
        assert directory.asked == 2
        directory.now += LIFE_SECONDS - 2
        assert cache.cached(b"good") is directory.known
        assert directory.asked == 2

    asyncio.run(scenario())


def test_a_revoked_key_stops_working_within_the_life_of_its_entry():
    async def scenario():
        directory = Directory()
        cache = directory.cache
        await cache.resolve(b"good")
        directory.now += LIFE_SECONDS - 0.5
        directory.known = None
        assert cache.cached(b"good") is not None
        await until(lambda: cache.cached(b"good") is None)
        assert directory.asked == 2

    asyncio.run(scenario())


def test_when_nobody_can_be_asked_the_key_works_as_long_as_before():
    async def scenario():
        directory = Directory()
        cache = directory.cache
        known = await cache.resolve(b"good")
        directory.now += LIFE_SECONDS - 0.5
        directory.failure = OperationalError("select", {}, Exception("gone"))
        assert cache.cached(b"good") is known
        await until(lambda: directory.asked == 2)
        await asyncio.sleep(0.01)
        assert cache.cached(b"good") is known
        assert directory.asked == 2
        directory.now += 1
        assert cache.cached(b"good") is None
        assert await cache.resolve(b"good") is known  # within the time of grace

    asyncio.run(scenario())
