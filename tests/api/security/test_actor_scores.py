"""Actors' days from the event store, scored, kept and told once."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.ingest import service as ingest
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from app.scans import service as scans
from app.security.contracts import ProjectScope
from app.security.service import actor_scoring
from jobs import score_actors
from jobs.leadership import Leadership
from models.projects import Project
from models.security import SecurityActorScore, SecurityAlert

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def record(name: str, at: datetime, actor: str, ip: str = "81.2.69.1", country: str = "GB") -> ingest.Record:
    return ingest.Record(
        kind="security", source="security", name=name, time=at, received_at=at, id=new_id(), actor_id=actor, ip=ip,
        properties={"country_code": country, "metadata": {"user_agent": "Mozilla/5.0 (X11) Firefox/120"}},
    )  # fmt: skip


def ordinary(now: datetime, actors: int, days: int) -> Iterator[ingest.Record]:
    chance = random.Random(11)
    for number in range(actors):
        for day in range(days):
            for _ in range(chance.randint(2, 5)):
                yield record("auth.login_success", now - day * DAY - HOUR * (1 + 4 * chance.random()), f"u{number}")


def night_of_exports(now: datetime, actor: str) -> Iterator[ingest.Record]:
    for step in range(60):
        yield record("data.export", now - 7 * HOUR + step * MINUTE, actor, "45.1.1.1", "US")


@pytest.fixture
def put(event_store, security):
    caller = security()

    def store(records) -> ProjectScope:
        lines = ingest.encode_records("security", caller.tenant_id, caller.project_id, list(records))
        event_store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid.uuid4()))
        return ProjectScope(caller.tenant_id, caller.project_id)

    return store


@pytest.fixture
def leader(clock) -> Leadership:
    return Leadership(scans.Holder("leader", 1, "test"), 3600, clock)


def scores_of(scope) -> dict[str, SecurityActorScore]:
    with session_scope(write=False) as session:
        rows = session.exec(select(SecurityActorScore).where(SecurityActorScore.project_id == scope.project_id)).all()
        return {row.actor_id: row for row in rows}


def alerts_of(scope) -> list[SecurityAlert]:
    with session_scope(write=False) as session:
        return list(session.exec(select(SecurityAlert).where(SecurityAlert.project_id == scope.project_id)).all())


def test_unusual_day_is_one_alert_that_says_why_however_often_and_by_whom_it_is_looked_at(put, clock, leader):
    now = clock.now()
    scope = put([*ordinary(now, 12, 20), *night_of_exports(now, "u3")])
    assert score_actors.run(leader) == 1
    [alert] = alerts_of(scope)
    assert (alert.alert_type, alert.severity, alert.actor_id) == ("suspicious_activity", "medium", "u3")
    features = [one["feature"] for one in alert.details["contributions"]]
    assert "data access" in features
    assert "data access 60 (usually 0)" in alert.description
    kept = scores_of(scope)
    assert kept["u3"].is_unusual
    assert kept["u3"].alert_id == alert.id
    assert [name for name, row in kept.items() if row.is_unusual] == ["u3"]
    for _ in range(5):
        clock.advance(4 * HOUR)  # into the next day, with the same exports in view
        assert score_actors.run(leader) == 0
    assert len(alerts_of(scope)) == 1


def test_burst_two_days_later_is_an_alert_of_its_own(put, clock, leader):
    now = clock.now()
    scope = put([*ordinary(now + 2 * DAY, 12, 22), *night_of_exports(now, "u3"), *night_of_exports(now + 2 * DAY, "u3")])
    assert score_actors.run(leader) == 1
    clock.advance(2 * DAY)
    assert score_actors.run(leader) == 1
    assert len(alerts_of(scope)) == 2


def test_scores_seen_by_two_looks_at_once_raise_one_alert(put, clock):
    now = clock.now()
    scope = put([*ordinary(now, 12, 20), *night_of_exports(now, "u3")])
    first, second = actor_scoring.look(scope, now), actor_scoring.look(scope, now)
    for scoring in (first, second):
        with session_scope() as session:
            actor_scoring.keep(session, scoring, now)
    assert [alert.occurrences for alert in alerts_of(scope)] == [1]


def test_too_little_history_is_kept_as_unknown_with_its_reason(put, clock, leader):
    scope = put(ordinary(clock.now(), 3, 4))
    assert score_actors.run(leader) == 0
    kept = scores_of(scope)
    assert {row.score for row in kept.values()} == {None}
    assert "3 earlier days, 7 are needed" in kept["u0"].reason


def test_only_the_leader_scores(put, clock, leader):
    scope = put(ordinary(clock.now(), 3, 4))
    leader.renew()
    assert score_actors.run(Leadership(scans.Holder("follower", 2, "test"), 3600, clock)) == 0
    assert scores_of(scope) == {}


def test_scores_are_read_by_members_of_the_project_only(put, clock, leader, client, member):
    now = clock.now()
    scope = put([*ordinary(now, 12, 20), *night_of_exports(now, "u3")])
    score_actors.run(leader)
    with session_scope(write=False) as session:
        slug = session.exec(select(Project.slug).where(Project.id == scope.project_id)).one()
    headers = member(UserRole.VIEWER).headers
    answer = client.get(f"/api/v1/projects/{slug}/actor-scores", headers=headers)
    assert answer.status_code == 200
    assert answer.json()[0]["actor_id"] == "u3"
    assert len(answer.json()) == 12
    assert client.get(f"/api/v1/projects/{slug}/actor-scores?day=2020-01-01", headers=headers).json() == []
    assert client.get(f"/api/v1/projects/{slug}/actor-scores").status_code == 401
