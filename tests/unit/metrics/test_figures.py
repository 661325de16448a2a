from datetime import UTC, date, datetime, timedelta

from app.kernel.intervals import Interval
from app.metrics.contracts import DayTotal, ScopeType, SeriesKey
from app.metrics.figures import SeriesBuilder, day_totals, heatmap, sum_between, volume_end

START = datetime(2026, 3, 16, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
KEY = SeriesKey("config", ScopeType.EVENT, "event")


def test_a_covered_bucket_without_a_count_is_zero_and_an_uncovered_one_unknown():
    series = SeriesBuilder([START, START + HOUR, START + 3 * HOUR], Interval.HOUR).build(KEY, [(START + HOUR, 4)])
    assert series.buckets == [START + step * HOUR for step in range(4)]
    assert series.counts == [0, 4, None, 0]


def test_a_count_outside_coverage_stays_unknown():
    series = SeriesBuilder([START, START + 2 * HOUR], Interval.HOUR).build(KEY, [(START + HOUR, 4), (START - HOUR, 1)])
    assert series.counts == [0, None, 0]


def test_without_coverage_a_series_has_no_buckets():
    assert SeriesBuilder([], Interval.HOUR).build(KEY, [(START, 1)]).buckets == []


def test_sums_are_unknown_without_any_covered_bucket():
    series = SeriesBuilder([START, START + HOUR], Interval.HOUR).build(KEY, [(START, 2), (START + HOUR, 3)])
    assert sum_between(series, START, START + HOUR) == 2
    assert sum_between(series, START - HOUR, START) is None


def test_days_end_with_today_and_uncollected_days_are_unknown():
    covered = [START + step * HOUR for step in range(48)]
    series = SeriesBuilder(covered, Interval.HOUR).build(KEY, [(START, 2), (START + 25 * HOUR, 3)])
    assert day_totals(series, 4, START + 60 * HOUR) == [
        DayTotal(date(2026, 3, 15), None),
        DayTotal(date(2026, 3, 16), 2),
        DayTotal(date(2026, 3, 17), 3),
        DayTotal(date(2026, 3, 18), None),
    ]


def test_the_last_day_ends_with_the_newest_bucket_unless_collection_is_stale():
    now = START + 10 * HOUR + timedelta(minutes=5)
    assert volume_end(now, Interval.HOUR, START + 8 * HOUR) == START + 9 * HOUR
    assert volume_end(now, Interval.HOUR, START + 2 * HOUR) == START + 10 * HOUR
    assert volume_end(now, Interval.HOUR, None) == START + 10 * HOUR


def test_heatmap_has_168_cells_from_monday_midnight():
    found = heatmap(KEY, [(START, 1), (START + timedelta(days=7), 2), (START + timedelta(days=6, hours=23), 9)], [START + HOUR])
    assert [(cell.weekday, cell.hour) for cell in found.cells[:2]] == [(0, 0), (0, 1)]
    assert len(found.cells) == 168
    assert found.cells[0].count == 3
    assert found.cells[167].count == 9
    assert found.cells[1].anomaly_count == 1
    assert (found.max_count, found.total_count) == (9, 12)
