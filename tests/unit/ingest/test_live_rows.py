"""Records as lines of the live tail and in full."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.eventstore.contracts import EventRow
from app.ingest.live_rows import live_row, record_text

BERLIN = ZoneInfo("Europe/Berlin")
RECEIVED = datetime(2026, 11, 24, 12, 0, 5, 42_000, tzinfo=UTC)
ACCEPTED = EventRow(
    id="e1",
    kind="event",
    source="shop",
    name="order_placed",
    time=datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
    received_at=RECEIVED,
    actor_id="u1",
    session_id="",
    severity="",
    status="",
    value=None,
    verdict="accepted",
    verdict_reason="",
    body="",
    properties='{"total": 42.5}',
    plan_revision="main+1",
)
REFUSED = replace(
    ACCEPTED, id="quarantined-1", source="", name="", verdict="quarantined", verdict_reason="service is empty", properties=""
)


def test_a_line_tells_the_arrival_to_the_millisecond_in_the_viewers_zone():
    row = live_row(ACCEPTED, BERLIN)
    assert row.when == "13:00:05.042"
    assert row.iso == "2026-11-24T12:00:05Z"
    assert (row.verdict, row.tone) == ("Accepted", "ok")


def test_a_line_names_its_day_once_that_is_over():
    assert live_row(ACCEPTED, BERLIN, RECEIVED + timedelta(hours=10)).day == ""
    assert live_row(ACCEPTED, BERLIN, RECEIVED + timedelta(hours=11)).day == "Yesterday"


def test_a_refused_record_is_named_by_what_it_said():
    raw = replace(REFUSED, properties='{"operation": "order_placed", "service": ""}')
    assert live_row(raw, BERLIN).name == "order_placed"


def test_a_refused_record_that_says_nothing_readable_is_unreadable():
    for text in ("", "{broken", "[1, 2]", '{"operation": 7}'):
        assert live_row(replace(REFUSED, properties=text), BERLIN).name == "unreadable"


def test_the_full_record_leaves_out_what_is_empty():
    shown = json.loads(record_text(ACCEPTED))
    assert shown["custom_attributes"] == {"total": 42.5}
    assert shown["service"] == "shop"
    assert (shown["verdict"], shown["plan_revision"]) == ("accepted", "main+1")
    assert "session_id" not in shown
    assert "duration" not in shown


def test_a_refused_record_is_shown_as_it_was_sent():
    assert record_text(replace(REFUSED, properties="{broken")) == "{broken"
    assert json.loads(record_text(replace(REFUSED, properties='{"operation": "x"}'))) == {"operation": "x"}
