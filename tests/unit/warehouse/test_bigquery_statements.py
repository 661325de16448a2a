"""Statements for BigQuery: well-formed in its dialect, values as parameters, names quoted, and what it cannot do refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from app.kernel.intervals import Interval
from app.warehouse.contracts import Column, ColumnKind, JsonPath, QueryFailed, ScanQuery, TimeColumn, TimeKind, TimeWindow
from app.warehouse.dialect_bigquery import BigQueryDialect
from app.warehouse.sql_warehouse import DialectWarehouse

COLUMNS = (
    Column("name", "STRING", True),
    Column("amount", "INTEGER", True),
    Column("tags", "ARRAY<STRING>", False),
    Column("payload", "JSON", True, ColumnKind.JSON),
    Column("device", "RECORD", True, ColumnKind.JSON),
    Column("time", "TIMESTAMP", True, time_kind=TimeKind.INSTANT),
    Column("wall", "DATETIME", True, time_kind=TimeKind.WALL_CLOCK),
    Column("day", "DATE", True, time_kind=TimeKind.DATE),
)
WINDOW = TimeWindow(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


class Recorder:
    """Takes statements, checks that they parse, and answers with nothing."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.parameters: list[Mapping[str, Any]] = []

    def rows(self, sql: str, parameters: Mapping[str, Any], *, most: int, timeout_seconds: float) -> list[Sequence[Any]]:
        (tree,) = sqlglot.parse(sql, read="bigquery")
        assert isinstance(tree, exp.Select)
        assert {parameter.name for parameter in tree.find_all(exp.Parameter)} == set(parameters)
        self.sql.append(sql)
        self.parameters.append(parameters)
        return []

    def close(self) -> None:
        return


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def warehouse(recorder) -> DialectWarehouse:
    return DialectWarehouse("bigquery", recorder, BigQueryDialect(), lambda query, seconds: COLUMNS)


def query(time: TimeColumn | None = None) -> ScanQuery:
    return ScanQuery(
        "SELECT * FROM `shop.events`",
        group_columns=("name", "amount", "tags"),
        json_columns=("payload", "device"),
        json_value_paths=(JsonPath("payload", ("a b", 'it\'s "x"')), JsonPath("device", ("os",))),
        time=time or TimeColumn("time", TimeKind.INSTANT),
    )


@pytest.mark.parametrize("kind", list(TimeKind))
@pytest.mark.parametrize("interval", list(Interval))
def test_every_statement_of_a_scan_is_well_formed(warehouse, recorder, kind, interval):
    time = TimeColumn({TimeKind.INSTANT: "time", TimeKind.WALL_CLOCK: "wall", TimeKind.DATE: "day"}[kind], kind)
    asked = query(time)
    warehouse.groups(asked, WINDOW)
    warehouse.preview(asked, WINDOW, limit=10, with_json_paths=True)
    for column, kept in (("name", ["a", "", "it's"]), ("amount", [1, ""]), ("day", [WINDOW.start.date()])):
        warehouse.top_values(asked, column, WINDOW, 3)
        if kind is not TimeKind.DATE or interval in (Interval.DAY, Interval.WEEK):
            warehouse.breakdown_counts(asked, column, kept, WINDOW, interval)
            warehouse.breakdown_counts(asked, column, None, WINDOW, interval)
            warehouse.bucket_counts(asked, WINDOW, interval)
    assert all("LIMIT" in sql for sql in recorder.sql)
    assert ("TIMESTAMP", WINDOW.start) in recorder.parameters[0].values()


@pytest.mark.parametrize("interval", [Interval.QUARTER_HOUR, Interval.HOUR, Interval.SIX_HOURS])
def test_a_date_has_no_hours_to_count_by(warehouse, interval):
    with pytest.raises(QueryFailed, match="by day or by week"):
        warehouse.bucket_counts(query(TimeColumn("day", TimeKind.DATE)), WINDOW, interval)


def test_a_hostile_base_query_is_refused_by_the_adapter_itself(warehouse, recorder):
    with pytest.raises(QueryFailed):
        warehouse.groups(ScanQuery("SELECT * FROM EXTERNAL_QUERY('c', 'DROP TABLE x')"), None)
    assert recorder.sql == []
