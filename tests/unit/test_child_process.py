"""When a child is started again, and when its supervisor gives up."""

from __future__ import annotations

from app.child_process import RestartPolicy


def pauses(policy: RestartPolicy, count: int, *, lived_seconds: float, was_up: bool) -> list[float | None]:
    return [policy.after_exit(lived_seconds=lived_seconds, was_up=was_up) for _ in range(count)]


def test_pauses_double_up_to_five_seconds_while_lives_are_short():
    assert pauses(RestartPolicy(), 7, lived_seconds=3, was_up=True) == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_long_life_starts_over_with_the_shortest_pause():
    policy = RestartPolicy()
    pauses(policy, 4, lived_seconds=3, was_up=True)

    assert pauses(policy, 1, lived_seconds=31, was_up=True) == [0.2]
    assert pauses(policy, 2, lived_seconds=3, was_up=True) == [0.2, 0.4]


def test_five_starts_in_a_row_without_an_answer_are_the_end():
    assert pauses(RestartPolicy(), 5, lived_seconds=1, was_up=False) == [0.2, 0.4, 0.8, 1.6, None]


def test_a_child_that_was_up_once_is_never_given_up_for_its_crashes():
    policy = RestartPolicy()
    pauses(policy, 4, lived_seconds=1, was_up=False)

    assert None not in pauses(policy, 20, lived_seconds=1, was_up=True)
