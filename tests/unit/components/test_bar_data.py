"""Stacked bars: heights relative to the highest bar, gaps where nothing was counted, words for every bar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from components.bar_data import bar_data

KINDS = (("critical", "worst"), ("high", "bad"), ("medium", "odd"), ("warning", "odd"))
STOP = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def bars(counts):
    start = STOP - timedelta(hours=3)
    return bar_data(counts, KINDS, start=start, stop=STOP, seconds=3600, zone=ZoneInfo("UTC"), noun="alerts")


def at(hour: int) -> int:
    return int(datetime(2026, 11, 25, hour, tzinfo=UTC).timestamp())


def test_parts_are_shares_of_the_highest_bar_worst_first_and_tones_are_added_up():
    view = bars({at(9): {"medium": 1, "warning": 1, "critical": 2}, at(11): {"high": 1}})
    assert [[(part.tone, part.height) for part in bar.parts] for bar in view.bars] == [
        [("worst", "50.00%"), ("odd", "50.00%")],
        [],
        [("bad", "25.00%")],
        [],
    ]
    assert view.bars[0].tip == "25 Nov, 09:00 UTC: critical 2, medium 1, warning 1"
    assert view.bars[1].tip == "25 Nov, 10:00 UTC: no alerts"
    assert [(level.name, level.count) for level in view.levels] == [
        ("critical", "2"),
        ("high", "1"),
        ("medium", "1"),
        ("warning", "1"),
    ]
    assert (view.total, view.peak) == (5, "4")
    assert view.summary == "5 alerts; at most 4 in 1\u00a0h."


def test_nothing_counted_is_no_bar_but_every_bucket():
    view = bars({})
    assert (view.total, len(view.bars), view.levels) == (0, 4, [])
