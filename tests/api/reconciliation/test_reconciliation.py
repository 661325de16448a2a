"""Shadow events, dead events and coverage over HTTP (contract 9)."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from app.plan import service as plan
from app.reconciliation import service
from app.reconciliation.contracts import UnmatchedEvent
from app.reconciliation.pages.coverage_view import coverage_view
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, EventType
from models.plan_entities import FieldDefinition
from models.projects import Project
from models.scans import ScanConfig
from tests.api.reconciliation.workbench import Apart, make_apart
from tests.factories import make_event, make_event_type, make_scan_config


@pytest.fixture
def apart(engine) -> Apart:
    with session_scope(engine) as session:
        return make_apart(session)


@pytest.fixture
def call(client, member):
    headers = member(UserRole.EDITOR).headers

    def send(method: str, path: str, **arguments):
        return client.request(method, path, headers=headers, **arguments)

    return send


def see(engine, apart: Apart, count: int, *, name: str = "cart_opened", event_type: str = "shop", days_ago: int = 0) -> None:
    at = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - timedelta(days=days_ago)
    with session_scope(engine) as session:
        service.record_shadow_events(
            session, apart.project_id, apart.scan_id, [UnmatchedEvent(event_type, name, count, at, at)], SYSTEM_CLOCK.now()
        )


def shadows(call, apart: Apart, **query):
    return call("GET", f"{apart.base}/shadow-events", params=query).json()


def test_a_candidate_seen_again_takes_the_latest_count_and_keeps_its_first_moment(call, engine, apart):
    before = shadows(call, apart)["items"][0]
    see(engine, apart, 100)
    assert shadows(call, apart)["items"][0]["observed_count"] == 100
    see(engine, apart, 40, days_ago=50)
    (after,) = shadows(call, apart)["items"]
    assert after["observed_count"] == 40
    assert (after["first_seen_at"], after["last_seen_at"]) == (before["first_seen_at"], before["last_seen_at"])


def test_lists_are_by_count_and_the_new_count_ignores_the_filter(call, engine, apart):
    see(engine, apart, 900, name="b")
    see(engine, apart, 7, name="a")
    call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/dismiss")
    every = shadows(call, apart)
    assert [one["event_name"] for one in every["items"]] == ["b", "cart_opened", "a"]
    assert (every["total"], every["new_count"]) == (3, 2)
    dismissed = shadows(call, apart, status="dismissed")
    assert (dismissed["total"], dismissed["new_count"], len(dismissed["items"])) == (1, 2, 1)
    assert [one["event_name"] for one in shadows(call, apart, limit=1)["items"]] == ["b"]
    for bad in ({"limit": 0}, {"limit": 501}, {"status": "gone"}):
        assert call("GET", f"{apart.base}/shadow-events", params=bad).status_code == 422


def test_an_accepted_candidate_is_a_live_event_with_the_observed_identity(call, engine, apart):
    answer = call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/accept", json={"name": "Cart opened"})
    assert answer.status_code == 200 and answer.json()["status"] == "accepted"
    with session_scope(engine) as session:
        event = session.get_one(Event, answer.json()["event_id"])
        assert (event.name, event.source_name, event.status) == ("Cart opened", "cart_opened", "live")
        assert event.last_seen_at is not None
        assert ("shop", "cart_opened") in plan.plan_identities(session, apart.project_id).events
    again = call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/accept", json={})
    assert again.status_code == 409 and isinstance(again.json()["detail"], str)
    assert call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/dismiss").status_code == 409
    assert shadows(call, apart)["items"][0]["accepted_event_id"] == answer.json()["event_id"]


def test_a_dismissed_candidate_stays_dismissed_when_it_is_seen_again(call, engine, apart):
    assert call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/dismiss").json()["status"] == "dismissed"
    see(engine, apart, 5)
    (row,) = shadows(call, apart)["items"]
    assert (row["status"], row["observed_count"]) == ("dismissed", 5)
    assert call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/accept", json={}).status_code == 409


@pytest.mark.parametrize("source_name", ["cart_opened", None])
def test_a_candidate_whose_identity_is_planned_by_now_is_a_conflict(call, engine, apart, source_name):
    with session_scope(engine) as session:
        event = make_event(session, session.get_one(EventType, apart.event_type_id), name=source_name or "cart_opened")
        event.source_name = source_name
        event.name = "Renamed" if source_name else "cart_opened"
    assert call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/accept", json={}).status_code == 409


def test_a_candidate_without_an_event_type_needs_one(call, engine, apart):
    see(engine, apart, 3, name="lost", event_type="nowhere")
    row = next(one for one in shadows(call, apart)["items"] if one["event_name"] == "lost")
    assert row["event_type_id"] is None
    accept = f"{apart.base}/shadow-events/{row['id']}/accept"
    refused = call("POST", accept, json={})
    assert refused.status_code == 422 and isinstance(refused.json()["detail"], list)
    assert call("POST", accept, json={"event_type_id": apart.event_type_id}).status_code == 200


def test_a_candidate_of_a_type_with_required_fields_is_refused_as_any_event_without_values(call, engine, apart):
    with session_scope(engine) as session:
        session.add(
            FieldDefinition(
                event_type_id=apart.event_type_id, name="step", display_name="Step", field_type="string", is_required=True
            )
        )
    assert call("POST", f"{apart.base}/shadow-events/{apart.candidate_id}/accept", json={}).status_code == 422


def test_dead_events_are_expected_old_and_silent_and_the_never_seen_come_first(call, engine, apart):
    now = SYSTEM_CLOCK.now()
    with session_scope(engine) as session:
        kind = session.get_one(EventType, apart.event_type_id)
        for name, status, age, seen in (
            ("z_silent", "implemented", 90, 40),
            ("a_silent", "live", 90, 31),
            ("seen_lately", "live", 90, 29),
            ("young", "live", 10, None),
            ("draft", "draft", 90, None),
            ("archived", "archived", 90, None),
        ):
            event = make_event(session, kind, name=name, status=status)
            event.created_at = now - timedelta(days=age)
            event.last_seen_at = None if seen is None else now - timedelta(days=seen)
    answer = call("GET", f"{apart.base}/dead-events").json()
    assert [one["name"] for one in answer["items"]] == ["fax_sent", "z_silent", "a_silent"]
    assert (answer["total"], answer["days"]) == (3, 30)
    assert call("GET", f"{apart.base}/dead-events", params={"days": 366}).status_code == 422


def test_archiving_takes_all_or_none_and_counts_each_event_once(call, engine, apart):
    missing = {"event_ids": [apart.dead_id, apart.scan_id]}
    assert call("POST", f"{apart.base}/dead-events/archive", json=missing).status_code == 404
    assert call("GET", f"{apart.base}/dead-events").json()["total"] == 1
    done = call("POST", f"{apart.base}/dead-events/archive", json={"event_ids": [apart.dead_id, apart.dead_id]}).json()
    assert done == {"event_ids": [apart.dead_id], "status": "archived", "archived_count": 1}
    assert call("GET", f"{apart.base}/dead-events").json()["total"] == 0
    assert call("POST", f"{apart.base}/dead-events/archive", json={"event_ids": []}).status_code == 422


def test_coverage_is_computed_from_sums_and_adds_scans_up_per_bucket(call, engine, apart):
    answer = call("GET", f"{apart.base}/coverage").json()
    assert answer["summary"] == {"total_count": 100, "matched_count": 10, "coverage_pct": 10.0}
    assert answer["days"] == 14 and [one["total_count"] for one in answer["items"]] == [90, 10]
    with session_scope(engine) as session:
        first = session.get_one(ScanConfig, apart.scan_id)
        other = make_scan_config(session, _project(session, first))
        bucket = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - timedelta(hours=1)
        session.add(MetricCoverage(scan_config_id=other.id, bucket=bucket, total_count=200, matched_count=199))
        other_id = other.id
    every = call("GET", f"{apart.base}/coverage").json()
    assert [one["total_count"] for one in every["items"]] == [90, 210]
    assert every["summary"]["coverage_pct"] == round(209 / 300 * 100, 2)
    one = call("GET", f"{apart.base}/coverage", params={"scan_config_id": other_id}).json()
    assert one["summary"] == {"total_count": 200, "matched_count": 199, "coverage_pct": 99.5}


def test_coverage_by_event_type_counts_the_rows_of_its_planned_events(engine, apart):
    now = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR)
    with session_scope(engine) as session:
        project = session.get_one(Project, apart.project_id)
        full = make_event_type(session, project, name="full")
        full_event = make_event(session, full, name="all")
        event = make_event(session, session.get_one(EventType, apart.event_type_id), name="some")
        counts = [("event_type", apart.event_type_id, 100), ("event", event.id, 25), ("event_type", full.id, 9)]
        counts += [("event", full_event.id, 9)]
        for scope_type, ref, count in counts:
            for ago in (1, 2, 24 * 40):
                bucket = now - timedelta(hours=ago)
                session.add(
                    MetricBucket(scan_config_id=apart.scan_id, scope_type=scope_type, scope_ref=ref, bucket=bucket, count=count)
                )
    with session_scope(engine, write=False) as session:
        found = service.get_type_coverage(session, SYSTEM_ACTOR, apart.slug)
        assert [(one.event_type_id, one.total_count, one.matched_count) for one in found] == [
            (apart.event_type_id, 200, 50), (full.id, 18, 18),
        ]  # fmt: skip
        assert service.get_type_coverage(session, SYSTEM_ACTOR, apart.slug, scan_config_id="other") == []
        view = coverage_view(session, SYSTEM_ACTOR, apart.slug, 14, "", "", ZoneInfo("UTC"))
    assert [(row.share, row.width, row.unmatched) for row in view.types] == [
        ("25\u00a0%", "25.0", "150"),
        ("100\u00a0%", "100.0", "0"),
    ]


def test_coverage_of_nothing_is_zero_and_of_a_foreign_scan_unknown(call, engine, apart):
    with session_scope(engine) as session:
        stranger = make_apart(session)
        session.delete(session.get_one(ScanConfig, apart.scan_id))
    empty = call("GET", f"{apart.base}/coverage", params={"days": 180}).json()
    assert empty == {"items": [], "summary": {"total_count": 0, "matched_count": 0, "coverage_pct": 0.0}, "days": 180}
    assert call("GET", f"{apart.base}/coverage", params={"scan_config_id": stranger.scan_id}).status_code == 404
    assert call("GET", f"{apart.base}/coverage", params={"days": 181}).status_code == 422


def _project(session, config: ScanConfig) -> Project:
    return session.get_one(Project, config.project_id)
