from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from app.audit.pages.activity import activity_view
from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.kernel.database import session_scope
from models.alerting import AlertDelivery
from models.scans import ScanConfig
from tests.factories import make_anomaly, make_event, make_event_type, make_project, make_scan_config, make_scan_job

ACTIVITY = "/api/v1/activity"
FIELDS = {
    "id", "project_id", "project_slug", "project_name", "type", "severity", "title", "detail", "occurred_at", "target_path",
}  # fmt: skip
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def busy(engine):
    """Two projects; `shop` has an anomaly, a failed and a completed job and an event, `other` has one job."""
    with session_scope(engine) as session:
        shop, other = make_project(session, slug="shop", name="Shop"), make_project(session, slug="other")
        config = make_scan_config(session, shop, name="Hourly")
        checkout = make_event(session, make_event_type(session, shop, name="web"), name="checkout")
        archived = make_event(session, make_event_type(session, shop), name="gone", status="archived")
        checkout.created_at = checkout.updated_at = NOW - timedelta(minutes=4)
        archived.created_at = NOW - timedelta(days=9)
        archived.updated_at = NOW - timedelta(days=8)
        make_anomaly(session, config, bucket=NOW - timedelta(minutes=1), scope_type="event", scope_ref=checkout.id, actual=10)
        make_anomaly(session, config, bucket=NOW, scope_type="event", scope_ref=archived.id)
        failed = make_scan_job(session, config, status="failed", created_at=NOW - timedelta(minutes=2))
        failed.error_message = "The row limit of 50000 was reached."
        make_scan_job(session, config, created_at=NOW - timedelta(minutes=3))
        make_scan_job(session, make_scan_config(session, other), created_at=NOW - timedelta(minutes=9))
        return shop, checkout


def test_a_projects_feed_mixes_anomalies_scans_and_events_newest_first(client, member, busy):
    _, checkout = busy
    items = client.get(f"{ACTIVITY}/projects/shop", headers=member(UserRole.VIEWER).headers).json()
    assert all(set(item) == FIELDS for item in items)
    assert [(item["type"], item["severity"], item["title"]) for item in items] == [
        ("anomaly", "high", "Drop: checkout"),
        ("scan", "high", "Scan failed: Hourly"),
        ("scan", "low", "Scan completed: Hourly"),
        ("event", "low", "Event added: checkout"),
        ("event", "low", "Event changed: gone"),
    ]
    assert {item["project_slug"] for item in items} == {"shop"}
    assert items[0]["target_path"] == f"/p/shop/events/{checkout.id}"
    assert items[0]["detail"] == "10 where 100 were expected, found by Hourly"
    assert items[1]["detail"] == "The row limit of 50000 was reached."
    assert len({item["id"] for item in items}) == len(items)


def test_the_workspaces_feed_holds_every_project(client, member, busy):
    items = client.get(ACTIVITY, headers=member().headers).json()
    assert [item["project_slug"] for item in items] == ["shop"] * 4 + ["other", "shop"]


def test_a_feed_is_cut_after_the_newest_entries(client, member, busy):
    headers = member().headers
    assert [item["type"] for item in client.get(f"{ACTIVITY}?limit=2", headers=headers).json()] == ["anomaly", "scan"]


def test_an_empty_instance_has_an_empty_feed(client, member):
    assert client.get(ACTIVITY, headers=member().headers).json() == []


@pytest.mark.parametrize("path", [ACTIVITY, f"{ACTIVITY}/projects/shop"])
@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_limit_out_of_bounds_is_refused(client, member, busy, path, limit):
    assert client.get(f"{path}?limit={limit}", headers=member().headers).status_code == 422


def test_an_alert_is_in_the_feed_and_the_page_groups_by_day_and_kind(client, member, busy):
    shop, _ = busy
    with session_scope() as session:
        config = session.exec(select(ScanConfig).where(ScanConfig.project_id == shop.id)).one()
        names = {"destination_name": "Team", "rule_name": "Big drops", "scan_name": config.name, "channel": "slack"}
        ids = {"project_id": shop.id, "scan_config_id": config.id, "destination_id": "d", "rule_id": "r"}
        delivery = AlertDelivery(**ids, **names, status="sent", matched_count=2, sent_at=NOW + timedelta(seconds=5))
        session.add(delivery)
        session.flush()
        href = f"/p/shop/deliveries/{delivery.id}"
    newest = client.get(f"{ACTIVITY}/projects/shop", headers=member().headers).json()[0]
    assert (newest["type"], newest["title"], newest["detail"]) == ("alert", "Alert sent: Big drops", "2 matched, to Team")
    assert newest["target_path"] == href
    with session_scope(write=False) as session:
        days = activity_view(session, SYSTEM_ACTOR, "shop", "", ZoneInfo("Europe/Berlin"))
        only = activity_view(session, SYSTEM_ACTOR, "shop", "alert", ZoneInfo("Europe/Berlin"))
    assert sum(len(day.rows) for day in days) == 6
    assert [(row.kind, row.href) for day in only for row in day.rows] == [("alert", href)]


def test_a_kind_is_found_behind_many_entries_of_another(engine, busy):
    shop, _ = busy
    with session_scope(engine) as session:
        config = make_scan_config(session, shop, name="Often")
        for minutes in range(120):
            make_scan_job(session, config, created_at=NOW + timedelta(minutes=minutes))
        every = activity_view(session, SYSTEM_ACTOR, "shop", "", ZoneInfo("UTC"))
        plan = activity_view(session, SYSTEM_ACTOR, "shop", "event", ZoneInfo("UTC"))
    assert {row.kind for day in every for row in day.rows} == {"scan"}
    assert [row.title for day in plan for row in day.rows] == ["Event added: checkout", "Event changed: gone"]
