"""Times and lengths as the audit log's queries write them: `1d12h` ago, ISO dates, `now()` (contract D.3, D.6). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_PART: Final = re.compile(r"(\d{1,9})(mo|s|m|h|d|w|y)")
_WHOLE: Final = re.compile(r"(?:\d{1,9}(?:mo|s|m|h|d|w|y))+")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000, "y": 31_536_000}
LONGEST: Final = timedelta(days=36_500)


def duration_of(text: str) -> timedelta:
    """A length such as `30s`, `15m`, `1d12h`; a month has 30 days, a year 365. ValueError for anything else and for nothing."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:50]!r} is no duration such as 15m or 1d12h")
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if not 0 < seconds <= LONGEST.total_seconds():
        raise ValueError("a duration lies between one second and a hundred years")
    return timedelta(seconds=seconds)


def moment_of(text: str, now: datetime) -> datetime:
    """A duration ago, `now()`, or an ISO date and time (UTC when it names no zone). ValueError for anything else."""
    text = text.strip()
    if text == "now()":
        return now
    if _WHOLE.fullmatch(text):
        return now - duration_of(text)
    try:
        # A plus sign of an offset arrives as a blank when a client does not escape it.
        moment = datetime.fromisoformat(text.replace(" ", "+") if re.search(r"T.* \d", text) else text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the last hours of the year 9999 lie in the year 10000 elsewhere
        raise ValueError(f"{text[:50]!r} is neither a duration nor an ISO date and time") from None


def window_text(index: int, step: timedelta, start: datetime, stop: datetime) -> str:
    """The window of this number since 1970, clipped to [start, stop), as `<start> - <stop>`."""
    first = datetime(1970, 1, 1, tzinfo=UTC) + index * step
    return f"{max(first, start)} - {min(first + step, stop)}"
