"""What the page of actors shows, of scores from a real scoring of the real event store."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.errors import NotFound, Unavailable
from app.palette import actor_entries
from app.security.pages.actors_view import ActorsView, Query, actors_view, query_of
from app.security.pages.alerts_view import alerts_view
from app.security.plans import FREE
from app.security.repository import actor_days
from app.security.service import investigation
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


def test_the_unusual_lead_with_what_drove_the_score_and_score_and_period_narrow_the_list(scored):
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
    assert [row.name for row in scored.look(above="99").rows if row.is_unusual] == ["u3"]
    assert "young" not in {row.name for row in scored.look(above="50").rows}
    scored.clock.advance(10 * DAY)
    assert scored.look().rows == [] and scored.look().has_scores
    assert scored.look(days="30").total == 13
    assert scored.look(days="1").total == 13  # the newest day that has scores


def test_an_actor_is_seen_beside_own_days_and_peers_as_far_as_plan_and_store_tell(scored, monkeypatch):
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

    def away(*_arguments):
        raise Unavailable("The event store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(investigation, "plan_of", lambda _plan: FREE)
        profile = scored.look(actor="u3").profile
        assert "own days of the 5 before" in profile.note
        assert profile.alerts_note == "Alerts need the plan pro or enterprise."
        patch.setattr(actor_days, "days_of", away)
        profile = scored.look(actor="u3").profile
        assert profile.is_store_away and profile.features and profile.features[0].spark == ""
    lost = scored.look(actor="nobody").profile
    assert (lost.name, lost.features) == ("nobody", []) and "runs every hour" in lost.problem
    assert lost.alerts_note == "No alert names this actor."


def test_before_the_first_scoring_there_is_nothing(put, clock):
    view = Visitor(put([]), clock).look()
    assert (view.has_scores, view.rows) == (False, [])


def test_alerts_and_the_palette_find_an_actor_of_this_project_only(scored, monkeypatch):
    monkeypatch.setattr("app.palette.SYSTEM_CLOCK", scored.clock)

    def titles(actor_id: str) -> list[str]:
        words = {"status": "all", "severity": "", "alert_type": "", "actor_id": actor_id, "page": 1, "zone": BERLIN}
        with session_scope(write=False) as session:
            return [row.title for row in alerts_view(session, scored.actor, scored.slug, now=scored.clock.now(), **words).rows]

    def found(words: str) -> list[str]:
        with session_scope(write=False) as session:
            return [entry["label"] for entry in actor_entries(session, scored.actor, scored.slug, words)]

    assert (titles("u3"), titles("u4")) == (["Unusual behaviour of u3"], [])
    assert found("YOU") == ["Behaviour of young"]
    assert found("u") == found("oung") == found("yo%") == []
    with session_scope(write=False) as session, pytest.raises(NotFound):
        actors_view(session, scored.actor, "elsewhere", Query(actor="u3"), BERLIN, scored.clock.now())
    scored.clock.advance(8 * DAY)
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
