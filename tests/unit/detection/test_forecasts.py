from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.detection.contracts import DetectionSettings
from app.detection.forecasts import next_bucket
from app.kernel.intervals import Interval
from app.metrics.contracts import ScopeType, Series, SeriesKey

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def hourly(counts: list[int | None]) -> Series:
    buckets = [MONDAY + timedelta(hours=hour) for hour in range(len(counts))]
    return Series(SeriesKey("scan", ScopeType.EVENT, "event"), Interval.HOUR, buckets, counts)


def test_the_next_bucket_follows_the_hour_of_the_day():
    day = [10 * (hour + 1) for hour in range(24)]
    [point] = next_bucket(hourly((day * 5)[: 4 * 24 + 9]), DetectionSettings())
    assert point.bucket == MONDAY + timedelta(hours=4 * 24 + 9)
    assert point.expected_count == pytest.approx(100, rel=0.05) and point.stddev > 0


def test_small_counts_have_a_forecast_too():
    [point] = next_bucket(hourly([1] * 100), DetectionSettings())
    assert point.expected_count == pytest.approx(1)


@pytest.mark.parametrize("counts", [[], [5] * 47, [None] * 100])
def test_less_than_two_days_of_hours_have_none(counts: list[int | None]):
    assert next_bucket(hourly(counts), DetectionSettings()) == []


def test_asking_again_gives_the_same_answer_and_other_counts_or_settings_their_own():
    counts: list[int | None] = [10 * (hour % 24 + 1) for hour in range(24 * 5)]
    first = next_bucket(hourly(counts), DetectionSettings())
    first.clear()
    [kept] = next_bucket(hourly(counts), DetectionSettings())
    [other] = next_bucket(hourly([3 * (count or 0) for count in counts]), DetectionSettings())
    assert other.expected_count == pytest.approx(3 * kept.expected_count, rel=0.05)
    assert next_bucket(hourly(counts), DetectionSettings(min_history_buckets=2000)) == []
