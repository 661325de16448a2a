"""Numbers and times as people read them. Pure functions; every time text names its zone."""

from __future__ import annotations

from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ZONE_COOKIE = "plumbline_zone"
NO_VALUE = "–"
_SPACE = "\u00a0"
_MINUS = "\u2212"
_STEPS = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))
_MINUTE = 60
_HOUR = 3600
_DAY = 86_400


def full_number(value: float | None) -> str:
    """Grouped by thousands, rounded to a whole: 1204.4 -> "1,204"; a dash for None."""
    if value is None:
        return NO_VALUE
    return f"{round(value):,}".replace("-", _MINUS)


def compact_number(value: float | None) -> str:
    """At most four characters and a unit: 999, 1.2k, 48k, 3.4M; a dash for None."""
    if value is None:
        return NO_VALUE
    sign, size = (_MINUS, -value) if value < 0 else ("", value)
    for step, unit in _STEPS:
        # 999,600 would print as "1000k"; what rounds up to the next unit is told in it.
        if size >= step * 0.9995:
            scaled = size / step
            return f"{sign}{scaled:.1f}".removesuffix(".0") + unit if scaled < 9.95 else f"{sign}{scaled:.0f}{unit}"
    return f"{sign}{size:.1f}".removesuffix(".0") if size < 9.95 else f"{sign}{size:.0f}"


def percent(ratio: float | None, *, signed: bool = False) -> str:
    """0.834 -> "83 %"; with `signed`, "+83 %" and "−83 %". Over tenfold reads "12×"; a dash for None."""
    if ratio is None:
        return NO_VALUE
    if signed and ratio >= 10:
        return f"{ratio + 1:,.0f}×"
    size = abs(ratio) * 100
    digits = f"{size:.1f}".removesuffix(".0") if 0 < size < 9.95 else f"{size:.0f}"
    sign = _MINUS if ratio < 0 and digits != "0" else "+" if signed and digits != "0" else ""
    return f"{sign}{digits}{_SPACE}%"


def change(current: float, before: float) -> float | None:
    """Relative change; None when there was nothing before."""
    return None if before == 0 else current / before - 1


def deviation(actual: float, expected: float) -> str:
    """How far a count lies from what was expected: "−83 % vs expected 1,204"."""
    ratio = change(actual, expected)
    if ratio is None:
        return f"{full_number(actual)} where none was expected"
    return f"{percent(ratio, signed=True)} vs expected {full_number(expected)}"


def duration(seconds: float) -> str:
    """The two largest units: "45 s", "12 min", "2 h 15 min", "3 d 4 h"."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole}{_SPACE}s"
    # Rounding comes before the choice of unit, else 59.5 minutes would be "60 min".
    total_minutes = round(whole / _MINUTE)
    if total_minutes < 60:
        return f"{total_minutes}{_SPACE}min"
    if total_minutes < 24 * 60:
        hours, minutes = divmod(total_minutes, 60)
        return f"{hours}{_SPACE}h" + (f" {minutes}{_SPACE}min" if minutes else "")
    days, hours = divmod(round(whole / _HOUR), 24)
    return f"{days}{_SPACE}d" + (f" {hours}{_SPACE}h" if hours else "")


def ago(moment: datetime | None, now: datetime) -> str:
    """Distance to now in one unit: "just now", "5 min ago", "in 2 h"; "never" for None."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    if size < 45:
        return "just now"
    for limit, width, unit in ((_HOUR, _MINUTE, "min"), (_DAY, _HOUR, "h"), (float("inf"), _DAY, "d")):
        if size < limit:
            text = f"{max(1, round(size / width))}{_SPACE}{unit}"
            return f"{text} ago" if seconds > 0 else f"in {text}"
    raise AssertionError("the last limit is infinite")


def zone_from_cookies(header: str | None) -> ZoneInfo:
    """The viewer's zone as their browser told it (`plumbline_zone`); UTC when it is absent or unknown."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(header or "")
        name = unquote(cookies[ZONE_COOKIE].value) if ZONE_COOKIE in cookies else "UTC"
        return ZoneInfo(name)
    except (CookieError, ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def zone_label(zone: ZoneInfo, at: datetime) -> str:
    """The zone in a few characters: "CET", "UTC", or "UTC+5:30" where the zone has no letters."""
    name = at.astimezone(zone).tzname() or "UTC"
    if name[:1].isalpha():
        return name
    offset = at.astimezone(zone).utcoffset()
    minutes = 0 if offset is None else round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return "UTC" if minutes == 0 else f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def local_time(moment: datetime | None, zone: ZoneInfo, *, now: datetime | None = None, seconds: bool = False) -> str:
    """The instant in the viewer's zone: "24 Nov, 14:00 CET"; with the year when it is not the year of `now`."""
    if moment is None:
        return NO_VALUE
    local = moment.astimezone(zone)
    year = "" if now is not None and now.astimezone(zone).year == local.year else f" {local.year}"
    clock = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    return f"{local.day} {local:%b}{year}, {clock} {zone_label(zone, moment)}"


def day_text(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The day in the viewer's zone: "Today", "Yesterday", "Tue 24 Nov", with the year when it is another one."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    back = (today - local.date()).days
    if back in (0, 1):
        return "Yesterday" if back else "Today"
    return f"{local:%a} {local.day} {local:%b}" + ("" if local.year == today.year else f" {local.year}")


def iso_utc(moment: datetime | None) -> str:
    """For `datetime` attributes: "2026-11-24T13:00:00Z"; empty for None."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
