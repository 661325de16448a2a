"""When a message may leave: quiet hours that end, and digests at fixed local times. Pure.

Local times are those of the schedule's zone. One that a clock change skips or repeats is the first instant at which the clock
shows it or something later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(7))
_DAY = timedelta(days=1)


class Rhythm(StrEnum):
    """How often a digest leaves."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From a local time to another one, on the next day when that is earlier. `days` are those on which they begin, Monday is 0."""

    start: time
    end: time
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class Digest:
    """One message for all that fired since the last: each full hour, each day `at`, or each week on `weekday` `at`."""

    every: Rhythm
    at: time = time(9)
    weekday: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule's messages may leave. The empty one holds nothing back."""

    zone: str = "UTC"
    quiet: QuietHours | None = None
    digest: Digest | None = None

    @property
    def holds(self) -> bool:
        """Whether it ever holds a message back."""
        return self.quiet is not None or self.digest is not None


def not_before(schedule: Schedule, now: datetime) -> datetime:
    """The first moment at or after `now` (UTC) at which a message may leave; `now` itself when nothing holds it back.

    A digest that falls into quiet hours leaves when they end.
    """
    zone = ZoneInfo(schedule.zone)
    at = now if schedule.digest is None else _next_digest(schedule.digest, zone, now)
    return at if schedule.quiet is None else _after_quiet(schedule.quiet, zone, at)


def _next_digest(digest: Digest, zone: ZoneInfo, now: datetime) -> datetime:
    if digest.every is Rhythm.HOUR:
        full = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return full if full == now else full + timedelta(hours=1)
    day = now.astimezone(zone).date() - _DAY
    while True:
        at = _instant(day, digest.at, zone)
        if at >= now and (digest.every is Rhythm.DAY or day.weekday() == digest.weekday):
            return at
        day += _DAY


def _after_quiet(quiet: QuietHours, zone: ZoneInfo, at: datetime) -> datetime:
    # Quiet hours of one day may end within those of the next, so the end is looked at again; a week of looks is enough, and
    # hours without a break would hold a message for ever otherwise.
    for _ in range(8):
        end = _end_around(quiet, zone, at)
        if end is None:
            return at
        at = end
    return at


def _end_around(quiet: QuietHours, zone: ZoneInfo, at: datetime) -> datetime | None:
    today = at.astimezone(zone).date()
    for day in (today - _DAY, today):
        if day.weekday() not in quiet.days:
            continue
        last = day if quiet.start < quiet.end else day + _DAY
        start, end = _instant(day, quiet.start, zone), _instant(last, quiet.end, zone)
        if start <= at < end:
            return end
    return None


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    local = datetime.combine(day, at, tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # A skipped time: the offset before the gap puts it behind the gap, by as much as was skipped; the gap's end is what counts.
    before = local.replace(fold=1).astimezone(UTC)
    low, high = min(before, moment), max(before, moment)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).replace(tzinfo=None) >= local.replace(tzinfo=None):
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)
