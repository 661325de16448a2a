"""What the overview says while nothing could be counted or judged yet."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.kernel.clock import SYSTEM_CLOCK
from app.metrics.pages import overview_view as page
from tests.integration.detection.watched_project import HOUR, VIEWER, WatchedProject

UTC = ZoneInfo("UTC")


@pytest.fixture
def shop(engine) -> WatchedProject:
    return WatchedProject(engine)


def look(shop: WatchedProject) -> page.OverviewView:
    with shop.transaction(write=False) as session:
        return page.overview_view(session, VIEWER, "shop", 7, UTC)


def this_hour():
    return SYSTEM_CLOCK.now().replace(minute=0, second=0, microsecond=0)


def test_hours_without_any_event_say_when_the_first_is_counted_and_are_no_good_news(shop):
    stop = shop.count(this_hour() - 30 * HOUR, [0] * 30)
    view = look(shop)
    assert view.figures.volume == "0"
    assert view.figures.signals_note == "nothing judged yet"
    assert view.counted_until == stop.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert f"{stop + HOUR:%H:%M}" in view.next_count


def test_a_judged_project_with_counts_waits_for_nothing(shop):
    hours = 9 * 24
    shop.evaluate(shop.count(this_hour() - hours * HOUR, [60] * hours, [20] * hours))
    view = look(shop)
    assert (view.next_count, view.figures.signals_note) == ("", "all as expected")


def test_what_came_after_the_last_counted_hour_is_known(shop, monkeypatch):
    stop = shop.count(this_hour() - 30 * HOUR, [0] * 30)
    received_at = stop + timedelta(minutes=5)
    monkeypatch.setattr(page.ingest, "quarantined_count", lambda *_: 0)
    monkeypatch.setattr(
        page.ingest,
        "recent_records",
        lambda *_, after=None, limit: [received_at] if after is None or received_at > after else [],
    )
    with shop.transaction(write=False) as session:
        about = [
            page.received_view(session, VIEWER, "shop", text)
            for text in ("", stop.strftime("%Y-%m-%dT%H:%M:%SZ"), (stop + HOUR).strftime("%Y-%m-%dT%H:%M:%SZ"))
        ]
    assert [(one.has_records, one.is_uncounted) for one in about] == [(True, False), (True, True), (True, False)]
