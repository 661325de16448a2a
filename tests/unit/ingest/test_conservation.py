"""The books of received records."""

from __future__ import annotations

import asyncio
import errno
from datetime import UTC, datetime

import pytest

from app.ingest import outcomes
from app.ingest.conservation import Books
from app.ingest.journal import Journal
from app.ingest.process import running_pipeline
from tests.unit.ingest.harness import World, event, serving, until
from tests.unit.ingest.test_wal import FaultyFiles

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_records_under_way_are_no_difference_until_the_look_after_the_next():
    books = Books()
    books.enter(10)
    assert books.balance(NOW).unaccounted == 0
    books.settle("accepted", 7)
    books.enter(5)
    assert books.balance(NOW).unaccounted == 3
    books.settle("dropped", 8, "late")
    balance = books.balance(NOW)
    assert (balance.received, balance.unaccounted, balance.reasons) == (15, 0, {"late": 8})
    assert balance.settled == {"accepted": 7, "flagged": 0, "quarantined": 0, "dropped": 8}


def test_more_that_ended_than_came_is_a_difference_at_once():
    books = Books()
    books.settle("accepted", 2)
    assert books.balance(NOW).unaccounted == -2


@pytest.fixture
def books(monkeypatch) -> Books:
    books = Books()
    monkeypatch.setattr(outcomes, "BOOKS", books)
    monkeypatch.setattr("app.ingest.pipeline.BOOKS", books)
    return books


def test_every_way_a_request_can_end_balances(tmp_path, books):
    async def scenario():
        world = World()
        async with serving(tmp_path, world, max_batch_events=5) as client:
            await client.post([event(id="a"), event(id="b", operation="unplanned"), event(service="")])
            await client.post([event(id="a")])
            await client.post([event(service="")])
            await client.post([event()] * 6)
            await client.post(b"{")
            await client.post([event()], key="wrong")
            await client.post({"resourceLogs": []}, path="/v1/logs")
            await client.post({"resourceLogs": []}, path="/v1/logs", key="wrong")
            await client.post(b"no json", path="/v1/batch")
            await client.post({"batch": [{"type": "track", "event": "x", "userId": "u", "messageId": "m"}]}, path="/v1/batch")
        balance = books.balance(NOW)
        assert balance.received == sum(balance.settled.values()) == 11
        assert balance.settled == {"accepted": 1, "flagged": 2, "quarantined": 2, "dropped": 6}
        assert balance.reasons == {"repeated": 1, "payload_too_large": 1, "bad_request": 2, "unauthorized": 2}

    asyncio.run(scenario())


def test_a_difference_is_looked_for_and_shown(tmp_path, books, monkeypatch):
    monkeypatch.setattr("app.ingest.pipeline.BALANCE_SECONDS", 0.01)

    def forgetful(self, appends, size, error):
        for item in appends:
            for waiter in item.ticket.waiters:
                waiter.set_result(True)

    async def scenario():
        async with serving(tmp_path, World()) as client:
            monkeypatch.setattr(Journal, "_committed", forgetful)
            await client.post([event(), event()])
            await until(lambda: running_pipeline().health()["conservation"]["unaccounted"] == 2)
            assert running_pipeline().health()["status"] == "degraded"

    asyncio.run(scenario())


def test_a_disk_that_fails_leaves_no_difference(tmp_path, books):
    async def scenario():
        files = FaultyFiles({("flush", 1): errno.ENOSPC})
        async with serving(tmp_path, World(), files=files) as client:
            same = [event(id="a"), event(id="b")]
            answers = await asyncio.gather(client.post(same), client.post([*same, event(id="c")]))
            assert {answer.status for answer in answers} == {503}
        balance = books.balance(NOW)
        assert balance.received == sum(balance.settled.values()) == 5

    asyncio.run(scenario())
