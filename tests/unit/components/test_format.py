"""Numbers and times as people read them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from components.format import (
    ago,
    change,
    compact_number,
    day_text,
    deviation,
    duration,
    full_number,
    iso_utc,
    local_time,
    percent,
    zone_from_cookies,
    zone_label,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
SPACE = "\u00a0"
MINUS = "\u2212"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (0.04, "0"),
        (3.26, "3.3"),
        (999, "999"),
        (999.4, "999"),
        (999.6, "1k"),
        (1000, "1k"),
        (1204, "1.2k"),
        (9949, "9.9k"),
        (9950, "10k"),
        (48_300, "48k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (3_400_000, "3.4M"),
        (2_000_000_000, "2B"),
        (-1204, f"{MINUS}1.2k"),
        (None, "–"),
    ],
)
def test_compact_numbers_take_few_characters(value, text):
    assert compact_number(value) == text


def test_full_numbers_are_grouped_and_rounded():
    assert full_number(1204.4) == "1,204"
    assert full_number(-1204) == f"{MINUS}1,204"
    assert full_number(None) == "–"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.834, f"83{SPACE}%"),
        (0.0123, f"1.2{SPACE}%"),
        (0.02, f"2{SPACE}%"),
        (0, f"0{SPACE}%"),
        (-0.5, f"{MINUS}50{SPACE}%"),
        (None, "–"),
    ],
)
def test_percentages_keep_one_digit_only_when_small(ratio, text):
    assert percent(ratio) == text


def test_signed_percentages_say_more_or_less_and_turn_into_multiples():
    assert percent(0.12, signed=True) == f"+12{SPACE}%"
    assert percent(-0.83, signed=True) == f"{MINUS}83{SPACE}%"
    assert percent(0.0, signed=True) == f"0{SPACE}%"
    assert percent(11.0, signed=True) == "12×"


def test_a_deviation_names_its_size_and_what_was_expected():
    assert deviation(205, 1204) == f"{MINUS}83{SPACE}% vs expected 1,204"
    assert deviation(40, 0) == "40 where none was expected"


def test_there_is_no_change_from_nothing():
    assert change(5, 0) is None
    assert change(5, 4) == 0.25


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, f"0{SPACE}s"),
        (45, f"45{SPACE}s"),
        (720, f"12{SPACE}min"),
        (3570, f"1{SPACE}h"),
        (7200, f"2{SPACE}h"),
        (8100, f"2{SPACE}h 15{SPACE}min"),
        (86_399, f"1{SPACE}d"),
        (273_600, f"3{SPACE}d 4{SPACE}h"),
    ],
)
def test_durations_show_their_two_largest_units(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("back", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5), f"5{SPACE}min ago"),
        (timedelta(hours=3), f"3{SPACE}h ago"),
        (timedelta(days=2), f"2{SPACE}d ago"),
        (timedelta(hours=-2), f"in 2{SPACE}h"),
    ],
)
def test_distances_to_now_have_one_unit(back, text):
    assert ago(NOON - back, NOON) == text


def test_what_never_happened_is_never():
    assert ago(None, NOON) == "never"


def test_times_stand_in_the_viewers_zone_and_name_it():
    assert local_time(NOON, BERLIN, now=NOON) == "24 Nov, 13:00 CET"
    assert local_time(NOON, BERLIN) == "24 Nov 2026, 13:00 CET"
    assert local_time(NOON, KOLKATA, now=NOON) == "24 Nov, 17:30 IST"
    assert local_time(None, BERLIN) == "–"


def test_a_zone_without_letters_shows_its_offset():
    assert zone_label(ZoneInfo("America/Sao_Paulo"), NOON) == "UTC-3"
    assert zone_label(ZoneInfo("Asia/Kathmandu"), NOON) == "UTC+5:45"


def test_days_are_told_as_people_tell_them():
    assert day_text(NOON, BERLIN, NOON) == "Today"
    assert day_text(NOON - timedelta(days=1), BERLIN, NOON) == "Yesterday"
    assert day_text(NOON - timedelta(days=3), BERLIN, NOON) == "Sat 21 Nov"
    assert day_text(NOON - timedelta(days=400), BERLIN, NOON).endswith("2025")


def test_midnight_in_the_viewers_zone_parts_the_days():
    assert day_text(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), BERLIN, NOON) == "Today"


def test_the_machine_form_is_utc():
    assert iso_utc(NOON.astimezone(BERLIN)) == "2026-11-24T12:00:00Z"
    assert iso_utc(None) == ""


@pytest.mark.parametrize(
    ("header", "zone"),
    [
        ("plumbline_zone=Europe%2FBerlin; other=1", "Europe/Berlin"),
        ("other=1", "UTC"),
        ("", "UTC"),
        (None, "UTC"),
        ("plumbline_zone=Nowhere%2FAtAll", "UTC"),
        ("plumbline_zone=..%2F..%2Fetc%2Fpasswd", "UTC"),
        ("plumbline_zone=%00", "UTC"),
        ("plumbline_zone=", "UTC"),
    ],
)
def test_the_zone_comes_from_the_cookie_and_nonsense_is_utc(header, zone):
    assert zone_from_cookies(header) == ZoneInfo(zone)
