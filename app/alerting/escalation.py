"""Who is told when nobody answers an alert, and when. Pure: the same functions run live and in simulations.

An answer is waited for from the moment a message leaves. Each step that nobody answered starts the wait anew, until the steps are
used up. An acknowledgement, a resolution or a verdict ends it, and so does the end of the departure itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.alerting.contracts import Candidate, EscalationStep, ScopeKey
from app.alerting.rules import Circumstances, ScopeState, advance, closed
from app.alerting.schedules import Schedule, not_before
from app.alerting.vocabulary import AlertScope


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told in which steps: after each span without an answer, at most `most_steps` times."""

    after: timedelta
    most_steps: int
    destination_ids: tuple[str, ...]
    ignores_quiet_hours: bool = False


def next_step_at(state: ScopeState, escalation: Escalation, schedule: Schedule) -> datetime | None:
    """When the next step is due; None when none is. In quiet hours it is due when they end, unless it ignores them."""
    if not state.is_active or state.waiting_since is None or state.steps >= escalation.most_steps:
        return None
    at = state.waiting_since + escalation.after
    return at if escalation.ignores_quiet_hours else not_before(replace(schedule, digest=None), at)


def stepped(state: ScopeState, at: datetime) -> ScopeState:
    """The memory after a step was taken."""
    return replace(state, waiting_since=at, steps=state.steps + 1)


@dataclass(frozen=True, slots=True)
class Course:
    """What a replay with steps must know beside the rule: the `looks` are the collected buckets in order, `lag` is how long after
    its beginning a bucket is collected."""

    escalation: Escalation
    schedule: Schedule
    looks: Sequence[datetime]
    lag: timedelta
    until: datetime

    def ends_at(self, key: ScopeKey, state: ScopeState) -> datetime | None:
        """When a scope that gives no more candidates is found to be over. A schema drift lasts until somebody triages it."""
        place = bisect_right(self.looks, state.newest_bucket)
        return None if key[0] is AlertScope.SCHEMA or place == len(self.looks) else self.looks[place] + self.lag


def replay_with_steps(
    matching: Iterable[Candidate], cooldown: timedelta, course: Course
) -> tuple[list[Candidate], list[EscalationStep]]:
    """What a rule would have told about, as `rules.replay` says, and the steps that nobody's answer would have stopped."""
    states: dict[ScopeKey, ScopeState] = {}
    told: dict[ScopeKey, Candidate] = {}
    firings: list[Candidate] = []
    steps: list[EscalationStep] = []

    def wait_until(key: ScopeKey, end: datetime) -> None:
        # A step that is due just when the counts are looked at waits for what they say.
        state = states[key]
        while (at := next_step_at(state, course.escalation, course.schedule)) is not None and at < end:
            state = stepped(state, at)
            steps.append(EscalationStep(told[key], state.steps, at))
        states[key] = state

    for candidate in matching:
        key, now = candidate.key, candidate.bucket + course.lag
        if (before := states.get(key)) is not None:
            over = course.ends_at(key, before)
            wait_until(key, now if over is None else min(over, now))
            if over is not None and over < now:
                states[key] = closed(states[key])
        given = Circumstances(now, cooldown, waits_from=not_before(course.schedule, now))
        seen, is_told = advance(states.get(key), candidate, given)
        if is_told:
            firings.append(candidate)
            told[key], seen = candidate, seen.notified(now, candidate.bucket)
        states[key] = seen
    for key, state in list(states.items()):
        over = course.ends_at(key, state)
        wait_until(key, course.until if over is None else min(over, course.until))
    return firings, sorted(steps, key=lambda one: (one.at, one.number))
