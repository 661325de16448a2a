from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.detection import preview
from app.detection.contracts import DetectionSettings, Direction
from app.detection.detectors import Detector
from app.detection.feedback import VerdictKind, record_verdict, tune_scope
from app.detection.pages.settings_view import choice_of, key_of, preview_view, settings_view
from app.detection.planned import plan_window
from app.kernel.errors import InvalidInput, NotFound
from app.metrics import service as metrics
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType, SeriesKey
from models.projects import Project
from tests import factories
from tests.integration.detection.watched_project import EDITOR, HOUR, MONDAY, VIEWER, WatchedProject

ON = DetectionSettings(anomaly_detection_enabled=True)
STEADY = 8 * 24
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def shop(engine) -> WatchedProject:
    """Eight steady days, a dent of a third for one hour, twelve steady hours."""
    project = WatchedProject(engine)
    project.end = project.count(MONDAY, [60] * STEADY + [30] + [60] * 12, [20] * (STEADY + 13))
    return project


def look(shop: WatchedProject, settings: DetectionSettings, key: SeriesKey | None = None) -> preview.Preview:
    with shop.transaction(write=False) as session:
        return preview.preview(session, VIEWER, "shop", settings, key)


def test_a_lower_threshold_finds_what_a_higher_one_does_not_and_nothing_is_stored(shop):
    strict, lenient = look(shop, replace(ON, sigma_threshold=2.0)), look(shop, replace(ON, sigma_threshold=9.0))
    assert strict.alarm_count >= 2 and lenient.alarm_count == 0
    assert (len(strict.looked_at), strict.series_count) == (4, 4)
    assert strict.looked_at[0].alarm_count == 1 and strict.drawn_key is not None
    assert shop.anomalies() == []


def test_what_the_preview_counts_is_what_an_evaluation_stores(shop):
    shop.change_settings(sigma_threshold=2.0)
    shop.evaluate(shop.end)
    recent = [one for one in shop.incidents(limit=200).items if one.ended_at >= shop.end - preview.LOOKED_BACK]
    assert look(shop, replace(ON, sigma_threshold=2.0)).alarm_count == len(recent)


def test_only_the_kinds_of_series_that_are_judged_are_looked_at(shop):
    found = look(shop, replace(ON, detect_events=False, detect_event_types=False))
    assert [one.key.scope_type for one in found.looked_at] == [ScopeType.PROJECT_TOTAL]


def test_no_more_than_the_most_series_are_looked_at(shop, monkeypatch):
    monkeypatch.setattr(preview, "MOST_SERIES", 3)
    found = look(shop, ON)
    assert (len(found.looked_at), found.series_count) == (3, 4)
    assert "view" in {one.name for one in found.looked_at} and "pay" not in {one.name for one in found.looked_at}


def test_the_series_of_every_scan_are_looked_at_and_named_after_it(shop):
    with shop.transaction() as session:
        project = session.get_one(Project, shop.project_id)
        other = factories.make_scan_config(session, project, name="Warehouse", interval="1d").id
        key = SeriesKey(other, ScopeType.EVENT_TYPE, shop.type_id)
        days = [MONDAY + timedelta(days=day) for day in range(20)]
        counts = [BucketRow(key, day, 500 if day < days[-1] else 5) for day in days]
        metrics.replace_window(
            session, other, MONDAY, days[-1] + timedelta(days=1), counts, [CoverageRow(day, 500, 500) for day in days]
        )
    found = look(shop, ON, key)
    assert found.series_count == 6
    assert {(one.key.scan_config_id, one.name) for one in found.looked_at if one.key.scope_type is ScopeType.PROJECT_TOTAL} == {
        (shop.scan_id, "Project total (Received events)"),
        (other, "Project total (Warehouse)"),
    }
    assert (found.drawn_key, found.bucket_seconds) == (key, 86_400)


def test_the_series_asked_for_is_drawn_over_two_weeks(shop):
    key = SeriesKey(shop.scan_id, ScopeType.EVENT, shop.pay)
    found = look(shop, ON, key)
    assert found.drawn_key == key and found.drawn[-1].bucket == shop.end - HOUR
    assert len(found.drawn) == STEADY + 13


@pytest.mark.parametrize("changes", [{"min_history_buckets": 20}, {"sigma_threshold": 0.0}, {"min_expected_count": -1}])
def test_settings_that_cannot_be_saved_cannot_be_previewed(shop, changes):
    with pytest.raises(InvalidInput):
        look(shop, replace(ON, **changes))


def test_nothing_is_looked_at_while_detection_is_off_or_nothing_was_collected(shop, engine):
    assert look(shop, DetectionSettings()).looked_at == []
    with shop.transaction(write=False) as session:
        view = preview_view(session, VIEWER, "shop", DetectionSettings(), "", UTC_ZONE)
    assert view.reason == "Nothing is judged while detection is off"


def test_the_page_says_what_was_looked_at(shop):
    with shop.transaction(write=False) as session:
        view = preview_view(session, VIEWER, "shop", replace(ON, sigma_threshold=2.0), "", UTC_ZONE)
    assert view.alarms_text.endswith("alarms last week") and view.basis == "looked at 4 of 4 series"
    assert view.chart.rows and view.chart.mark_count >= 1 and view.rows[0].count == "1"
    assert key_of(view.drawn) is not None and key_of("a~b") is None


def test_series_with_rules_of_their_own_are_listed_and_can_be_told_apart_from_verdicts(shop):
    view, pay = (SeriesKey(shop.scan_id, ScopeType.EVENT, ref) for ref in (shop.view, shop.pay))
    with shop.transaction() as session:
        tune_scope(session, EDITOR, "shop", view, detector=Detector.ADAPTIVE, sigma_threshold=4.5)
        record_verdict(session, EDITOR, "shop", pay, Direction.DROP, MONDAY, MONDAY, VerdictKind.FALSE_POSITIVE)
        plan_window(session, EDITOR, "shop", "Launch", MONDAY, MONDAY + timedelta(days=1))
    with shop.transaction(write=False) as session:
        shown = settings_view(session, VIEWER, "shop", UTC_ZONE, shop.end)
    assert [(row.name, row.rules, row.is_tuned) for row in shown.overrides] == [
        ("pay", "1 false positive", False),
        ("view", "adaptive detector, sigma 4.5", True),
    ]
    assert shown.overrides[1].choice == choice_of(view)
    assert [(row.name, row.scope) for row in shown.planned] == [("Launch", "Every series")]


def test_the_preview_of_another_project_is_not_found(shop):
    with shop.transaction(write=False) as session, pytest.raises(NotFound):
        preview.preview(session, VIEWER, "nowhere", ON)
