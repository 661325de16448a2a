"""How the audit log writes times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.audit.durations import duration_of, moment_of, window_text

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("1d12h", timedelta(hours=36)),
        ("1w", timedelta(days=7)),
        ("1mo", timedelta(days=30)),
        ("1mo1m", timedelta(days=30, minutes=1)),
        ("1y", timedelta(days=365)),
    ],
)
def test_lengths_add_up(text, length):
    assert duration_of(text) == length


@pytest.mark.parametrize("text", ["", "0s", "1", "m", "1d-2h", "-1h", "1.5h", "999999999y", "1x"])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(ValueError):
        duration_of(text)


def test_moments_are_ago_now_or_iso():
    assert moment_of("2h", NOW) == NOW - timedelta(hours=2)
    assert moment_of("now()", NOW) == NOW
    assert moment_of("2026-11-24", NOW) == datetime(2026, 11, 24, tzinfo=UTC)
    assert moment_of("2026-11-24T10:00:00+02:00", NOW) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert moment_of("2026-11-24T10:00:00 02:00", NOW) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    with pytest.raises(ValueError):
        moment_of("soon", NOW)


def test_windows_are_clipped_and_written_as_python_writes_datetimes():
    start, stop = datetime(2023, 6, 11, 0, 0, 30, tzinfo=UTC), datetime(2023, 6, 11, 0, 2, tzinfo=UTC)
    first = int(datetime(2023, 6, 11, tzinfo=UTC).timestamp()) // 60
    minute = timedelta(minutes=1)

    assert window_text(first, minute, start, stop) == "2023-06-11 00:00:30+00:00 - 2023-06-11 00:01:00+00:00"
    assert window_text(first + 1, minute, start, stop) == "2023-06-11 00:01:00+00:00 - 2023-06-11 00:02:00+00:00"


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "10000-01-01"])
def test_a_moment_that_no_calendar_holds_in_utc_is_refused(text):
    with pytest.raises(ValueError, match="neither"):
        moment_of(text, NOW)
