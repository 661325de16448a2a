"""What the pages of security show of a real attack, read from the real stores."""

from __future__ import annotations

import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from sqlmodel import select

from app.identity.contracts import TenantPlan, UserRole
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest, Forbidden, NotFound
from app.security.contracts import Finding, SecurityEvent
from app.security.intelligence import Databases, lookup
from app.security.pages.alert_view import Driver, alert_page
from app.security.pages.alerts_view import alerts_view
from app.security.pages.event_moments import to_instants, to_local
from app.security.pages.events_view import Query, events_view, query_of
from app.security.pages.overview_view import security_view
from app.security.refusals import PlanRestricted
from app.security.service import triage
from app.security.service.alerts import Change, raise_alert
from models.projects import Project
from models.security import SecurityAlert
from tests.factories import make_actor

NEW_YORK, LONDON, TOR = "12.34.56.78", "81.2.69.160", "185.220.101.4"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def located(tmp_path, monkeypatch):
    folder = tmp_path / "geo"
    folder.mkdir()
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="DBIP-City-Lite", float_type="f64")
    for network, country, city, latitude, longitude in (
        ("12.34.56.0/24", "US", "New York", 40.7128, -74.0060),
        ("81.2.69.0/24", "GB", "London", 51.5074, -0.1278),
        ("185.220.101.0/24", "DE", "Berlin", 52.5, 13.4),
    ):
        record = {"country_code": country, "city": city, "latitude": latitude, "longitude": longitude}
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(folder / "city.mmdb"))
    (folder / "tor-exits.txt").write_text("185.220.101.4\n")
    files = Databases(folder)
    monkeypatch.setattr(lookup, "installed_databases", lambda: files)


class Looker:
    """Somebody who looks at the project of the caller."""

    def __init__(self, caller, clock, role: UserRole = UserRole.EDITOR) -> None:
        self.clock, self.project_id = clock, caller.project_id
        with session_scope() as session:
            self.slug = session.exec(select(Project.slug).where(Project.id == caller.project_id)).one()
            self.actor = make_actor(session, role)

    def read(self, view, *arguments, **more):
        with session_scope(write=False) as session:
            return view(session, self.actor, self.slug, *arguments, now=self.clock.now(), **more)

    def write(self, alert_id: str, change: Change):
        with session_scope() as session:
            return triage.change_alert(session, self.actor, self.slug, alert_id, change, self.clock.now())

    def alert_of(self, alert_type: str) -> SecurityAlert:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with session_scope(write=False) as session:
                query = select(SecurityAlert).where(SecurityAlert.project_id == self.project_id)
                found = session.exec(query.where(SecurityAlert.alert_type == alert_type)).first()
            if found is not None:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no alert {alert_type} came")


def attack(caller, clock) -> None:
    """Ana signs in from New York, is tried from a Tor exit, and then signs in from London, where everything is deleted."""
    ana = {"id": "ana", "email": "ana@example.com"}
    caller.collect("auth.login_success", actor=ana, user_ip=NEW_YORK)
    for number in range(5):
        clock.advance(timedelta(seconds=20))
        caller.collect("auth.login_failed", actor={"id": f"user{number}"}, user_ip=TOR)
    clock.advance(timedelta(minutes=25))
    caller.collect("auth.login_success", actor=ana, user_ip=LONDON, metadata={"user_agent": "curl/8"})
    clock.advance(timedelta(seconds=30))
    caller.collect("data.bulk_delete", actor=ana, user_ip=LONDON, metadata={"rows": 4000})
    clock.advance(timedelta(seconds=1))


@pytest.fixture
def attacked(security, clock, located):
    caller = security(TenantPlan.PRO)
    attack(caller, clock)
    looker = Looker(caller, clock)
    for alert_type in ("brute_force_attack", "impossible_travel", "geo_anomaly", "data_exfiltration"):
        looker.alert_of(alert_type)
    return looker


def test_overview_tells_where_who_and_through_what(attacked):
    view = attacked.read(security_view, 1, BERLIN)
    assert (view.critical, view.failed, view.events) == ("1", "5", "8")
    assert view.alert_bars.total == 4 and view.event_bars.total == 8
    assert [(row.name, row.succeeded, row.failed) for row in view.places] == [
        ("Berlin, DE", "0", "5"),
        ("New York, US", "1", "0"),
        ("London, GB", "1", "0"),
    ]
    assert (view.map.dots[0].tone, view.map.dots[0].size) == ("bad", "34px")
    assert (view.top_actors[0].name, view.top_actors[0].email, view.top_actors[0].grave) == ("ana", "ana@example.com", "1")
    tor = view.top_networks[0]
    assert (tor.name, [mark.text for mark in tor.marks]) == (TOR, ["Tor"]) and int(tor.score) >= 50
    assert view.moments[0].title == "Critical event data.bulk_delete"
    assert [moment.title for moment in view.moments if not moment.is_alert] == []
    assert view.geo.has_places and view.geo.is_by_db_ip and "DBIP-City-Lite" in view.geo.text


def test_overview_without_a_database_says_so_and_locates_nothing(security, clock, tmp_path, monkeypatch):
    monkeypatch.setattr(lookup, "installed_databases", lambda: Databases(tmp_path / "nothing"))
    caller = security(TenantPlan.PRO)
    caller.collect("auth.login_success", actor={"id": "ana"}, user_ip=LONDON)
    view = Looker(caller, clock).read(security_view, 7, BERLIN)
    assert view.has_events and not view.geo.has_places and not view.geo.is_by_db_ip
    assert (view.places, view.map.dots, view.top_networks[0].name) == ([], [], LONDON)


def test_overview_of_the_free_plan_hides_alerts_places_and_networks(security, clock, located):
    caller = security(TenantPlan.FREE)
    caller.collect("data.bulk_delete", actor={"id": "ana"}, user_ip=LONDON)
    looker = Looker(caller, clock, UserRole.OWNER)
    view = looker.read(security_view, 30, BERLIN)
    assert (view.has_alert_plan, view.places, view.top_networks) == (False, [], [])
    assert view.retention_note == "The plan free shows 7 days."
    assert [moment.title for moment in view.moments] == ["data.bulk_delete"]
    assert view.origins_note.startswith("One a line, at most 1")
    with pytest.raises(PlanRestricted):
        looker.read(alerts_view, status="open", severity="", alert_type="", page=1, zone=BERLIN)
    event = looker.read(events_view, Query(), BERLIN).rows[0]
    assert (event.place, event.marks) == ("GB", [])


def test_an_empty_project_has_nothing_to_show(security, clock, located):
    view = Looker(security(TenantPlan.PRO), clock).read(security_view, 7, BERLIN)
    assert (view.has_events, view.moments, view.map.summary) == (False, [], "No sign-in could be located.")


def test_list_of_alerts_is_narrowed_by_status_severity_and_type(attacked):
    def listed(**words: str) -> list[str]:
        chosen = {"status": "open", "severity": "", "alert_type": "", **words}
        return [row.kind for row in attacked.read(alerts_view, **chosen, page=1, zone=BERLIN).rows]

    assert set(listed()) == {"Data exfiltration", "Impossible travel", "Unusual country", "Brute force"}
    assert listed()[0] == "Data exfiltration"
    assert listed(severity="critical") == ["Data exfiltration"]
    assert listed(alert_type="impossible_travel") == ["Impossible travel"]
    assert listed(status="resolved") == []
    assert len(listed(status="all")) == 4


def test_impossible_travel_shows_both_places_the_way_and_the_speed(attacked):
    page = attacked.read(alert_page, attacked.alert_of("impossible_travel").id, BERLIN)
    assert (page.travel.start, page.travel.stop) == ("New York, US", "London, GB")
    assert page.travel.distance == "5,570\u00a0km"
    assert page.travel.time == "27\u00a0min"
    assert page.travel.speed.endswith("km/h")
    assert [dot.label for dot in page.map.dots] == ["New York, US", "London, GB"]
    assert page.map.route.startswith("M")
    assert page.is_by_db_ip
    assert [(line.name, line.address, line.is_evidence) for line in page.lines] == [
        ("data.bulk_delete", LONDON, False),
        ("auth.login_success", LONDON, True),
        ("auth.login_success", NEW_YORK, True),
    ]


def test_brute_force_of_an_address_shows_the_address_with_its_failures_in_one_line(attacked):
    page = attacked.read(alert_page, attacked.alert_of("brute_force_attack").id, BERLIN)
    assert page.lines_note.startswith(TOR)
    assert sum(int((line.times or "1×").rstrip("×")) for line in page.lines) == 5
    assert {line.name for line in page.lines} == {"auth.login_failed"} and len(page.lines) <= 2


def test_an_unusual_day_shows_the_features_behind_it(security, clock):
    caller = security(TenantPlan.PRO)
    looker = Looker(caller, clock)
    event = SecurityEvent("e1", "data.export", clock.now(), "medium", actor_id="ana")
    contributions = [{"feature": "data access", "value": 4000.0, "usual": 2.5, "share": 0.834}, {"feature": "broken"}]
    details = {"rule": "actor_score", "score": 99.6, "contributions": contributions}
    with session_scope() as session:
        finding = Finding("suspicious_activity", "medium", "Unusual behaviour of ana", "Much.", "ana day", details)
        alert_id = raise_alert(session, caller.project_id, event, finding)
    page = looker.read(alert_page, alert_id, BERLIN)
    assert page.drivers == [Driver("Data access", "4,000", "2.5", "83\u00a0%")]
    assert "Contributions" not in {fact.name for fact in page.facts}


def test_an_alert_is_acknowledged_resolved_and_reopened_with_a_trace(attacked):
    alert = attacked.alert_of("brute_force_attack")
    attacked.write(alert.id, Change("acknowledged"))
    page = attacked.read(alert_page, alert.id, BERLIN)
    assert (page.status_text, page.closing) == ("Acknowledged", "")
    attacked.write(alert.id, Change("resolved", "blocked_ip", "Blocked at the edge"))
    page = attacked.read(alert_page, alert.id, BERLIN)
    assert page.closing.startswith(f"Resolved by {attacked.actor.name} on 25 Nov,") and page.closing.endswith("address blocked.")
    assert page.notes == "Blocked at the edge"
    attacked.write(alert.id, Change("open"))
    reopened = attacked.read(triage.get_alert, alert.id)
    assert (reopened.status, reopened.resolved_at, reopened.resolved_by) == ("open", None, None)


def test_an_acknowledged_alert_still_takes_the_events_of_its_incident(security, clock):
    caller = security(TenantPlan.PRO)
    looker = Looker(caller, clock)
    caller.collect("data.bulk_delete", actor={"id": "ana"})
    alert = looker.alert_of("data_exfiltration")
    looker.write(alert.id, Change("acknowledged"))
    clock.advance(timedelta(minutes=5))
    caller.collect("data.bulk_delete", actor={"id": "ana"})
    found = looker.read(triage.get_alert, alert.id)
    assert (found.occurrences, found.status) == (2, "acknowledged")
    assert looker.read(triage.list_alerts, limit=10, offset=0)[1] == 1


def test_viewers_may_look_but_not_change(security, clock):
    caller = security(TenantPlan.PRO)
    viewer = Looker(caller, clock, UserRole.VIEWER)
    caller.collect("data.bulk_delete", actor={"id": "ana"})
    alert = viewer.alert_of("data_exfiltration")
    page = viewer.read(alert_page, alert.id, BERLIN)
    assert not page.can_change
    with pytest.raises(Forbidden):
        viewer.write(alert.id, Change("resolved"))


def test_changes_that_mean_nothing_are_refused(security, clock):
    caller = security(TenantPlan.PRO)
    looker = Looker(caller, clock)
    caller.collect("data.bulk_delete", actor={"id": "ana"})
    alert = looker.alert_of("data_exfiltration")
    for change in (Change("closed"), Change("resolved", "magic"), Change("resolved", None, "x" * 10_001)):
        with pytest.raises(BadRequest):
            looker.write(alert.id, change)
    assert looker.read(triage.get_alert, alert.id).status == "open"


def test_alerts_of_another_project_are_not_found(security, clock):
    mine, theirs = security(TenantPlan.PRO), security(TenantPlan.PRO)
    theirs.collect("data.bulk_delete", actor={"id": "ana"})
    alert = Looker(theirs, clock).alert_of("data_exfiltration")
    with pytest.raises(NotFound):
        Looker(mine, clock).read(alert_page, alert.id, BERLIN)
    assert Looker(mine, clock).read(events_view, Query(), BERLIN).total == 0


def test_explorer_narrows_by_every_word_and_counts_what_else_there_is(attacked):
    view = attacked.read(events_view, query_of({"country": "de"}), BERLIN)
    assert (view.total, {row.address for row in view.rows}) == (5, {TOR})
    facets = {facet.name: [(word.word, word.count) for word in facet.words] for facet in view.facets}
    assert facets["country"] == [("DE", "5"), ("GB", "2"), ("US", "1")]
    assert facets["event"] == [("auth.login_failed", "5")]
    assert len(facets["actor"]) == 5
    assert [word.word for facet in view.facets for word in facet.words if word.is_chosen] == ["DE"]
    assert [chip.text for chip in view.chips] == ["Country: DE"]
    for words, total in (
        ({"actor": "ana"}, 3),
        ({"ip": LONDON}, 2),
        ({"severity": "critical"}, 1),
        ({"event": "Auth.Login_Success"}, 2),
        ({"actor": "ana", "ip": TOR}, 0),
    ):
        assert attacked.read(events_view, query_of(words), BERLIN).total == total, words


def test_a_page_beyond_the_end_is_the_last_one(attacked):
    events = attacked.read(events_view, Query(page=99), BERLIN)
    assert (events.page, events.first, events.last, events.total) == (1, 1, 8, 8)
    alerts = attacked.read(alerts_view, status="all", severity="", alert_type="", page=99, zone=BERLIN)
    assert (alerts.page, alerts.first, alerts.last, alerts.total) == (1, 1, 4, 4)


def test_a_search_that_ends_before_it_begins_is_told_so(attacked):
    backwards = attacked.read(events_view, Query(since="2026-02-02T10:00", until="2026-02-01T10:00"), BERLIN)
    assert any("ends before it begins" in note for note in backwards.notes)


def test_explorer_takes_times_of_the_viewer_and_includes_the_last_minute(attacked):
    # 09:30 UTC is 10:30 in Berlin; the failed sign-ins follow within two minutes.
    view = attacked.read(events_view, query_of({"from": "2026-11-25T10:31", "to": "2026-11-25T10:31"}), BERLIN)
    assert {row.name for row in view.rows} == {"auth.login_failed"} and view.total == 3
    assert [chip.text for chip in view.chips] == ["From 2026-11-25 10:31", "To 2026-11-25 10:31"]


def test_explorer_opens_an_event_with_what_is_known_of_its_address(attacked):
    row = attacked.read(events_view, query_of({"ip": TOR}), BERLIN).rows[0]
    view = attacked.read(events_view, query_of({"ip": TOR, "id": row.id}), BERLIN)
    facts = {fact.name: fact.value for fact in view.detail.enrichment}
    assert facts["Place"] == "Berlin, DE" and "of 100: tor 50" in facts["Threat score"]
    assert [mark.text for mark in view.detail.marks] == ["Tor"]
    assert view.is_open and view.detail.is_by_db_ip
    assert "geolocation" not in view.detail.metadata
    lost = attacked.read(events_view, query_of({"id": "nowhere"}), BERLIN)
    assert lost.detail.problem.startswith("There is no such event")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"severity": "terrible", "days": "365", "page": "-1", "from": "yesterday"}, Query()),
        ({"page": "99999999", "to": "9999-99-99T00:00"}, Query()),
        ({"country": "de ", "actor": " ana\0 "}, Query(country="DE", actor="ana")),
        ({"page": "70000"}, Query(page=1_000)),
        ({"from": "0001-01-01T00:00"}, Query(since="0001-01-01T00:00")),
    ],
)
def test_an_address_that_makes_no_sense_asks_for_what_is_left_of_it(words, expected):
    assert query_of(words) == expected


def test_a_shared_search_means_the_same_instants_on_every_clock():
    typed = {"event": "auth.login_failed", "from_": "2026-11-25T10:30", "to": "2026-07-01T08:00"}
    shared = to_instants(typed, BERLIN)

    assert shared == {"event": "auth.login_failed", "from_": "2026-11-25T09:30Z", "to": "2026-07-01T06:00Z"}
    opened = {name.rstrip("_"): text for name, text in shared.items()}
    assert to_local(opened, BERLIN)["from"] == "2026-11-25T10:30"
    assert to_local(opened, ZoneInfo("Asia/Kolkata")) == {**opened, "from": "2026-11-25T15:00", "to": "2026-07-01T11:30"}
    # What somebody types into the address is of their own clock, and what is no moment is left for others to refuse.
    assert to_local({"from": "2026-11-25T10:30", "to": "9999-99-99T00:00Z"}, BERLIN)["from"] == "2026-11-25T10:30"
