"""When a group of requests closes, and whom it tells what."""

from __future__ import annotations

import asyncio

import pytest

from app.ingest.compiled_rows import TOGETHER_BYTES
from app.ingest.groups import BodyGroup, Groups
from app.ingest.project_plans import ProjectPlan
from tests.unit.ingest.harness import principal


class Log:
    """Takes bodies in; those in `unusual` are left."""

    def __init__(self):
        self.is_busy = False
        self.failure = None
        self.unusual = ()
        self.taken = []
        self.groups = Groups(BodyGroup, self.take_in, lambda: self.is_busy)

    def take_in(self, group):
        if self.failure is not None:
            raise self.failure
        self.taken.append(group.bodies)
        return [waiter for waiter, body in zip(group.waiters, group.bodies, strict=True) if body in self.unusual]

    def send(self, body, who=None):
        waiter = asyncio.get_running_loop().create_future()
        group = self.groups.of(who or WHO, PLAN)
        if group.add(body, waiter):
            self.groups.close(group)
        return waiter


WHO, OTHER, PLAN = principal(), principal(), ProjectPlan(frozenset())


async def turn():
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def test_the_requests_of_a_turn_are_one_group_for_each_key():
    async def scenario():
        log = Log()
        for body, who in ((b"a", WHO), (b"b", OTHER), (b"c", WHO)):
            log.send(body, who)
        assert log.taken == []
        await turn()
        assert log.taken == [[b"a", b"c"], [b"b"]]

    asyncio.run(scenario())


def test_while_the_log_is_busy_more_join_until_it_is_done():
    async def scenario():
        log = Log()
        log.is_busy = True
        log.send(b"a")
        await turn()
        log.send(b"b")
        await turn()
        assert log.taken == []
        log.groups.release()
        assert log.taken == []  # those who waited for the log are told first
        await turn()
        assert log.taken == [[b"a", b"b"]]
        log.groups.release()
        await turn()
        assert log.taken == [[b"a", b"b"]]

    asyncio.run(scenario())


def test_a_full_group_waits_for_nothing():
    async def scenario():
        log = Log()
        log.is_busy = True
        log.send(b"a")
        await turn()
        log.send(b"b" * TOGETHER_BYTES)
        assert [len(bodies) for bodies in log.taken] == [2]
        log.send(b"c")
        log.groups.release()
        await turn()
        assert log.taken[1:] == [[b"c"]]

    asyncio.run(scenario())


@pytest.mark.parametrize("failure", [None, ValueError("a fault of ours")])
def test_whoever_is_left_is_told(failure):
    async def scenario():
        log = Log()
        log.failure, log.unusual = failure, (b"b",)
        gone, usual, unusual = (log.send(body) for body in (b"b", b"a", b"b"))
        gone.cancel()
        await turn()
        if failure is None:
            assert not usual.done()
            assert unusual.result() is False
        else:
            assert usual.exception() is unusual.exception() is failure

    asyncio.run(scenario())
