from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import BadRequest, InvalidInput
from app.kernel.intervals import Interval, floor_to_bucket
from app.scans.windows import Window, chunks, collection_window, replay_window, rest_after_failures

NOW = datetime(2026, 3, 18, 10, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
intervals = st.sampled_from(list(Interval))
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


def at(hour: int, day: int = 18) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_first_run_covers_thirty_complete_intervals():
    assert collection_window(NOW, Interval.HOUR, collected_until=None, oldest_arrival=None) == Window(at(10) - 30 * HOUR, at(10))


def test_first_run_reaches_down_to_the_oldest_event():
    oldest = datetime(2026, 3, 1, 5, 30, tzinfo=UTC)
    window = collection_window(NOW, Interval.HOUR, collected_until=None, oldest_arrival=oldest)
    assert window == Window(datetime(2026, 3, 1, 5, tzinfo=UTC), at(10))


def test_events_older_than_sixty_days_pull_the_start_down_sixty_days_only():
    window = collection_window(NOW, Interval.HOUR, collected_until=at(9), oldest_arrival=datetime(2020, 1, 1, tzinfo=UTC))
    assert window.start == at(10) - timedelta(days=60)


def test_later_run_repeats_exactly_the_newest_bucket():
    assert collection_window(NOW, Interval.HOUR, collected_until=at(9), oldest_arrival=None) == Window(at(8), at(10))


def test_late_rows_pull_the_start_down_and_recent_rows_do_not_move_it_up():
    late = collection_window(NOW, Interval.HOUR, collected_until=at(9), oldest_arrival=at(3) + timedelta(minutes=59))
    recent = collection_window(NOW, Interval.HOUR, collected_until=at(9), oldest_arrival=at(9))
    assert (late.start, recent.start) == (at(3), at(8))


def test_weekly_windows_start_and_end_on_mondays():
    window = collection_window(NOW, Interval.WEEK, collected_until=None, oldest_arrival=None)
    assert (window.start.weekday(), window.stop) == (0, datetime(2026, 3, 16, tzinfo=UTC))


def test_a_clock_that_went_back_gives_an_empty_window_and_not_a_negative_one():
    window = collection_window(NOW, Interval.HOUR, collected_until=at(20), oldest_arrival=None)
    assert window.is_empty
    assert window.start == window.stop == at(10)


@given(intervals, moments, st.lists(st.integers(1, 400_000), min_size=1, max_size=30))
def test_steady_state_skips_no_bucket_and_repeats_only_the_newest(interval: Interval, start: datetime, gaps: list[int]):
    until, now, earlier = None, start, None
    for gap in gaps:
        now += timedelta(seconds=gap)
        if until is not None and until >= floor_to_bucket(now, interval):
            continue  # no complete bucket waits
        window = collection_window(now, interval, collected_until=until, oldest_arrival=None)
        assert window.start == floor_to_bucket(window.start, interval)
        assert window.stop == floor_to_bucket(now, interval)
        if earlier is not None:
            assert window.start == earlier.stop - interval.duration  # contiguous, one bucket of overlap
            assert window.stop > earlier.stop  # a run that is due brings at least one bucket
        earlier, until = window, window.stop
    assert until == floor_to_bucket(now, interval)


@given(intervals, moments, moments | st.none(), moments | st.none())
def test_window_is_aligned_ends_before_now_and_is_bounded(interval, now, until, oldest):
    window = collection_window(now, interval, collected_until=until, oldest_arrival=oldest)
    assert window.start <= window.stop <= now
    for edge in (window.start, window.stop):
        assert floor_to_bucket(edge, interval) == edge
    regular = collection_window(now, interval, collected_until=until, oldest_arrival=None)
    assert window.start >= min(regular.start, floor_to_bucket(window.stop - timedelta(days=60), interval))


def test_replay_is_widened_to_whole_buckets():
    window = replay_window(at(3) + timedelta(minutes=5), at(6) + timedelta(minutes=1), Interval.HOUR, NOW)
    assert window == Window(at(3), at(7))


def test_replay_may_end_with_the_last_complete_bucket():
    assert replay_window(at(3), at(10), Interval.HOUR, NOW).stop == at(10)


def test_replay_into_the_incomplete_bucket_is_a_bad_request():
    with pytest.raises(BadRequest, match="2026-03-18T10:00:00Z"):
        replay_window(at(3), at(10) + timedelta(minutes=1), Interval.HOUR, NOW)


@pytest.mark.parametrize("stop", [at(3), at(2)])
def test_replay_of_an_empty_range_is_invalid(stop: datetime):
    with pytest.raises(InvalidInput):
        replay_window(at(3), stop, Interval.HOUR, NOW)


@given(moments, st.integers(0, 500), st.integers(1, 50))
def test_chunks_follow_each_other_and_make_up_the_window(start: datetime, hours: int, width: int):
    window = Window(start, start + hours * HOUR)
    pieces = list(chunks(window, width * HOUR))
    assert [piece.start for piece in pieces] == [start + step * HOUR for step in range(0, hours, width)]
    assert all(left.stop == right.start for left, right in pairwise(pieces))
    assert not pieces or pieces[-1].stop == window.stop


def test_without_a_width_the_window_is_one_chunk():
    assert list(chunks(Window(at(1), at(9)), None)) == [Window(at(1), at(9))]


@pytest.mark.parametrize(
    ("interval", "failures", "rest"),
    [
        (Interval.HOUR, 2, None),
        (Interval.HOUR, 3, HOUR),
        (Interval.HOUR, 4, 2 * HOUR),
        (Interval.HOUR, 6, 8 * HOUR),
        (Interval.HOUR, 50, 8 * HOUR),
        (Interval.SIX_HOURS, 5, 24 * HOUR),
        (Interval.DAY, 9, 24 * HOUR),
        (Interval.WEEK, 3, 168 * HOUR),
        (Interval.QUARTER_HOUR, 100_000, 2 * HOUR),
    ],
)
def test_rest_doubles_from_the_third_failure_within_its_bounds(interval, failures, rest):
    assert rest_after_failures(interval, failures) == rest
