"""What the page of actors shows, of scores from a real scoring of the real event store."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from app.identity.contracts import TenantPlan, UserRole
from app.kernel.database import session_scope
from app.kernel.errors import NotFound, Unavailable
from app.palette import actor_entries
from app.security.pages.actors_view import ActorsView, Query, actors_view, query_of
from app.security.pages.alerts_view import alerts_view
from app.security.repository import actor_days
from jobs import score_actors
from models.projects import Project
from tests.api.security.test_actor_scores import DAY, HOUR, leader, night_of_exports, ordinary, put, record
from tests.factories import make_actor

__all__ = ["leader", "put"]
BERLIN = ZoneInfo("Europe/Berlin")


class Visitor:
    """Somebody who looks at the actors of a project."""

    def __init__(self, scope, clock) -> None:
        self.clock = clock
        with session_scope() as session:
            self.slug = session.exec(select(Project.slug).where(Project.id == scope.project_id)).one()
            self.actor = make_actor(session, UserRole.VIEWER)

    def look(self, **words: str) -> ActorsView:
        with session_scope(write=False) as session:
            return actors_view(session, self.actor, self.slug, query_of(words), BERLIN, self.clock.now())


@pytest.fixture
def scored(put, clock, leader) -> Visitor:
    """Twelve people over twenty days; u3 exported sixty times last night, and `young` came yesterday."""
    now = clock.now()
    young = [record("auth.login_success", now - HOUR * 3, "young")]
    scope = put([*ordinary(now, 12, 20), *night_of_exports(now, "u3"), *young])
    assert score_actors.run(leader) == 1
    return Visitor(scope, clock)


def test_the_unusual_actor_leads_with_what_drove_the_score_and_the_unknown_come_last_with_why(scored):
    view = scored.look()
    first, last = view.rows[0], view.rows[-1]
    assert (first.name, first.is_unusual, first.tone) == ("u3", True, "warn") and float(first.score) >= 99
    assert "data access" in {share.feature for share in first.shares}
    assert all(0 < share.width <= 100 and share.text.endswith("%") for share in first.shares)
    assert first.spark.startswith("M") and first.spark_label.startswith("Scores of 1 day, from ")
    assert first.href == f"/p/{scored.slug}/actors?actor=u3"
    assert (last.name, last.score, last.shares) == ("young", "unknown", [])
    assert last.reason == "The actor has 0 earlier days, 7 are needed."
    assert (view.total, view.first, view.last, view.has_scores, view.is_open) == (13, 1, 13, True, False)


def test_the_list_is_narrowed_by_score_and_by_when_it_was_given(scored, leader):
    assert [row.name for row in scored.look(above="99").rows if row.is_unusual] == ["u3"]
    assert "young" not in {row.name for row in scored.look(above="50").rows}
    scored.clock.advance(10 * DAY)
    assert scored.look().rows == [] and scored.look().has_scores
    assert scored.look(days="30").total == 13
    assert scored.look(days="1").total == 13  # the newest day that has scores


def test_an_actor_is_seen_beside_own_days_and_peers_with_the_alerts(scored):
    profile = scored.look(actor="u3").profile
    assert "of the known days are less unusual than the 24 hours until 25 Nov," in profile.verdict
    named = {row.name: row for row in profile.features}
    assert len(named) == 9 and profile.features[0].share.endswith("%")
    exports = named["Data access"]
    assert (exports.value, exports.usual, exports.peers, exports.most) == ("60", "0", "0", "0")
    events = named["Events"]
    assert float(events.value) >= 62 and 2 <= float(events.usual) <= 5 and 2 <= float(events.peers) <= 5
    assert events.spark.count("M") == 29 and events.spark_label.startswith("Events, by 24 hours: at most 6")
    assert "beside own days of the 28 before and 12 other actors" in profile.note
    assert [alert.title for alert in profile.alerts] == ["Unusual behaviour of u3"] and profile.alerts_note == ""
    assert profile.events_href == f"/p/{scored.slug}/security/events?actor=u3&days=90"
    assert profile.alerts_href == f"/p/{scored.slug}/security/alerts?status=all&actor=u3"


def test_a_plan_shows_only_the_days_it_keeps(security, put, clock, leader, monkeypatch):
    scope = put([*ordinary(clock.now(), 12, 20)])
    score_actors.run(leader)
    visitor = Visitor(scope, clock)
    with session_scope() as session:
        from app.identity import service as identity

        monkeypatch.setattr(identity, "tenant_plan", lambda *_: TenantPlan.FREE)
        assert session is not None
    profile = visitor.look(actor="u1").profile
    assert "own days of the 5 before" in profile.note or "own days of the 6 before" in profile.note
    assert profile.alerts_note == "Alerts need the plan pro or enterprise."


def test_what_is_kept_of_a_score_is_shown_while_the_event_store_is_away(scored, monkeypatch):
    def away(*_arguments):
        raise Unavailable("The event store does not answer")

    monkeypatch.setattr(actor_days, "days_of", away)
    profile = scored.look(actor="u3").profile
    assert profile.is_store_away and profile.features and profile.features[0].spark == ""


def test_somebody_without_a_score_and_a_project_without_any_say_so(scored, put, clock):
    lost = scored.look(actor="nobody").profile
    assert (lost.name, lost.features) == ("nobody", []) and "runs every hour" in lost.problem
    assert lost.alerts_note == "No alert names this actor."


def test_before_the_first_scoring_there_is_nothing(put, clock):
    view = Visitor(put([]), clock).look()
    assert (view.has_scores, view.rows) == (False, [])


def test_actors_of_another_project_are_not_found(scored, security, clock):
    with session_scope(write=False) as session, pytest.raises(NotFound):
        actors_view(session, scored.actor, "elsewhere", Query(actor="u3"), BERLIN, clock.now())


def test_alerts_are_narrowed_to_an_actor(scored):
    def titles(actor_id: str) -> list[str]:
        words = {"status": "all", "severity": "", "alert_type": "", "actor_id": actor_id, "page": 1, "zone": BERLIN}
        with session_scope(write=False) as session:
            return [row.title for row in alerts_view(session, scored.actor, scored.slug, now=scored.clock.now(), **words).rows]

    assert titles("u3") == ["Unusual behaviour of u3"]
    assert titles("u4") == []


def test_the_palette_finds_actors_of_the_last_week_by_the_beginning_of_their_id(scored, monkeypatch):
    monkeypatch.setattr("app.palette.SYSTEM_CLOCK", scored.clock)

    def found(words: str) -> list[str]:
        with session_scope(write=False) as session:
            return [entry["label"] for entry in actor_entries(session, scored.actor, scored.slug, words)]

    assert found("YOU") == ["Behaviour of young"]
    assert found("u") == found("oung") == found("yo%") == []
    scored.clock.advance(timedelta(days=8))
    assert found("you") == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"above": "-1", "days": "365", "page": "x"}, Query()),
        ({"above": "99", "days": "1", "page": "3", "actor": "a\0b"}, Query("99", "1", 3, "ab")),
    ],
)
def test_an_address_that_makes_no_sense_asks_for_what_is_left_of_it(words, expected):
    assert query_of(words) == expected
