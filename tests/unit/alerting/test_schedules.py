"""When a message may leave: quiet hours, digests, and the two nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerting.schedules import Digest, QuietHours, Rhythm, Schedule, not_before

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(time(22), time(7))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def leaves(now: str, quiet: QuietHours | None = None, digest: Digest | None = None) -> str:
    found = not_before(Schedule("Europe/Berlin", quiet, digest), at(now).astimezone(UTC))
    return f"{found.astimezone(BERLIN):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("now", "quiet", "then"),
    [
        ("2026-11-25 21:59", NIGHT, "2026-11-25 21:59"),
        ("2026-11-25 22:00", NIGHT, "2026-11-26 07:00"),
        ("2026-11-26 06:59", NIGHT, "2026-11-26 07:00"),
        ("2026-11-26 07:00", NIGHT, "2026-11-26 07:00"),
        ("2026-11-25 12:30", QuietHours(time(12), time(13)), "2026-11-25 13:00"),
        # A weekend: the hours of Saturday end where those of Sunday begin.
        ("2026-11-28 12:00", QuietHours(time(9), time(8), frozenset({5, 6})), "2026-11-29 08:00"),
        ("2026-11-28 12:00", QuietHours(time(0), time(23, 59), frozenset({5})), "2026-11-28 23:59"),
        ("2026-11-27 23:00", QuietHours(time(22), time(7), frozenset({5, 6})), "2026-11-27 23:00"),
    ],
)
def test_a_message_waits_for_the_end_of_quiet_hours(now, quiet, then):
    assert leaves(now, quiet) == then


@pytest.mark.parametrize(
    ("now", "digest", "then"),
    [
        ("2026-11-25 08:59", Digest(Rhythm.DAY), "2026-11-25 09:00"),
        ("2026-11-25 09:00", Digest(Rhythm.DAY), "2026-11-25 09:00"),
        ("2026-11-25 09:01", Digest(Rhythm.DAY), "2026-11-26 09:00"),
        ("2026-11-25 09:01", Digest(Rhythm.HOUR), "2026-11-25 10:00"),
        ("2026-11-25 12:00", Digest(Rhythm.WEEK, time(8), 0), "2026-11-30 08:00"),
    ],
)
def test_a_digest_leaves_at_its_time(now, digest, then):
    assert leaves(now, digest=digest) == then


def test_a_digest_that_falls_into_quiet_hours_leaves_when_they_end():
    assert leaves("2026-11-25 20:00", NIGHT, Digest(Rhythm.DAY, time(23))) == "2026-11-26 07:00"


def test_a_time_that_the_clock_skips_is_the_moment_after_the_gap():
    assert leaves("2026-03-29 00:30", QuietHours(time(0), time(2, 30))) == "2026-03-29 03:00"


def test_a_time_that_the_clock_shows_twice_is_the_first_of_both():
    found = not_before(Schedule("Europe/Berlin", digest=Digest(Rhythm.DAY, time(2, 30))), datetime(2026, 10, 25, 0, 0, tzinfo=UTC))

    assert found == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


CLOCKS = st.times().map(lambda one: time(one.hour, one.minute))
QUIET = st.builds(QuietHours, CLOCKS, CLOCKS, st.frozensets(st.integers(0, 6), min_size=1)).filter(lambda one: one.start != one.end)
DIGESTS = st.builds(Digest, st.sampled_from(Rhythm), CLOCKS, st.integers(0, 6))
SCHEDULES = st.builds(
    Schedule,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
    st.none() | QUIET,
    st.none() | DIGESTS,
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@given(SCHEDULES, MOMENTS)
def test_a_message_leaves_later_never_earlier_within_sixteen_days_and_never_in_quiet_hours(schedule, now):
    found = not_before(schedule, now)

    assert now <= found <= now + timedelta(days=16)
    assert not_before(Schedule(schedule.zone, schedule.quiet), found) == found
