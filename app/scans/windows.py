"""Which buckets a run collects, when a config is due, and how long it rests after failures. Pure (contract 5.1, 5.2, 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kernel.errors import BadRequest, InvalidInput
from app.kernel.intervals import Interval, ceil_to_bucket, floor_to_bucket

FIRST_RUN_INTERVALS = 30
LONGEST_LOOK_BACK = timedelta(days=60)
# Event stores fill with a short delay and several writers are not in step; a row may become readable a while after rows that
# were received later. Each look at arrivals therefore overlaps the one before.
ARRIVAL_OVERLAP = timedelta(minutes=15)
FAILURES_BEFORE_BACK_OFF = 3
MOST_INTERVALS_OF_REST = 8
LONGEST_REST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open range [start, stop); both are bucket starts."""

    start: datetime
    stop: datetime

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to collect."""
        return self.start >= self.stop


def collection_window(
    now: datetime, interval: Interval, *, collected_until: datetime | None, oldest_arrival: datetime | None
) -> Window:
    """The buckets of a normal run; it ends before the bucket that `now` is in, which is still incomplete.

    `collected_until` is the end of what earlier runs collected; `oldest_arrival` the oldest event time among rows received
    since then (in a first run: among all rows). Late rows pull the start down, at most 60 days before the end.
    """
    stop = floor_to_bucket(now, interval)
    if collected_until is None:
        start = stop - FIRST_RUN_INTERVALS * interval.duration
    else:
        start = floor_to_bucket(collected_until, interval) - interval.duration
    if oldest_arrival is not None:
        start = min(start, max(floor_to_bucket(oldest_arrival, interval), floor_to_bucket(stop - LONGEST_LOOK_BACK, interval)))
    return Window(min(start, stop), stop)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What was counted soon after a warehouse had been away: hours from `start` on, first counted at `since`.

    Whoever fills the warehouse was held up as well and catches up only now, so they are counted once more, an interval later.
    """

    start: datetime
    since: datetime


def second_look(
    now: datetime, interval: Interval, window: Window, *, has_failed: bool, known: SecondLook | None
) -> SecondLook | None:
    """What still wants another look after a run at `now`; `has_failed` and `known` are those of the run before."""
    if has_failed:
        return SecondLook(window.start, now)
    return known if known is not None and now - known.since < interval.duration else None


def replay_window(time_from: datetime, time_to: datetime, interval: Interval, now: datetime) -> Window:
    """The buckets of a replay: the range asked for, widened to whole buckets.

    Errors: InvalidInput when it is empty, BadRequest when it reaches into the bucket that is not complete yet.
    """
    if time_from >= time_to:
        raise InvalidInput("time_from must be before time_to", field="time_from")
    window = Window(floor_to_bucket(time_from, interval), ceil_to_bucket(time_to, interval))
    complete_until = floor_to_bucket(now, interval)
    if window.stop > complete_until:
        raise BadRequest(f"time_to may not be after the last complete bucket, which ends at {complete_until:%Y-%m-%dT%H:%M:%SZ}")
    return window


def chunk_width(interval: Interval, chunk_interval: Interval | None) -> timedelta | None:
    """The width of a run's chunks, never narrower than a bucket; None when the config names none. All widths divide each other."""
    return None if chunk_interval is None else max(chunk_interval.duration, interval.duration)


def chunks(window: Window, width: timedelta | None) -> Iterator[Window]:
    """The window in consecutive pieces of at most `width`, oldest first; one piece when there is no width."""
    start = window.start
    while start < window.stop:
        stop = window.stop if width is None else min(start + width, window.stop)
        yield Window(start, stop)
        start = stop


def rest_after_failures(interval: Interval, consecutive_failures: int) -> timedelta | None:
    """How long a config rests after so many failures in a row; None while it is tried again at the next occasion."""
    if consecutive_failures < FAILURES_BEFORE_BACK_OFF:
        return None
    # Beyond the cap the exponent no longer matters; bounding it keeps the number small.
    doublings = min(consecutive_failures - FAILURES_BEFORE_BACK_OFF, MOST_INTERVALS_OF_REST)
    rest = min(interval.duration * (1 << doublings), interval.duration * MOST_INTERVALS_OF_REST, LONGEST_REST)
    return max(rest, interval.duration)
