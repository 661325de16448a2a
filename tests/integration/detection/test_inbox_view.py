from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from app.alerting.vocabulary import GroupAction
from app.detection.contracts import Direction
from app.detection.detectors import ScopeRules
from app.detection.feedback import VerdictKind
from app.detection.pages.inbox_actions import act_on_group, decide, sent_message, take_back
from app.detection.pages.inbox_view import Filters, inbox_view
from app.detection.surroundings import AFTER, LONGEST, around
from app.detection.tuning_repository import rules_of_scan
from app.kernel.errors import Forbidden
from app.metrics.contracts import ScopeType, SeriesKey
from models.alerting import AlertDelivery, AlertDeliveryItem
from models.detection import Anomaly
from tests.integration.detection.watched_project import EDITOR, HOUR, MONDAY, VIEWER, WatchedProject

EVERYTHING = Filters(None, None, None, 0)
BERLIN = ZoneInfo("Europe/Berlin")
STEADY = 8 * 24


@pytest.fixture
def shop(engine) -> WatchedProject:
    """Eight steady days, then three hours in which `view` and with it everything stops."""
    project = WatchedProject(engine)
    stop = project.count(MONDAY, [60] * STEADY + [0, 0, 0] + [60] * 3, [20] * (STEADY + 6))
    project.evaluate(stop)
    return project


def look(shop: WatchedProject, filters: Filters = EVERYTHING):
    with shop.transaction(write=False) as session:
        return inbox_view(session, VIEWER, "shop", filters, BERLIN, MONDAY + (STEADY + 6) * HOUR)


def test_the_total_leads_what_fell_with_it(shop):
    view, incidents = look(shop)
    [lead] = [row for row in view.rows if not row.is_member]
    members = [row for row in view.rows if row.is_member]
    assert (lead.scope_kind, lead.direction) == ("Project total", "drop")
    assert lead.members.startswith("2 related: ") and "view" in lead.members
    assert {row.scope_kind for row in members} == {"Event type", "Event"}
    assert all(row.group == lead.key and row.day == "" for row in members)
    assert lead.day and set(incidents) == {row.key for row in view.rows}


def test_without_its_total_an_event_type_leads_its_events(shop):
    with shop.transaction() as session:
        session.execute(delete(Anomaly).where(Anomaly.scope_type == "project_total"))
    view, _ = look(shop)
    assert [(row.scope_kind, row.is_member) for row in view.rows] == [("Event type", False), ("Event", True)]


def test_every_line_has_its_picture_with_range_and_marks(shop):
    view, _ = look(shop)
    for row in view.rows:
        assert row.spark.band and row.spark.line
        assert row.spark.marks.count("M") >= 1
        assert row.scope_name in row.spark.label


def test_a_verdict_shows_on_its_line_tunes_its_series_alone_and_can_be_taken_back(shop):
    view, incidents = look(shop)
    row = next(row for row in view.rows if row.scope_name == "view")
    with shop.transaction() as session:
        decide(session, EDITOR, "shop", [incidents[row.key]], VerdictKind.FALSE_POSITIVE)
    view, _ = look(shop)
    shown = {row.scope_name: row.verdict for row in view.rows}
    assert view.rows[0].members.endswith("; 1 decided")
    assert shown["view"] == "False positive" and [word for word in shown.values() if word] == ["False positive"]
    with shop.transaction() as session:
        key = SeriesKey(shop.scan_id, ScopeType.EVENT, shop.view)
        assert rules_of_scan(session, shop.scan_id) == {key: ScopeRules(false_positive_count=1)}
        take_back(session, EDITOR, "shop", [next(row.verdict_id for row in view.rows if row.verdict)])
    assert not any(row.verdict for row in look(shop)[0].rows)


def test_viewers_decide_nothing(shop):
    _, incidents = look(shop)
    with shop.transaction() as session, pytest.raises(Forbidden):
        decide(session, VIEWER, "shop", list(incidents.values()), VerdictKind.REAL)


def deliver(shop: WatchedProject, bucket, scope: str = "event", group: str = "00000000-0000-4000-8000-00000000000a") -> None:
    with shop.transaction() as session:
        delivery = AlertDelivery(
            project_id=shop.project_id,
            scan_config_id=shop.scan_id,
            destination_id="d",
            rule_id="r",
            destination_name="Team chat",
            rule_name="Drops",
            scan_name="Received events",
            status="sent",
            channel="slack",
            matched_count=1,
            payload_snapshot={"subject": "A drop", "rendered_message": "view fell to 0"},
            created_at=bucket + HOUR,
        )
        session.add(delivery)
        session.flush()
        session.add(
            AlertDeliveryItem(
                delivery_id=delivery.id,
                scope_type=scope,
                scope_ref=shop.view,
                scope_name="view",
                bucket=bucket,
                direction="drop",
                actual_count=0,
                expected_count=60,
                absolute_delta=60,
                percent_delta=100.0,
                correlation_group_id=group,
            )
        )


def test_what_was_delivered_shows_on_its_line_and_follows_decisions(shop):
    deliver(shop, MONDAY + STEADY * HOUR)
    row = next(row for row in look(shop)[0].rows if row.scope_name == "view")
    assert look(shop)[0].rows[0].members.endswith("; 1 alert")
    assert row.alert_words == "Open" and [one.alert_words for one in look(shop)[0].rows].count("") == 2
    with shop.transaction() as session:
        act_on_group(session, EDITOR, "shop", row.alert_group, GroupAction.ACKNOWLEDGE, "Looking at it")
        assert sent_message(session, VIEWER, "shop", row.delivery_id).text == "view fell to 0"
    row = next(row for row in look(shop)[0].rows if row.scope_name == "view")
    assert (row.alert_status, row.alert_note) == ("acknowledged", "Looking at it")
    with shop.transaction() as session:
        act_on_group(session, EDITOR, "shop", row.alert_group, GroupAction.MUTE)
    row = next(row for row in look(shop)[0].rows if row.scope_name == "view")
    assert row.alert_note == "Looking at it"


def test_an_alert_about_no_series_is_listed_apart_and_can_be_decided(shop):
    deliver(shop, MONDAY + STEADY * HOUR, scope="release_regression")
    [alert] = look(shop)[0].others
    assert (alert.kind, alert.status_words, alert.names) == ("Release regression", "Open", "view")
    assert alert.count == "1 delivery to Team chat"
    with shop.transaction() as session:
        act_on_group(session, EDITOR, "shop", alert.group, GroupAction.RESOLVE)
    assert [one.status for one in look(shop)[0].others] == ["resolved"]
    assert not any(row.alert_group for row in look(shop)[0].rows)


def test_a_message_about_an_earlier_incident_is_not_shown(shop):
    deliver(shop, MONDAY + (STEADY - 48) * HOUR)
    assert not any(row.alert_group for row in look(shop)[0].rows)


def test_filters_narrow_the_list(shop):
    assert look(shop, Filters(Direction.SPIKE, None, None, 0))[0].total == 0
    assert {row.scope_kind for row in look(shop, Filters(None, ScopeType.EVENT, None, 0))[0].rows} == {"Event"}


def test_only_the_newest_buckets_of_a_long_incident_are_drawn(shop):
    _, incidents = look(shop)
    [one, *_] = incidents.values()
    long = replace(one, started_at=one.started_at - timedelta(days=7))
    with shop.transaction(write=False) as session:
        [near] = around(session, VIEWER, "shop", [long])
    assert LONGEST - AFTER <= len(near.judged) <= LONGEST
    assert near.judged[-1].bucket == MONDAY + (STEADY + 5) * HOUR


def test_a_group_that_the_page_would_cut_is_shown_whole_and_once(shop, monkeypatch):
    whole, _ = look(shop)
    assert len(whole.rows) == 3
    monkeypatch.setattr("app.detection.pages.inbox_view.PAGE_SIZE", 1)
    first, _ = look(shop)
    second, _ = look(shop, replace(EVERYTHING, offset=1))
    assert [row.key for row in first.rows] == [row.key for row in whole.rows]
    assert (first.before, first.total) == (0, 3)
    assert (second.rows, second.before) == ([], 3)
