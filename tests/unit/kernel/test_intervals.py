from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.intervals import Interval, bucket_index, buckets_between, ceil_to_bucket, floor_to_bucket

moments = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
intervals = st.sampled_from(Interval)


@given(moments, intervals)
def test_a_moment_lies_in_exactly_the_bucket_it_is_floored_to(moment: datetime, interval: Interval) -> None:
    start = floor_to_bucket(moment, interval)
    assert start <= moment < start + interval.duration
    assert floor_to_bucket(start, interval) == start
    assert bucket_index(start + interval.duration, interval) == bucket_index(moment, interval) + 1


@given(moments, intervals)
def test_ceil_is_the_floor_of_a_bucket_start_and_the_next_start_otherwise(moment: datetime, interval: Interval) -> None:
    start = floor_to_bucket(moment, interval)
    assert ceil_to_bucket(moment, interval) in (start, start + interval.duration)
    assert ceil_to_bucket(start, interval) == start


@given(moments)
def test_weeks_start_on_monday_at_midnight(moment: datetime) -> None:
    start = floor_to_bucket(moment, Interval.WEEK)
    assert (start.weekday(), start.hour, start.minute) == (0, 0, 0)


def test_a_window_is_half_open() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert list(buckets_between(noon, noon + timedelta(hours=2), Interval.HOUR)) == [noon, noon + timedelta(hours=1)]
    assert list(buckets_between(noon + timedelta(minutes=1), noon + timedelta(hours=1), Interval.HOUR)) == []


@pytest.mark.parametrize("interval", Interval)
def test_seasonal_periods_are_listed_longest_first(interval: Interval) -> None:
    assert list(interval.seasonal_periods) == sorted(interval.seasonal_periods, reverse=True)
