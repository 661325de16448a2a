"""The memory of event ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.ingest.seen_ids import SeenIds


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
