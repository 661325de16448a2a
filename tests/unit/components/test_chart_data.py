"""Rows of charts, sparks and the heatmap."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from components.chart_data import ChartPoint, band_text, bucket_text, chart_data, heat_data, spark_path

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


def hours(values, **kwargs):
    return [ChartPoint(START + HOUR * index, value, **kwargs) for index, value in enumerate(values)]


def test_no_points_make_no_chart():
    assert chart_data([], BERLIN, 3600, subject="Orders").rows == []


def test_each_row_names_its_hour_and_zone():
    data = chart_data(hours([5]), BERLIN, 3600, subject="Orders", now=START)
    assert data.rows[0].when == "Mon 23 Nov, 01:00–02:00 CET"
    assert data.zone == "CET"


def test_a_day_bucket_names_both_ends():
    assert bucket_text(START, 86_400, BERLIN, now=START) == "Mon 23 Nov 01:00 to Tue 24 Nov 01:00 CET"


def test_an_uncollected_hour_is_a_gap_and_says_so():
    data = chart_data(hours([5, None, 7]), BERLIN, 3600, subject="Orders")
    assert [row.value for row in data.rows] == [5, None, 7]
    assert data.rows[1].value_text == "not collected"
    assert [row.lone for row in data.rows] == [True, False, True]


def test_the_band_never_goes_below_nothing():
    data = chart_data(hours([5], expected=4.0, low=-3.0, high=11.0), BERLIN, 3600, subject="Orders")
    assert data.rows[0].band == [0.0, 11.0]
    assert band_text(data.rows[0]) == "0 to 11"
    assert data.has_band


def test_an_unjudged_point_has_no_band():
    data = chart_data(hours([5]), BERLIN, 3600, subject="Orders")
    assert data.rows[0].band is None
    assert not data.has_band


def test_an_anomaly_says_how_far_it_is_off():
    data = chart_data(hours([2], expected=10.0, low=5.0, high=15.0, mark="drop"), BERLIN, 3600, subject="Orders")
    assert data.rows[0].note == "\u221280\u00a0% vs expected 10"
    assert data.mark_count == 1


def test_the_summary_is_one_sentence():
    data = chart_data(hours([2, 8]), BERLIN, 3600, subject="Orders", now=START)
    assert data.summary == (
        "Orders from 23 Nov, 01:00 CET to 23 Nov, 02:00 CET: 10 in all, between 2 and 8 per bucket, no anomalies."
    )


def test_nothing_collected_is_told():
    data = chart_data(hours([None]), BERLIN, 3600, subject="Orders")
    assert data.summary.endswith("nothing was collected.")


def test_a_week_is_ticked_at_local_midnights():
    data = chart_data(hours([1] * 24 * 7), BERLIN, 3600, subject="Orders")
    assert len(data.ticks) <= 8
    midnight = next(row for row in data.rows if row.when == "Tue 24 Nov 2026, 00:00–01:00 CET")
    assert data.ticks[0] == midnight.at
    assert data.tick_labels[midnight.at] == "24 Nov"


def test_day_buckets_off_local_midnight_still_get_ticks():
    points = [ChartPoint(START + timedelta(days=day), day) for day in range(30)]
    data = chart_data(points, BERLIN, 86_400, subject="Orders")
    assert 4 <= len(data.ticks) <= 12


def test_sparks_leave_holes_where_nobody_counted():
    assert spark_path([]) == ""
    assert spark_path([1, None, 2]).count("M") == 2


def test_a_spark_of_zeros_is_a_line_of_hairs():
    assert spark_path([0, 0]).count("v-0.8") + spark_path([0, 0]).count("v-0.75") == 2


def test_the_week_turns_into_the_viewers_zone():
    data = heat_data({(0, 23): (40, 1)}, BERLIN, START, subject="Orders")
    tuesday = data.rows[1]
    assert tuesday.cells[0].level == 7
    assert tuesday.cells[0].marks == "1"
    assert tuesday.cells[0].tip == "Tue 00:00–01:00 CET: 40, 1 anomaly"
    assert "busiest on Tue at 00:00 CET with 40; 1 anomaly." in data.summary


def test_the_end_of_sunday_turns_into_monday():
    data = heat_data({(6, 23): (5, 0)}, BERLIN, START, subject="Orders")
    assert data.rows[0].cells[0].text == "5"


def test_a_half_hour_zone_stays_in_utc_and_says_so():
    data = heat_data({(0, 0): (5, 0)}, KOLKATA, START, subject="Orders")
    assert data.zone == "UTC"
    assert data.rows[0].cells[0].text == "5"


def test_levels_rise_in_equal_steps_and_nothing_is_level_zero():
    cells = {(0, hour): (hour, 0) for hour in range(8)}
    data = heat_data(cells, ZoneInfo("UTC"), START, subject="Orders")
    assert [cell.level for cell in data.rows[0].cells[:8]] == [0, 2, 3, 4, 5, 6, 7, 7]


def test_an_empty_week_has_no_peak():
    data = heat_data({}, BERLIN, START, subject="Orders")
    assert data.summary == "Orders: nothing counted."
    assert {cell.level for row in data.rows for cell in row.cells} == {0}
