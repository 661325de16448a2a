"""Steps that are taken when nobody answers: their times, their number, and what ends them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from app.alerting import rules
from app.alerting.contracts import Candidate
from app.alerting.escalation import Course, Escalation, next_step_at, replay_with_steps, stepped
from app.alerting.rules import ScopeState
from app.alerting.schedules import Digest, QuietHours, Rhythm, Schedule
from app.alerting.vocabulary import AlertDirection, AlertScope

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TWICE = Escalation(HOUR, 2, ("lead",))
ALWAYS = Schedule()
NIGHT = Schedule(quiet=QuietHours(time(22), time(7)))


def departed(
    hour: int, *, lasts: int = 0, way: AlertDirection = AlertDirection.DROP, scope: AlertScope = AlertScope.EVENT
) -> Candidate:
    bucket = START + hour * HOUR
    return Candidate(scope, "paid", "paid", bucket, way, 10, 100, last_bucket=bucket + lasts * HOUR)


def told(at: datetime) -> ScopeState:
    return rules.waiting(rules.first_sight(departed(0)), at)


def replayed(*candidates: Candidate, schedule: Schedule = ALWAYS, escalation: Escalation = TWICE) -> list[tuple[int, float]]:
    course = Course(escalation, schedule, [START + hour * HOUR for hour in range(48)], HOUR, START + 47 * HOUR)
    _, steps = replay_with_steps(candidates, timedelta(hours=6), course)
    return [(one.number, (one.at - START) / HOUR) for one in steps]


def test_a_step_follows_the_one_before_after_the_same_wait_until_they_are_used_up():
    state = told(START)
    first = next_step_at(state, TWICE, ALWAYS)
    second = next_step_at(stepped(state, first), TWICE, ALWAYS)

    assert (first, second) == (START + HOUR, START + 2 * HOUR)
    assert next_step_at(stepped(stepped(state, first), second), TWICE, ALWAYS) is None


def test_an_answer_or_the_end_of_the_departure_ends_the_wait():
    assert next_step_at(rules.answered(told(START)), TWICE, ALWAYS) is None
    assert next_step_at(rules.closed(told(START)), TWICE, ALWAYS) is None
    assert next_step_at(rules.seen_again(told(START), departed(1, way=AlertDirection.SPIKE)), TWICE, ALWAYS) is None


def test_quiet_hours_move_a_step_and_a_digest_does_not():
    late = told(START + 21 * HOUR + HOUR / 2)
    anyway = Escalation(HOUR, 2, ("lead",), ignores_quiet_hours=True)

    assert next_step_at(late, TWICE, NIGHT) == START + 31 * HOUR
    assert next_step_at(late, anyway, NIGHT) == START + 22.5 * HOUR
    assert next_step_at(told(START), TWICE, Schedule(digest=Digest(Rhythm.DAY))) == START + HOUR


def test_a_wait_that_has_begun_is_not_begun_anew_by_the_next_message():
    assert rules.waiting(stepped(told(START), START + HOUR), START + 5 * HOUR).steps == 1


def test_a_departure_is_escalated_for_as_long_as_it_lasts():
    # Bucket 0 is told at hour 1; a bucket is found to be over when the next one is collected, an hour after its beginning.
    assert replayed(departed(0)) == []
    assert replayed(departed(0, lasts=1)) == [(1, 2.0)]
    assert replayed(departed(0, lasts=9)) == [(1, 2.0), (2, 3.0)]
    assert replayed(departed(0, scope=AlertScope.SCHEMA)) == [(1, 2.0), (2, 3.0)]


def test_a_departure_that_comes_back_is_escalated_once_it_is_told_again():
    assert replayed(departed(0, lasts=1), departed(4, lasts=5), departed(12, lasts=2)) == [(1, 2.0), (1, 14.0), (2, 15.0)]
