"""The memory of event ids."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.eventstore.contracts import RecentId
from app.ingest import recall
from app.ingest.once import Once
from app.ingest.process import running_pipeline
from app.ingest.seen_ids import MOST_IDS, SeenIds
from app.ingest.times import milliseconds_of
from app.kernel.clock import SYSTEM_CLOCK
from tests.unit.ingest.harness import PROJECT, World, event, serving, until


@dataclass
class MovingClock:
    ahead: timedelta = timedelta()

    def now(self):
        return SYSTEM_CLOCK.now() + self.ahead


NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


class Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_fresh_ids_are_answered_with_none():
    seen = SeenIds(60)
    assert seen.repeated("p", ["a", "b"]) is None
    seen.remember("p", ["a", "b"])
    assert seen.repeated("p", ["c", "a", "c"]) == [False, True, True]
    assert seen.repeated("q", ["a"]) is None


def test_an_id_is_known_for_at_least_the_time_and_at_most_twice_that():
    now = Time()
    seen = SeenIds(60, now=now)
    now.seconds = 59
    seen.remember("p", ["a"])
    now.seconds = 118
    assert seen.repeated("p", ["a"]) == [True]
    now.seconds = 180
    assert seen.repeated("p", ["a"]) is None
    assert not seen.knows("p", ["a"])


def test_a_flood_shortens_the_memory_and_bounds_it():
    seen = SeenIds(3600, most=100)
    for start in range(0, 1000, 50):
        ids = [str(number) for number in range(start, start + 50)]
        assert seen.repeated("p", ids) is None
        seen.remember("p", ids)
    assert sum(map(len, [*seen._young.values(), *seen._old.values()])) <= 250
    assert seen.knows("p", ["999"])


def test_what_is_forgotten_is_fresh_again():
    seen = SeenIds(60)
    seen.remember("p", ["a", "b"])
    seen.forget("p", ["a"])
    assert seen.repeated("p", ["a", "b"]) == [False, True]


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), max_size=12))
def test_every_id_is_let_through_exactly_once(batches):
    seen = SeenIds(60)
    let_through = []
    for ids in batches:
        marks = seen.repeated("p", ids) or [False] * len(ids)
        fresh = [one for one, mark in zip(ids, marks, strict=True) if not mark]
        seen.remember("p", fresh)
        let_through += fresh
    assert sorted(let_through) == sorted({one for ids in batches for one in ids})


def test_a_memory_that_is_cut_short_by_a_flood_says_how_far_back_it_reaches():
    now = Time()
    seen = SeenIds(600, most=100, now=now)
    seen.reach_back(600)
    reaches = []
    for minute in range(12):
        now.seconds = 60.0 * minute
        ids = [f"{minute}-{number}" for number in range(100 if minute < 4 else 1)]
        seen.repeated("p", ids)
        seen.remember("p", ids)
        reaches.append(seen.reach)
        known = [past for past in range(minute + 1) if seen.knows("p", [f"{past}-0"])]
        assert reaches[-1] >= 60.0 * (minute - known[0]), "no more is known than it says"
        assert all(past in known for past in range(minute + 1) if 60.0 * (minute - past) < reaches[-1]), "and no less"
    assert reaches[0] == 600 and min(reaches) == 60, "two generations of a hundred, one a minute"
    assert reaches[-1] > 400, "it reaches back further again once the flood is over"


def recent(count: int, seconds_between: float = 0.0) -> list[RecentId]:
    return [RecentId("p", str(n), milliseconds_of(NOW - timedelta(seconds=n * seconds_between))) for n in range(count)]


def test_what_is_recalled_is_bounded_and_its_reach_is_told():
    once = Once(10, most=100)
    assert once.stored_lately(lambda since, limit: recent(limit, 2.0), NOW) == recent(100, 2.0)
    once.recall_stored(recent(100, 2.0), NOW)
    assert 197 <= once.reach <= 199, "the oldest of the hundred was received 198 seconds ago"
    assert once.stored_lately(lambda since, limit: 1 / 0, NOW) == []
    assert once.knows("p", ["0", "99"])

    whole = Once(10, most=100)
    whole.recall_log([("p", f"log-{number}") for number in range(30)])
    whole.recall_stored(whole.stored_lately(lambda since, limit: recent(min(limit, 69)), NOW), NOW)
    assert whole.reach == whole.window == 600
    assert whole.knows("p", ["log-0", "68"])


def test_a_restart_recalls_as_many_ids_as_a_process_remembers(tmp_path):
    """More than half of them, and those of before the last restart but one."""
    count = MOST_IDS - 1
    stamp = (datetime.now(UTC) - timedelta(minutes=9)).isoformat(timespec="milliseconds")
    world = World()
    world.store.rows["events"] = [
        {"project_id": PROJECT, "id": str(number), "kind": "event", "received_at": stamp} for number in range(count)
    ]

    async def scenario():
        async with serving(tmp_path, world) as client:
            assert running_pipeline().health()["dedupe"] == {"window_seconds": 600, "reaches_back_seconds": 600}
            answer = await client.post([event(id="0"), event(id=str(count - 1)), event(id="new")])
            assert answer.body["repeated"] == 2

    asyncio.run(scenario())


def test_a_store_that_is_away_at_the_start_is_asked_until_it_answers(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(recall, "RETRY_SECONDS", 0.05)

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            await client.post([event(id="a")])
        world.store.is_down = True
        async with serving(tmp_path, world) as client:
            assert running_pipeline().health()["dedupe"]["reaches_back_seconds"] < 60
            await asyncio.sleep(0.2)
            assert "repeated" not in (await client.post([event(id="other")])).body
            world.store.is_down = False
            await until(lambda: running_pipeline().health()["dedupe"]["reaches_back_seconds"] == 600)
            assert (await client.post([event(id="a")])).body["repeated"] == 1

    asyncio.run(scenario())
    assert sum("not recognised yet" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("step", [timedelta(hours=-3), timedelta(days=-2), timedelta(minutes=9)], ids=str)
def test_a_clock_that_is_set_while_the_process_is_away_hides_no_id(tmp_path, step):
    """Rows that were received in what is the future now are recalled as well; forward the window is the bound."""

    async def scenario():
        world = World(clock=MovingClock())
        async with serving(tmp_path, world) as client:
            await client.post([event(id="a")])
            world.clock.ahead = step
            assert (await client.post([event(id="a")])).body["repeated"] == 1, "the running process minds no clock"
        async with serving(tmp_path, world) as client:
            assert (await client.post([event(id="a")])).body["repeated"] == 1
            assert 0 <= running_pipeline().health()["dedupe"]["reaches_back_seconds"] <= 600
        assert len(world.store.events) == 1

    asyncio.run(scenario())
