"""An actor's day against own and others' days."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from datetime import UTC, timedelta

import pytest

from app.security.behaviour.actor_scores import FEATURES, score_actors
from app.security.behaviour.surroundings import device_of
from tests.unit.security_behaviour.scenes import LONDON, NEW_YORK, START, event

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TODAY = (START + 20 * DAY).date()


def days(actor, seed, count=20, start=0):
    chance = random.Random(seed)
    events = []
    for day in range(start, start + count):
        for _ in range(chance.randint(2, 5)):
            at = day * DAY + chance.random() * 6 * HOUR
            events.append(event("auth.login_success", at, actor=actor, ip=f"81.2.{seed}.{chance.randint(1, 2)}", at=LONDON))
        if chance.random() < 0.3:
            events.append(event("data.export", day * DAY + HOUR, actor=actor, ip=f"81.2.{seed}.1", at=LONDON))
    return events


def figures(events):
    """The events as the figures of their days, in the order of FEATURES."""
    grouped = defaultdict(list)
    for one in events:
        grouped[one.at.astimezone(UTC).date()].append(one)
    return {
        day: (
            len(found),
            sum(one.name == "auth.login_failed" for one in found),
            sum(one.name.startswith("data.") for one in found),
            sum(one.name.startswith(("admin.", "authz.")) for one in found),
            len({one.name for one in found}),
            len({one.user_ip for one in found} - {None}),
            len({one.enrichment.country_code for one in found} - {None}),
            len({device_of(one.metadata) for one in found} - {None}),
            sum(one.at.astimezone(UTC).hour < 6 for one in found),
        )
        for day, found in grouped.items()
    }


def score_actor(own, peers, day):
    """The score of one of them."""
    days = {"ana": figures(own), **{name: figures(events) for name, events in peers.items()}}
    assert all(len(row) == len(FEATURES) for found in days.values() for row in found.values())
    return score_actors(days, day)["ana"]


@pytest.fixture(scope="module")
def peers():
    return {f"peer{number}": days(f"peer{number}", number) for number in range(12)}


def test_day_like_the_others_is_not_unusual(peers):
    unusual = 0
    for seed in range(30, 40):
        result = score_actor([*days("ana", seed), *days("ana", seed + 100, 1, 20)], peers, TODAY)
        assert result.score is not None
        unusual += result.is_unusual
    assert unusual == 0


def test_mass_export_at_night_from_abroad_is_unusual_and_says_why(peers):
    night = [event("data.export", 20 * DAY - 8 * HOUR + step * MINUTE, ip="45.1.1.1", at=NEW_YORK) for step in range(60)]
    result = score_actor([*days("ana", 30), *night], peers, night[0].at.date())
    assert result.score >= 99
    assert result.is_unusual
    names = [one.feature for one in result.contributions]
    assert "data access" in names
    assert "events at night (UTC)" in names
    access = next(one for one in result.contributions if one.feature == "data access")
    assert (access.value, access.usual) == (60.0, 0.0)
    assert result == score_actor([*days("ana", 30), *night], peers, night[0].at.date())


@pytest.mark.parametrize(
    ("own", "keep", "reason"),
    [
        ([*days("ana", 30, 3, 15), *days("ana", 31, 1, 20)], 12, "3 earlier days"),
        ([*days("ana", 30), *days("ana", 31, 1, 20)], 2, "2 peers"),
    ],
)
def test_too_little_data_is_unknown_with_its_reason(peers, own, keep, reason):
    result = score_actor(own, dict(list(peers.items())[:keep]), TODAY)
    assert result.score is None
    assert reason in result.reason


def test_actor_without_an_event_on_the_day_has_no_score(peers):
    assert score_actors({name: figures(events) for name, events in peers.items()}, TODAY) == {}


def test_everybody_is_scored_at_once_and_only_the_one_who_is_unusual_is(peers):
    found = {name: figures([*events, *days(name, seed + 100, 1, 20)]) for seed, (name, events) in enumerate(peers.items())}
    night = [event("data.export", 20 * DAY - 8 * HOUR + step * MINUTE, ip="45.1.1.1", at=NEW_YORK) for step in range(60)]
    found["ana"] = figures([*days("ana", 30), *night])
    scores = score_actors(found, night[0].at.date())
    assert [name for name, score in scores.items() if score.is_unusual] == ["ana"]


def test_two_thousand_actors_are_scored_within_seconds():
    chance = random.Random(3)
    row = lambda: tuple(chance.randint(0, 6) for _ in FEATURES)  # noqa: E731
    found = {f"u{number}": {(START + day * DAY).date(): row() for day in range(21)} for number in range(2_000)}
    started = time.process_time()
    scores = score_actors(found, TODAY)
    assert len(scores) == 2_000
    assert sum(score.is_unusual for score in scores.values()) <= 5
    assert time.process_time() - started < 30
