"""Requests that come through the door and are read by compiled code, alone or with others."""

from __future__ import annotations

import asyncio
import errno

from app.ingest.compiled_rows import CompiledReader
from tests.unit.ingest.doors import answer, connected, doors, exchange, request
from tests.unit.ingest.harness import World, event, until
from tests.unit.ingest.test_wal import FaultyFiles


class WatchedReader(CompiledReader):
    """Says how many bodies it has read."""

    read_bodies = 0

    def read(self, bodies, reception):
        found = super().read(bodies, reception)
        if found is not None:
            self.read_bodies += sum(count > 0 for count in found[1])
        return found


def many(prefix, **changes):
    return [event(id=f"{prefix}-{number}", user_id="u" * 300, **changes) for number in range(100)]


def test_large_requests_are_read_by_compiled_code(tmp_path):
    async def scenario():
        world, reader = World(), WatchedReader(10_000, 1 << 20)
        async with doors(tmp_path, world, reader) as (port, _, _):
            await exchange(port, request([event()]))
            first = [many("a"), many("b"), many("c", operation="new"), [event(id=f"d-{n}", user_id="é" * 300) for n in range(100)]]
            answers = await asyncio.gather(*[exchange(port, request(batch)) for batch in first])
            assert [found[0][2] for found in answers] == [
                {"processed": 100, "failed": 0, "message": "Events processed successfully"} for _ in first
            ]
            assert reader.read_bodies == 3  # the last one is not ASCII
            mixed = [*many("a")[:60], *many("e")[:60], event(id="late", timestamp="1999-01-01T00:00:00.000Z")]
            ((_, _, again),) = await exchange(port, request(mixed))
            assert (again["processed"], again["failed"], again["repeated"]) == (120, 1, 60)
            await until(lambda: len(world.store.events) == 461)
        flagged = [row["id"] for row in world.store.events if row["verdict"] == "flagged"]
        assert sorted(flagged) == sorted(one["id"] for one in first[2])

    asyncio.run(scenario())


def test_small_requests_of_a_turn_are_read_together_and_unusual_ones_apart(tmp_path):
    async def scenario():
        world, reader = World(), WatchedReader(10_000, 1 << 20)
        async with doors(tmp_path, world, reader) as (port, _, _):
            await exchange(port, request([event()]))
            opened = [await connected(port) for _ in range(6)]
            bodies = [
                [event(id="a"), event(id="b")],
                [event(id="c", user_id=7)],
                [event(id="d", operation="new")],
                [event(id="e", timestamp="1999-01-01T00:00:00.000Z")],
                b"[]",
                [event(id="f")],
            ]
            for (_, writer), body in zip(opened, bodies, strict=True):
                writer.write(request(body))
            answers = [await answer(connection) for connection, _ in opened]
            assert [line.split()[1] for line, _, _ in answers] == ["200", "200", "200", "200", "400", "200"]
            assert [found.get("processed") for _, _, found in answers] == [2, 1, 1, 0, None, 1]
            assert reader.read_bodies == 3
            await until(lambda: len(world.store.events) == 6)

    asyncio.run(scenario())


def test_a_repetition_is_recognised_whoever_reads_it(tmp_path):
    async def scenario():
        world, reader = World(), WatchedReader(10_000, 1 << 20)
        async with doors(tmp_path, world, reader) as (port, _, _):
            await exchange(port, request([event()]))
            batches = [many("a"), many("a"), many("b"), [*many("b"), event(id="c")]]
            answers = [await exchange(port, request(batch)) for batch in batches]
            assert [found[0][2].get("repeated", 0) for found in answers] == [0, 100, 0, 100]
            twice = many("d") + many("d")
            ((_, _, found),) = await exchange(port, request(twice))
            assert (found["processed"], found["repeated"]) == (200, 100)
            await until(lambda: len(world.store.events) == 302)

    asyncio.run(scenario())


def test_large_requests_that_cannot_be_written_may_be_sent_again(tmp_path):
    async def scenario():
        world, files = World(), FaultyFiles({("flush", 2): errno.EIO})
        async with doors(tmp_path, world, WatchedReader(10_000, 1 << 20), files=files) as (port, _, _):
            await exchange(port, request([event()]))
            assert [found[0] for found in await exchange(port, request(many("a")), request(many("a")))] == [
                "HTTP/1.1 503 Service Unavailable",
                "HTTP/1.1 200 OK",
            ]
            await until(lambda: len(world.store.events) == 101)

    asyncio.run(scenario())
