"""The SQL we generate answers on real servers what a naive reader of the same rows answers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from app.kernel.intervals import Interval
from app.warehouse.contracts import JsonPath, QueryFailed, ScanQuery, TimeColumn, TimeKind, TimeWindow, TooManyRows
from app.warehouse.sql_warehouse import OTHER
from tests.integration.warehouse.conftest import ROWS, Database
from tests.integration.warehouse.rows import WINDOW, counted, inside, top

pytestmark = pytest.mark.postgres

TIME = TimeColumn("time", TimeKind.INSTANT)
DAY = TimeColumn("day", TimeKind.DATE)


@pytest.fixture(params=["postgres", "clickhouse", "bigquery"])
def database(request) -> Database:
    return request.getfixturevalue(f"{request.param}_rows")


def wall(database) -> TimeColumn:
    return TimeColumn("wall", TimeKind.INSTANT if database.connection.db_type == "clickhouse" else TimeKind.WALL_CLOCK)


def query(database, **changes) -> ScanQuery:
    return ScanQuery(**{"base_query": database.base_query, "time": TIME, "timeout_seconds": 20, **changes})


@pytest.mark.parametrize("interval", list(Interval))
@pytest.mark.parametrize("column", ["time", "wall", "day"])
def test_buckets_are_those_of_the_epoch_whatever_the_zone_of_session_column_and_row(warehouse, database, interval, column):
    time = {"time": TIME, "wall": wall(database), "day": DAY}[column]
    asked = query(database, time=time, group_columns=("source", "name"))
    if database.connection.db_type == "bigquery" and column == "day" and interval not in (Interval.DAY, Interval.WEEK):
        with pytest.raises(QueryFailed, match="by day or by week"):
            warehouse.bucket_counts(asked, WINDOW, interval)
        return
    found = {(row.bucket, row.key.values): row.count for row in warehouse.bucket_counts(asked, WINDOW, interval)}
    assert found == counted(ROWS, time, WINDOW, interval, lambda row: (row.source, row.name))
    assert all(bucket.utcoffset() == timedelta(0) for bucket, _ in found)


def test_a_window_holds_its_start_and_not_its_stop(warehouse, database):
    for start in (WINDOW.start, WINDOW.start + timedelta(microseconds=1), WINDOW.start - timedelta(microseconds=1)):
        window = TimeWindow(start, datetime(2026, 3, 30, tzinfo=UTC))
        rows = warehouse.bucket_counts(query(database), window, Interval.WEEK)
        assert sum(row.count for row in rows) == sum(inside(row, TIME, window) for row in ROWS)


def test_rows_before_1970_and_without_a_time_are_where_they_belong(warehouse, database):
    window = TimeWindow(datetime(1969, 1, 1, tzinfo=UTC), datetime(1971, 1, 1, tzinfo=UTC))
    (row,) = warehouse.bucket_counts(query(database), window, Interval.HOUR)
    assert (row.bucket, row.count) == (datetime(1969, 12, 31, 23, tzinfo=UTC), 1)
    (week,) = warehouse.bucket_counts(query(database), window, Interval.WEEK)
    assert week.bucket == datetime(1969, 12, 29, tzinfo=UTC)


def test_groups_count_every_combination_with_its_newest_row(warehouse, database):
    columns = ("source", "name", "platform", "amount", "is_paid")
    for window in (WINDOW, None):
        groups = warehouse.groups(query(database, group_columns=columns), window)
        rows = [row for row in ROWS if window is None or inside(row, TIME, window)]
        assert {group.key.values: group.count for group in groups} == Counter(
            tuple(getattr(row, name) for name in columns) for row in rows
        )
        assert [group.count for group in groups] == sorted((group.count for group in groups), reverse=True)
        for group in groups:
            times = [
                row.time
                for row in rows
                if tuple(getattr(row, name) for name in columns) == group.key.values and row.time is not None
            ]
            assert group.last_at == max(times, default=None)


def test_without_a_time_column_groups_have_no_newest_row_and_windows_are_refused(warehouse, database):
    asked = query(database, time=None, group_columns=("source",))
    assert all(group.last_at is None for group in warehouse.groups(asked, None))
    for refused in (
        lambda: warehouse.groups(asked, WINDOW),
        lambda: warehouse.bucket_counts(asked, WINDOW, Interval.HOUR),
        lambda: warehouse.preview(asked, WINDOW, limit=1, with_json_paths=False),
    ):
        with pytest.raises(QueryFailed, match="time column"):
            refused()


def test_no_rows_make_no_group(warehouse, database):
    window = TimeWindow(datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
    assert warehouse.groups(query(database), window) == []
    assert warehouse.bucket_counts(query(database, group_columns=("name",)), window, Interval.DAY) == []


def test_a_column_with_a_hostile_name_is_a_column(warehouse, database):
    groups = warehouse.groups(query(database, group_columns=('Odd "Name%',)), None)
    assert {group.key.values[0]: group.count for group in groups} == Counter(row.name for row in ROWS)


def test_one_row_more_than_the_limit_is_too_many_and_nothing_is_cut(warehouse, database):
    everything = warehouse.groups(query(database, group_columns=("id",)), None)
    assert len(everything) == len(ROWS)
    assert len(warehouse.groups(query(database, group_columns=("id",), row_limit=len(ROWS)), None)) == len(ROWS)
    with pytest.raises(TooManyRows) as excess:
        warehouse.groups(query(database, group_columns=("id",), row_limit=len(ROWS) - 1), None)
    assert excess.value.limit == len(ROWS) - 1
    with pytest.raises(TooManyRows):
        warehouse.bucket_counts(query(database, row_limit=3), WINDOW, Interval.DAY)


@pytest.mark.parametrize("column", ["platform", "amount", "is_paid", "name"])
@pytest.mark.parametrize("limit", [1, 2, 4, 100])
def test_the_most_frequent_values_are_kept_and_the_rest_is_other(warehouse, database, column, limit):
    asked = query(database, group_columns=("source",))
    rows = [row for row in ROWS if inside(row, TIME, WINDOW)]
    values = ["" if getattr(row, column) is None else getattr(row, column) for row in rows]
    kept = list(warehouse.top_values(asked, column, WINDOW, limit))
    frequency = Counter(values)
    assert [frequency[value] for value in kept] == [frequency[value] for value in top(values, limit)]
    if column != "amount":
        assert [str(value) for value in kept] == [str(value) for value in top(values, limit)]
    found = warehouse.breakdown_counts(asked, column, kept, WINDOW, Interval.DAY)
    expected = counted(
        ROWS, TIME, WINDOW, Interval.DAY,
        lambda row: (row.source, *_folded(getattr(row, column), kept)),
    )  # fmt: skip
    assert {(row.bucket, (row.key.values[0], row.value, row.is_other)): row.count for row in found} == expected


def test_without_a_limit_every_value_has_its_counts_and_none_is_other(warehouse, database):
    found = warehouse.breakdown_counts(query(database), "platform", None, WINDOW, Interval.WEEK)
    expected = counted(ROWS, TIME, WINDOW, Interval.WEEK, lambda row: (row.platform or "", False))
    assert {(row.bucket, (row.value, row.is_other)): row.count for row in found} == expected


def _folded(value, kept):
    value = "" if value is None else value
    return (value, False) if value in kept else (OTHER, True)


def test_json_columns_group_by_their_sorted_paths_and_by_the_text_at_a_path(warehouse, database):
    paths = (JsonPath("payload", ("screen",)), JsonPath("payload", ("step",)), JsonPath("payload", ("list",)))
    asked = query(database, json_columns=("payload",), json_value_paths=(*paths, JsonPath("payload", ("nested", "deep"))))
    groups = warehouse.groups(asked, None)
    shown = {group.key.json_values: group.count for group in groups if group.key.json_paths[0]}
    texts = {
        (None, None, '[1,{"a":1,"b":2}]', None): [row for row in ROWS if row.payload and "list" in row.payload],
        ("home", "1", None, None): [row for row in ROWS if row.payload and row.payload.get("screen") == "home"],
        ("cart", "2.5", None, None): [row for row in ROWS if row.payload and row.payload.get("screen") == "cart"],
        ("q\"uo'te", None, None, "x"): [row for row in ROWS if row.payload and "nested" in row.payload],
    }
    assert shown == {values: len(rows) for values, rows in texts.items()}
    listed = {paths for group in groups for paths in group.key.json_paths if paths}
    deep = "nested.deep" if database.connection.db_type == "clickhouse" else "nested"
    assert {("screen", "step"), ("paid", "screen", "step"), (deep, "screen")} <= listed


def test_a_preview_shows_columns_rows_and_paths(warehouse, database):
    preview = warehouse.preview(query(database), None, limit=5, with_json_paths=True)
    columns = {column.name: column for column in preview.columns}
    assert list(columns) == [
        "id", "source", "name", "time", "wall", "day", "platform", "amount", "is_paid", "payload", "tags", 'Odd "Name%',
    ]  # fmt: skip
    assert len(preview.rows) == 5 and all(set(row) == set(columns) for row in preview.rows)
    assert columns["time"].time_kind is TimeKind.INSTANT and columns["day"].time_kind is TimeKind.DATE
    assert columns["name"].time_kind is None and columns["payload"].kind.value == "json"
    assert {sample.path.full_path for sample in preview.json_paths["payload"]} >= {"payload.screen", "payload.nested.deep"}
    assert all(len(sample.sample_values) <= 3 for sample in preview.json_paths["payload"])
    assert len(warehouse.preview(query(database), WINDOW, limit=3, with_json_paths=False).rows) == 3


ODD = {
    "postgres": (
        "SELECT CASE id % 4 WHEN 0 THEN 'infinity' WHEN 1 THEN '12345-01-01' WHEN 2 THEN NULL ELSE '2026-03-01' END::date AS odd,"
        " CASE id % 2 WHEN 0 THEN '57000-01-01Z' ELSE '0044-03-15 BC' END::timestamptz AS far, time FROM rows",
        ["infinity", "12345-01-01", None, date(2026, 3, 1)],
    ),
    "clickhouse": (
        "SELECT multiIf(id % 4 = 0, 'x'::Dynamic, id % 4 = 1, 5::Dynamic, id % 4 = 2, NULL, [1, 2]::Dynamic) AS odd,"
        " toDateTime64('2299-12-31 23:59:59', 3, 'UTC') AS far, time FROM rows",
        ["x", "5", None, "[1,2]"],
    ),
}


@pytest.mark.parametrize("database", list(ODD), indirect=True)
def test_mixed_types_and_times_beyond_every_calendar_end_no_scan(warehouse, database):
    base_query, odd = ODD[database.connection.db_type]
    asked = query(database, base_query=base_query, group_columns=("odd",), time=TimeColumn("far", TimeKind.INSTANT))
    groups = warehouse.groups(asked, None)
    assert {group.key.values[0]: group.count for group in groups} == Counter(odd[row.id % 4] for row in ROWS)
    assert all(group.last_at is None or group.last_at.year == 2299 for group in groups)
    assert len(warehouse.preview(asked, None, limit=8, with_json_paths=False).rows) == 8
    by_time = query(database, base_query=base_query)
    kept = list(warehouse.top_values(by_time, "odd", WINDOW, 3))
    assert len(kept) == 3
    expected = Counter(
        _folded(odd[row.id % 4], kept) for row in ROWS if inside(row, TIME, WINDOW)
    )  # fmt: skip
    found: Counter = Counter()
    for row in warehouse.breakdown_counts(by_time, "odd", kept, WINDOW, Interval.DAY):
        found[(row.value, row.is_other)] += row.count
    assert found == expected


def test_of_ten_million_names_none_travels(clickhouse_rows):
    opened = clickhouse_rows.open(is_guarded=False)
    names = ScanQuery(
        "SELECT 'n' || toString(number) AS a FROM numbers(10000000)", group_columns=("a",), row_limit=50_000, timeout_seconds=120
    )
    with pytest.raises(TooManyRows):
        opened.groups(names, None)
    opened.close()


def test_a_time_in_text_or_in_seconds_is_converted_in_the_base_query(warehouse, database):
    converted = {
        "postgres": "SELECT to_timestamp(extract(epoch FROM time)) AS a, (time::text)::timestamptz AS b FROM rows",
        "clickhouse": "SELECT fromUnixTimestamp64Micro(toUnixTimestamp64Micro(time)) AS a, "
        "parseDateTime64BestEffortOrNull(toString(wall)) AS b "
        "FROM rows",
        "bigquery": "SELECT TIMESTAMP_MICROS(UNIX_MICROS(time)) AS a, TIMESTAMP(CAST(wall AS STRING)) AS b FROM rows",
    }[database.connection.db_type]
    for name in ("a", "b"):
        asked = query(database, base_query=converted, time=TimeColumn(name, TimeKind.INSTANT))
        window = TimeWindow(WINDOW.start, datetime(2026, 3, 30, tzinfo=UTC))
        found = {row.bucket: row.count for row in warehouse.bucket_counts(asked, window, Interval.DAY)}
        expected = counted(ROWS, TIME, window, Interval.DAY, lambda row: ())
        assert found == {bucket: count for (bucket, _), count in expected.items()}


def test_a_column_that_is_gone_is_named(warehouse, database):
    for asked in (
        lambda: warehouse.groups(query(database, group_columns=("gone",)), None),
        lambda: warehouse.columns(query(database, base_query="SELECT gone FROM rows")),
        lambda: warehouse.top_values(query(database), "gone", WINDOW, 3),
    ):
        with pytest.raises(QueryFailed) as refusal:
            asked()
        assert refusal.value.column == "gone"
        assert "gone" not in refusal.value.sentence and "SELECT" not in refusal.value.sentence


@pytest.mark.parametrize(
    "base_query", ["SELECT * FROM nowhere", "SELECT id FROM rows WHERE id > 'x'", "SELECT count(id, id, id) FROM rows"]
)
def test_a_query_the_database_refuses_ends_in_a_curated_sentence(warehouse, database, base_query):
    with pytest.raises(QueryFailed) as refusal:
        warehouse.columns(query(database, base_query=base_query))
        warehouse.groups(query(database, base_query=base_query, time=None), None)
    assert "rows" not in refusal.value.sentence.replace("rows or", "") and "nowhere" not in refusal.value.sentence
