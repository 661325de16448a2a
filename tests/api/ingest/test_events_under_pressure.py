"""POST /v1/events when something runs out or breaks: the store, the quota, the queue, the disk, the database."""

from __future__ import annotations

import asyncio
import errno
import time

import pytest
from sqlalchemy.exc import OperationalError

from app.ingest import asgi
from tests.unit.ingest.harness import World, event, principal, quota_engine, serving, until
from tests.unit.ingest.test_wal import FaultyFiles

DATABASE_DOWN = OperationalError("select", {}, Exception("down"))


def run(scenario):
    asyncio.run(scenario)


def test_stored_events_survive_a_store_that_is_down_and_are_stored_once_when_it_returns(tmp_path):
    async def scenario():
        world = World()
        world.store.is_down = True
        async with serving(tmp_path, world) as client:
            for number in range(5):
                assert (await client.post([event(id=str(number))])).status == 200
            await until(lambda: world.store.calls > 1)
            world.store.is_down = False
            await until(lambda: len(world.store.events) == 5)
        assert sorted(row["id"] for row in world.store.events) == list("01234")

    run(scenario())


def test_over_the_minutes_rate_the_answer_is_429_with_the_time_to_wait(tmp_path):
    async def scenario():
        world = World(keys={"good": principal(tenant_plan="trial")}, engine=quota_engine(tmp_path / "quota.db"))
        async with serving(tmp_path / "data", world) as client:
            answers = [await client.post([event()], chunks=3) for _ in range(60)]
            # Every second that this takes lets another one in.
            while answers[-1].status == 200 and len(answers) < 600:
                answers.append(await client.post([event()], chunks=3))
        assert len(answers) > 60
        assert [answer.status for answer in answers] == [200] * (len(answers) - 1) + [429]
        assert answers[-1].headers["retry-after"] == "1"
        assert answers[-1].body["error"]["code"] == "rate_limit_exceeded"

    run(scenario())


def test_the_request_that_crosses_the_daily_quota_stores_nothing_and_a_smaller_one_still_fits(tmp_path):
    async def scenario():
        world = World(keys={"good": principal(tenant_plan="trial")}, engine=quota_engine(tmp_path / "quota.db"))
        async with serving(tmp_path / "data", world) as client:
            assert (await client.post([event()] * 995)).status == 200
            refused = await client.post([event()] * 6)
            assert refused.status == 429 and 0 < refused.body["error"]["retry_after_seconds"] <= 86_400
            assert (await client.post([event()] * 5)).status == 200
            assert (await client.post([event()])).status == 429
        assert len(world.store.events) == 1000

    run(scenario())


def test_a_full_queue_is_refused_with_503_until_the_store_catches_up(tmp_path):
    async def scenario():
        world = World()
        world.store.is_down = True
        async with serving(tmp_path, world, max_queue_bytes=1_048_576) as client:
            filler = [event(custom_attributes={"x": "y" * 100_000}) for _ in range(8)]
            statuses = [(await client.post(filler)).status for _ in range(5)]
            assert statuses[0] == 200 and statuses[-1] == 503
            stored = 8 * statuses.count(200)
            world.store.is_down = False
            await until(lambda: len(world.store.events) == stored)
            await until(lambda: asgi.ingest_health()["queue_bytes"] == 0)
            assert (await client.post([event()])).status == 200

    run(scenario())


def test_a_nearly_full_disk_is_refused_with_503(tmp_path):
    async def scenario():
        async with serving(tmp_path, World(), min_free_disk_bytes=2**60) as client:
            answer = await client.post([event()])
            assert answer.status == 503 and "disk" in answer.body["error"]["message"]

    run(scenario())


@pytest.mark.parametrize("operation", ["write", "flush", "create"])
def test_a_failing_disk_refuses_the_waiting_requests_and_the_next_ones_work(tmp_path, operation):
    async def scenario():
        world = World(keys={"good": principal(tenant_plan="trial")}, engine=quota_engine(tmp_path / "quota.db"))
        files = FaultyFiles({(operation, 1): errno.ENOSPC})
        async with serving(tmp_path / "data", world, files=files) as client:
            assert (await client.post([event(id=f"lost{number}") for number in range(1000)])).status == 503
            kept = [event(id=f"kept{number}") for number in range(1000)]
            assert (await client.post(kept)).status == 200, "the refused events cost no quota"
        assert {row["id"] for row in world.store.events} == {one["id"] for one in kept}

    run(scenario())


def test_log_records_that_a_failing_disk_refused_cost_no_quota(tmp_path):
    now = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "late"}}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [now] * 1000}]}]}

    async def scenario():
        world = World(keys={"good": principal(tenant_plan="trial")}, engine=quota_engine(tmp_path / "quota.db"))
        async with serving(tmp_path / "data", world, files=FaultyFiles({("flush", 1): errno.ENOSPC})) as client:
            statuses = [(await client.post(logs, path="/v1/logs")).status for _ in range(3)]
        assert statuses == [503, 200, 429]

    run(scenario())


def test_what_a_stopped_process_left_is_stored_by_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr("app.ingest.journal.STOP_SECONDS", 0.1)

    async def scenario():
        world = World()
        world.store.is_down = True
        async with serving(tmp_path, world) as client:
            assert (await client.post([event(id="a"), event(id="b", duration=-1)])).status == 200
        assert world.store.events == [] and list(tmp_path.rglob("*.wal"))
        world.store.is_down = False
        async with serving(tmp_path, world):
            await until(lambda: not list(tmp_path.rglob("*.wal")))
        assert [row["id"] for row in world.store.events] == ["a"] and len(world.store.quarantine) == 1

    run(scenario())


def test_a_revoked_key_stops_working_and_a_known_one_outlives_a_database_outage(tmp_path, monkeypatch):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post([event()])).status == 200
            monkeypatch.setattr("app.ingest.key_cache.LIFE_SECONDS", 0.0)
            world.key_error = DATABASE_DOWN
            assert (await client.post([event()])).status == 200
            assert (await client.post([event()], key="another")).status == 503
            world.key_error = None
            world.keys.clear()
            assert (await client.post([event()])).status == 401

    run(scenario())
