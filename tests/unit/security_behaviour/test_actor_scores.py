"""An actor's day against own and others' days."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from app.security.behaviour.actor_scores import score_actor
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


@pytest.fixture(scope="module")
def peers():
    return {f"peer{number}": days(f"peer{number}", number) for number in range(12)}


def test_day_like_the_others_is_not_unusual(peers):
    unusual = 0
    for seed in range(30, 50):
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
        (days("ana", 30), 12, "no event"),
        ([*days("ana", 30, 3, 15), *days("ana", 31, 1, 20)], 12, "3 earlier days"),
        ([*days("ana", 30), *days("ana", 31, 1, 20)], 2, "2 peers"),
    ],
)
def test_too_little_data_is_unknown_with_its_reason(peers, own, keep, reason):
    result = score_actor(own, dict(list(peers.items())[:keep]), TODAY)
    assert result.score is None
    assert reason in result.reason
