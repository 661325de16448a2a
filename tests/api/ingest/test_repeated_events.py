"""What is sent again is stored once: event ids and the `Idempotency-Key` header."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.ingest.fresh_ids import FreshIds
from app.ingest.kept_answers import CLAIM_LASTS, KEPT_FOR
from app.ingest.process import running_pipeline
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from models.ingest import IngestRequest
from models.projects import Project
from tests.factories import make_project
from tests.unit.ingest.harness import World, event, principal, quota_engine, serving, until
from tests.unit.ingest.test_wal import FaultyFiles

KEY = {"idempotency-key": "import-7"}


@dataclass
class MovingClock:
    ahead: timedelta = timedelta()

    def now(self):
        return SYSTEM_CLOCK.now() + self.ahead


@pytest.fixture
def world(engine) -> World:
    with session_scope(engine) as session:
        project = make_project(session)
        session.flush()
        known = session.get_one(Project, project.id)
        owner = principal(tenant_id=known.tenant_id, project_id=known.id)
    return World(keys={"good": owner, "other": principal(project_id="another")}, engine=engine, clock=MovingClock())


def stored(world: World) -> list[str]:
    return sorted(row["id"] for row in world.store.events)


def test_an_event_sent_again_under_its_id_is_answered_and_not_stored(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            first = await client.post([event(id="a"), event(id="b"), event()])
            again = await client.post([event(id="b"), event(id="c"), event(id="c"), event()])
            assert "repeated" not in first.body
            assert (again.status, again.body["processed"], again.body["repeated"]) == (200, 4, 2)
            only_known = await client.post([event(id="a")], query="wait=1")
            assert (only_known.body["processed"], only_known.body["repeated"]) == (1, 1)
        assert len(world.store.events) == 5
        assert [one for one in stored(world) if len(one) == 1] == ["a", "b", "c"]

    asyncio.run(scenario())


def test_the_same_id_of_another_project_is_another_event(tmp_path):
    async def scenario():
        world = World(keys={"good": principal(), "other": principal(project_id="another")})
        async with serving(tmp_path, world) as client:
            await client.post([event(id="a")])
            assert "repeated" not in (await client.post([event(id="a")], key="other")).body
        assert [row["project_id"] for row in world.store.events] == ["project_1", "another"]

    asyncio.run(scenario())


def test_without_a_window_every_event_is_stored(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world, dedupe_minutes=0) as client:
            for _ in range(2):
                assert (await client.post([event(id="a")])).body == {
                    "processed": 1,
                    "failed": 0,
                    "message": "Events processed successfully",
                }
        assert stored(world) == ["a", "a"]

    asyncio.run(scenario())


def test_an_event_that_could_not_be_written_is_not_taken_for_one_that_was(tmp_path):
    async def scenario():
        world = World()
        files = FaultyFiles({("flush", 1): errno.ENOSPC})
        async with serving(tmp_path, world, files=files) as client:
            both = await asyncio.gather(client.post([event(id="a")]), client.post([event(id="a")]))
            assert {answer.status for answer in both} == {503}, "neither may claim what is not on disk"
            assert (await client.post([event(id="a")])).status == 200
        assert stored(world) == ["a"]

    asyncio.run(scenario())


def test_flags_are_counted_for_the_rows_that_are_left(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            await client.post([event(id="a", operation="unknown")])
            await client.post([event(id="a", operation="unknown"), event(id="b", operation="unknown"), event(id="c")])
        assert sorted((row["id"], row["verdict"]) for row in world.store.events) == [
            ("a", "flagged"),
            ("b", "flagged"),
            ("c", "accepted"),
        ]

    asyncio.run(scenario())


def test_a_process_knows_what_the_one_before_it_left_in_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr("app.ingest.journal.STOP_SECONDS", 0.1)

    async def scenario():
        world = World()
        world.store.is_down = True
        async with serving(tmp_path, world) as client:
            await client.post([event(id="a")])
        async with serving(tmp_path, world) as client:
            assert (await client.post([event(id="a")])).body["repeated"] == 1
            world.store.is_down = False
            await until(lambda: bool(world.store.events))
        assert stored(world) == ["a"]

    asyncio.run(scenario())


def test_a_request_sent_again_under_its_key_gets_the_same_answer(tmp_path, world):
    async def scenario():
        async with serving(tmp_path, world) as client:
            first = await client.post([event(), event(service="")], headers=KEY)
            again = await client.post([event(), event(service="")], headers=KEY)
            assert (again.status, again.body) == (first.status, first.body)
            assert first.body["failed"] == 1
            other = await client.post([event(), event()], headers=KEY)
            assert (other.status, other.body["error"]["code"]) == (409, "conflict")
        assert len(world.store.events) == 1
        assert len(world.store.quarantine) == 1

    asyncio.run(scenario())


def test_after_a_day_the_key_is_free_again(tmp_path, world):
    async def scenario():
        async with serving(tmp_path, world, dedupe_minutes=0) as client:
            await client.post([event()], headers=KEY)
            world.clock.ahead = KEPT_FOR + timedelta(seconds=1)
            assert (await client.post([event(), event()], headers=KEY)).body["processed"] == 2

    asyncio.run(scenario())


def test_a_refused_request_leaves_its_key_free(tmp_path, world):
    async def scenario():
        async with serving(tmp_path, world) as client:
            assert (await client.post(b"[", headers=KEY)).status == 400
            assert (await client.post([event()], headers=KEY)).status == 200

    asyncio.run(scenario())


def test_a_request_whose_process_ended_is_taken_over_and_its_events_recognised(tmp_path, world):
    async def scenario():
        async with serving(tmp_path, world) as client:
            body = [event(), event(id="own")]
            await client.post(body, headers=KEY)
            with session_scope(world.engine) as session:  # as if the process had ended before it could keep its answer
                session.get_one(IngestRequest, (world.keys["good"].project_id, "import-7")).answer = None
            under_way = await client.post(body, headers=KEY)
            assert (under_way.status, under_way.body["error"]["code"]) == (409, "conflict")
            world.clock.ahead = CLAIM_LASTS + timedelta(seconds=1)
            taken_over = await client.post(body, headers=KEY)
            assert (taken_over.body["processed"], taken_over.body["repeated"]) == (2, 2)
        assert len(world.store.events) == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "tab\there", "ü"])
def test_a_key_that_is_none_is_refused(tmp_path, world, key):
    async def scenario():
        async with serving(tmp_path, world) as client:
            answer = await client.post([event()], headers={"idempotency-key": key})
            assert (answer.status, answer.body["error"]["code"]) == (400, "invalid_argument")
        assert world.store.events == []

    asyncio.run(scenario())


def test_without_the_database_a_request_with_a_key_is_refused_and_one_without_is_not(tmp_path, world):
    async def scenario():
        world.quota_error = OperationalError("select", {}, Exception("down"))
        async with serving(tmp_path, world) as client:
            answer = await client.post([event()], headers=KEY)
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            assert (await client.post([event()])).status == 200

    asyncio.run(scenario())


def test_seeded_ids_follow_from_the_seed_and_the_order():
    def ids(seed):
        fresh = FreshIds(3, 0, seed)
        return [fresh(), fresh(), fresh()]

    assert ids("a") == ids("a")
    assert len({*ids("a"), *ids("b")}) == 6
    assert all(len(one) == 36 and one[14] == "8" and one[19] in "89ab" for one in ids("a"))


def test_an_event_whose_request_ended_before_it_was_written_is_not_taken_for_one_that_was(tmp_path):
    async def scenario():
        world = World(keys={"good": principal(tenant_plan="trial")}, engine=quota_engine(tmp_path / "quota.db"))
        async with serving(tmp_path / "data", world) as client:
            pipeline = running_pipeline()
            take, is_asked = pipeline._quota.take, asyncio.Event()

            async def never(*_arguments):
                is_asked.set()
                await asyncio.Event().wait()

            pipeline._quota.take = never
            request = asyncio.create_task(client.post([event(id="a")]))
            await is_asked.wait()
            request.cancel()
            await asyncio.wait([request])
            pipeline._quota.take = take
            assert "repeated" not in (await client.post([event(id="a")])).body
        assert stored(world) == ["a"]

    asyncio.run(scenario())
