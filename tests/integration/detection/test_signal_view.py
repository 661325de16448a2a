from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.detection.feedback import VerdictKind
from app.detection.pages.inbox_actions import decide
from app.detection.pages.signal_view import parse_signal_id, signal_view
from app.detection.planned import plan_window
from app.kernel.errors import NotFound
from app.metrics.contracts import ScopeType, SeriesKey
from tests.integration.detection.watched_project import EDITOR, HOUR, MONDAY, VIEWER, WatchedProject

STEADY = 8 * 24
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def shop(engine) -> WatchedProject:
    """Eight steady days, three hours without `view`, a steady day, three hours without it again."""
    project = WatchedProject(engine)
    project.end = project.count(MONDAY, [60] * STEADY + [0, 0, 0] + [60] * 24 + [0, 0, 0], [20] * (STEADY + 30))
    project.evaluate(project.end)
    return project


def look(shop: WatchedProject, scope: ScopeType = ScopeType.EVENT, at: str = "", days: int = 14):
    refs = {ScopeType.EVENT: shop.view, ScopeType.EVENT_TYPE: shop.type_id, ScopeType.PROJECT_TOTAL: shop.scan_id}
    with shop.transaction(write=False) as session:
        key = SeriesKey(shop.scan_id, scope, refs[scope])
        return signal_view(session, VIEWER, "shop", key, at, days, UTC_ZONE, shop.end)


def test_the_newest_incident_is_shown_in_its_series_with_range_and_forecast(shop):
    view, incident = look(shop)
    assert incident is not None and incident.started_at == MONDAY + (STEADY + 27) * HOUR
    assert (view.scope_name, view.scope_kind, view.state) == ("view", "Event", "In the newest bucket")
    assert (view.actual, view.limit) == ("0", "3") and view.score.startswith("\u2212")
    coming = view.chart.rows[-1]
    assert (coming.value, coming.value_text, coming.note) == (None, "still to come", "forecast")
    assert coming.band is not None and "expected in the bucket of" in view.forecast
    assert view.density_count == 2 and "2 abnormal buckets" in view.density.summary
    assert [row.iso for row in view.incidents] == sorted((row.iso for row in view.incidents), reverse=True)


def test_an_earlier_incident_can_be_meant_and_the_chart_goes_back_to_it(shop):
    newest, _ = look(shop)
    older = newest.incidents[-1].iso
    view, incident = look(shop, at=older, days=3)
    assert incident is not None and incident.started_at == MONDAY + STEADY * HOUR
    assert view.incident.iso == older


def test_what_departed_at_the_same_time_is_listed(shop):
    view, _ = look(shop)
    assert {row.scope_kind for row in view.related} == {"Project total", "Event type"}


def test_planned_events_stand_on_the_chart_and_verdicts_in_the_history(shop):
    _, incident = look(shop)
    with shop.transaction() as session:
        plan_window(session, EDITOR, "shop", "Migration", incident.started_at, incident.started_at + 2 * HOUR)
        decide(session, EDITOR, "shop", [incident], VerdictKind.REAL)
    view, _ = look(shop)
    assert [(mark.label, mark.kind) for mark in view.marks] == [("Migration", "Planned event")]
    assert [(row.verdict, row.undone) for row in view.verdicts] == [("Real", "")]
    assert view.incident.verdict == "Real"


def test_a_series_without_incident_has_a_chart_and_says_so(shop):
    shop_pay = SeriesKey(shop.scan_id, ScopeType.EVENT, shop.pay)
    with shop.transaction(write=False) as session:
        view, incident = signal_view(session, VIEWER, "shop", shop_pay, "", 14, UTC_ZONE, shop.end)
    assert incident is None and view.has_series and view.incidents == [] and view.state == ""


def test_a_range_without_counts_has_no_chart(shop):
    with shop.transaction(write=False) as session:
        key = SeriesKey(shop.scan_id, ScopeType.EVENT, shop.pay)
        view, _ = signal_view(session, VIEWER, "shop", key, "", 3, UTC_ZONE, shop.end + timedelta(days=90))
    assert not view.has_series and view.chart.rows == []


@pytest.mark.parametrize("text", ["", "a~b~c", "nothing", "~~"])
def test_an_address_that_is_no_signal_is_not_found(text):
    with pytest.raises(NotFound):
        parse_signal_id(text)


def test_a_signal_of_another_project_is_not_found(shop):
    other = SeriesKey(shop.scan_id, ScopeType.EVENT, "00000000-0000-4000-8000-000000000000")
    with shop.transaction(write=False) as session, pytest.raises(NotFound):
        signal_view(session, VIEWER, "shop", other, "", 14, UTC_ZONE, shop.end)
