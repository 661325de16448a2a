"""Contracts in the words that several pages show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.detection.contracts import Direction, Incident
from app.kernel.errors import Forbidden, NotFound, Unauthorized, Unavailable
from app.metrics.contracts import ScopeType
from app.presentation import Phase, before_text, change_text, incident_rows, page_number, phase_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
DROP = Incident(
    scan_config_id="scan",
    scope_type=ScopeType.EVENT,
    scope_ref="e1",
    scope_name="order_placed",
    direction=Direction.DROP,
    started_at=NOW - 3 * HOUR,
    ended_at=NOW - 2 * HOUR,
    peak_at=NOW - 3 * HOUR,
    peak_actual=20,
    peak_expected=100.0,
    peak_z_score=-8.0,
    bucket_count=2,
    is_active=False,
    event_id="e1",
    related_count=0,
)


def rows(*incidents, widths=None):
    return incident_rows(incidents, "shop", BERLIN, NOW, {"scan": 3600} if widths is None else widths)


def test_an_incident_says_how_much_when_and_how_long():
    (row,) = rows(DROP)
    assert row.size == "\u221280\u00a0% vs expected 100"
    assert row.when == "24 Nov, 10:00 CET"
    assert row.lasted == "2\u00a0h"
    assert row.event_href == "/p/shop/events/e1"
    assert row.related == ""


def test_an_incident_lasts_to_the_end_of_its_last_bucket_gaps_included():
    (row,) = rows(replace(DROP, ended_at=DROP.started_at + 5 * HOUR), widths={"scan": 900})
    assert row.lasted == "5\u00a0h 15\u00a0min"


def test_the_first_incident_of_a_day_carries_the_day():
    listed = rows(DROP, replace(DROP, scope_ref="e2"), replace(DROP, started_at=NOW - 30 * HOUR, ended_at=NOW - 29 * HOUR))
    assert [row.day for row in listed] == ["Today", "", "Yesterday"]


def test_an_incident_of_no_event_leads_to_no_event():
    (row,) = rows(replace(DROP, scope_type=ScopeType.PROJECT_TOTAL, event_id=None, related_count=3))
    assert row.event_href == ""
    assert row.scope_kind == "Project total"
    assert row.related == "3 related"


@pytest.mark.parametrize(
    ("refusal", "phase"),
    [(NotFound("gone"), Phase.MISSING), (Forbidden("no"), Phase.FORBIDDEN), (Unavailable("later"), Phase.FAILED)],
)
def test_a_refused_load_says_why(refusal, phase):
    assert phase_of(refusal) is phase


def test_an_expired_session_is_not_a_page_state():
    with pytest.raises(Unauthorized):
        phase_of(Unauthorized("sign in"))


def test_no_change_is_told_without_two_figures():
    assert change_text(5, None) == ""
    assert change_text(5, 0) == ""
    assert change_text(6, 5) == "+20\u00a0%"
    assert before_text(None) == "no earlier figure"


@pytest.mark.parametrize(
    ("text", "page"),
    [("", 1), ("3", 3), ("0", 1), ("-2", 1), ("two", 1), ("\u00b2", 1), ("\u0663", 1), ("99999", 99999), ("1" * 6, 1)],
)
def test_the_page_of_an_address_is_a_number_whatever_stands_there(text, page):
    assert page_number(text) == page
