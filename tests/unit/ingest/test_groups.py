"""Small requests of one turn of the event loop share a ticket; each of them is answered as if it had come alone."""

from __future__ import annotations

import asyncio
import errno

from app.ingest.journal import Journal
from app.ingest.process import running_pipeline
from app.ingest.tickets import Ticket
from tests.unit.ingest.harness import World, event, principal, serving, until
from tests.unit.ingest.test_wal import FaultyFiles


def watch_tickets(monkeypatch) -> list[list[Ticket]]:
    """The tickets of every commit from now on."""
    seen: list[list[Ticket]] = []
    pipeline = running_pipeline()
    journal = pipeline._journal
    told = journal._on_committed

    def note(tickets, is_kept):
        seen.append(list(tickets))
        told(tickets, is_kept)

    monkeypatch.setattr(journal, "_on_committed", note)
    return seen


def ids(store) -> list[str]:
    return sorted(row["id"] for row in store.events)


def test_requests_that_arrive_together_share_a_ticket(tmp_path, monkeypatch):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            await client.post([event()])
            seen = watch_tickets(monkeypatch)
            answers = await asyncio.gather(*[client.post([event(id=f"{n}-{m}") for m in range(n)]) for n in range(1, 6)])
            assert [answer.body["processed"] for answer in answers] == [1, 2, 3, 4, 5]
            assert [len(ticket.waiters) for tickets in seen for ticket in tickets] == [5]
            await until(lambda: len(world.store.events) == 16)
        assert set(ids(world.store)) >= {f"{n}-{m}" for n in range(1, 6) for m in range(n)}

    asyncio.run(scenario())


def test_a_faulty_event_of_one_request_is_no_matter_of_the_others(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            late = event(id="late", timestamp="1999-01-01T00:00:00.000Z")
            answers = await asyncio.gather(
                client.post([event(id="a")]), client.post([event(id="b"), late]), client.post([event(id="c", user_id=7)])
            )
            assert [answer.body["processed"] for answer in answers] == [1, 1, 1]
            assert [answer.body["failed"] for answer in answers] == [0, 1, 0]
            await until(lambda: len(world.store.events) == 3 and len(world.store.quarantine) == 1)
        assert ids(world.store) == ["a", "b", "c"]

    asyncio.run(scenario())


def test_an_event_that_is_sent_twice_at_the_same_time_is_stored_once(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answers = await asyncio.gather(*[client.post([event(id="same"), event(id=f"own-{n}")]) for n in range(3)])
            assert [answer.body["processed"] for answer in answers] == [2, 2, 2]
            assert sum(answer.body.get("repeated", 0) for answer in answers) == 2
            await until(lambda: len(world.store.events) == 4)
        assert ids(world.store) == ["own-0", "own-1", "own-2", "same"]

    asyncio.run(scenario())


def test_a_failing_disk_refuses_every_request_of_the_group_and_forgets_their_ids(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world, files=FaultyFiles({("flush", 1): errno.EIO})) as client:
            answers = await asyncio.gather(*[client.post([event(id=f"{n}")]) for n in range(4)])
            assert [answer.status for answer in answers] == [503] * 4
            answers = await asyncio.gather(*[client.post([event(id=f"{n}")]) for n in range(4)])
            assert [answer.status for answer in answers] == [200] * 4
            assert all("repeated" not in answer.body for answer in answers)
            await until(lambda: len(world.store.events) == 4)
        assert ids(world.store) == ["0", "1", "2", "3"]

    asyncio.run(scenario())


def test_a_request_that_is_cancelled_takes_no_other_with_it(tmp_path, monkeypatch):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            groups = running_pipeline()._groups
            take_in = groups._take_in
            first, second = (asyncio.create_task(client.post([event(id=name)])) for name in "ab")

            def after_cancelling(group):
                assert len(group.waiters) == 2
                first.cancel()
                return take_in(group)

            monkeypatch.setattr(groups, "_take_in", after_cancelling)
            assert (await second).status == 200
            await until(lambda: len(world.store.events) == 2)

    asyncio.run(scenario())


def test_keys_do_not_mix_and_each_is_counted_on_its_own(tmp_path):
    async def scenario():
        other = principal(key_id="key_2", tenant_id="tenant_2", project_id="project_2")
        world = World(keys={"good": principal(), "other": other})
        async with serving(tmp_path, world) as client:
            await asyncio.gather(
                *[client.post([event(), event(operation="unplanned")], key=key) for key in ("good", "other", "good")]
            )
            hours = {key: counts for (key, _), counts in running_pipeline().key_hours._pending.items()}
            assert {key: (one.requests, one.accepted, one.flagged) for key, one in hours.items()} == {
                "key_1": (2, 2, 2),
                "key_2": (1, 1, 1),
            }
            await until(lambda: len(world.store.events) == 6)
        owners = [(row["tenant_id"], row["project_id"]) for row in world.store.events]
        assert owners.count(("tenant_2", "project_2")) == 2

    asyncio.run(scenario())


def test_a_fault_of_ours_is_told_to_every_request_of_the_group(tmp_path, monkeypatch):
    async def scenario():
        async with serving(tmp_path, World()) as client:
            await client.post([event()])

            def broken(*_):
                raise ZeroDivisionError

            monkeypatch.setattr("app.ingest.acceptance.clean_usual", broken)
            answers = await asyncio.gather(*[client.post([event()]) for _ in range(3)])
            assert [answer.status for answer in answers] == [500] * 3

    asyncio.run(scenario())


def test_a_fault_of_ours_does_not_make_the_next_attempt_a_repetition(tmp_path, monkeypatch):
    """An event that is acknowledged because it came before must have been kept when it came before."""

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            with monkeypatch.context() as patch:
                patch.setattr(Journal, "append_events", lambda *_arguments, **_options: 1 / 0)
                assert (await client.post([event(id="a")])).status == 500
            again = await client.post([event(id="a")])
            assert again.status == 200 and "repeated" not in again.body
        assert [row["id"] for row in world.store.events] == ["a"]

    asyncio.run(scenario())
