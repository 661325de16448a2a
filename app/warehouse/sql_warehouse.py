"""Scans on any SQL database: generated statements around a guarded base query, rows made alike whatever the driver."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeAlias, cast
from uuid import UUID

from app.kernel.intervals import Interval
from app.warehouse.contracts import (
    MOST_JSON_ROWS,
    Arrivals,
    BreakdownCount,
    BucketCount,
    Column,
    ColumnKind,
    Group,
    GroupKey,
    JsonPathSample,
    Preview,
    QueryFailed,
    ScanQuery,
    TimeWindow,
    TooManyRows,
    Value,
)
from app.warehouse.dialect import Dialect, Statement
from app.warehouse.guard import NotReadOnly, check_query
from app.warehouse.json_paths import paths_of

Row: TypeAlias = Sequence[Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OTHER = "Other"


class RowLink(Protocol):
    """An open connection that answers statements."""

    def rows(self, sql: str, parameters: Mapping[str, Any], *, most: int, timeout_seconds: float) -> list[Row]:
        """The statement's rows. Errors: TooManyRows, ConnectionFault, QueryFailed."""
        ...

    def close(self) -> None:
        """Give the connection back; never raises."""
        ...


Describe: TypeAlias = Callable[[str, float], Sequence[Column]]
Look: TypeAlias = Callable[[datetime | None], Arrivals | None]


class DialectWarehouse:
    """Implements `SqlWarehouse` for one connection. `tables` limits what a base query may name."""

    def __init__(
        self, db_type: str, link: RowLink, dialect: Dialect, describe: Describe, *,
        tables: frozenset[str] | None = None, look: Look | None = None, is_guarded: bool = True,
    ) -> None:  # fmt: skip
        self._db_type = db_type
        self._link = link
        self._dialect = dialect
        self._describe = describe
        self._tables = tables
        self._look = look
        self._is_guarded = is_guarded
        self._known: dict[str, tuple[Column, ...]] = {}

    def columns(self, query: ScanQuery) -> Sequence[Column]:
        """As SqlWarehouse."""
        known = self._known.get(query.base_query)
        if known is None:
            if self._is_guarded:
                try:
                    check_query(self._db_type, query.base_query, tables=self._tables)
                except NotReadOnly as refusal:
                    raise QueryFailed(refusal.sentence) from None
            known = tuple(self._describe(query.base_query, query.timeout_seconds))
            if len({column.name for column in known}) < len(known):
                raise QueryFailed("The query returns two columns with the same name.")
            self._known[query.base_query] = known
        return known

    def preview(self, query: ScanQuery, window: TimeWindow | None, *, limit: int, with_json_paths: bool) -> Preview:
        """As SqlWarehouse."""
        columns = tuple(self.columns(query))
        rows = self._sample(query, window, columns, limit)
        shown = tuple({column.name: _shown(value, column) for column, value in zip(columns, row, strict=True)} for row in rows)
        found: dict[str, tuple[JsonPathSample, ...]] = {}
        json_columns = tuple(column for column in columns if column.kind is ColumnKind.JSON)
        if with_json_paths and json_columns:
            sample = self._sample(query, window, json_columns, MOST_JSON_ROWS)
            for index, column in enumerate(json_columns):
                found[column.name] = paths_of(column.name, [_opened(row[index]) for row in sample])
        return Preview(columns, shown, found)

    def groups(self, query: ScanQuery, window: TimeWindow | None) -> Sequence[Group]:
        """As SqlWarehouse."""
        statement, keys = self._grouped(query)
        last = self._dialect.latest(query.time) if query.time else "0"
        rows = self._select(statement, query, window, [*keys, self._dialect.count, last], len(keys))
        merged: dict[GroupKey, tuple[int, int | None]] = {}
        for *key, count, newest in rows:
            if not count:
                continue
            made = _key(key, query)
            known, latest = merged.get(made, (0, None))
            times = [int(time) for time in (newest, latest) if query.time and time is not None]
            merged[made] = (known + int(count), max(times, default=None))
        found = [Group(key, count, _moment_in_range(newest)) for key, (count, newest) in merged.items()]
        return sorted(found, key=lambda group: -group.count)

    def bucket_counts(self, query: ScanQuery, window: TimeWindow, interval: Interval) -> Sequence[BucketCount]:
        """As SqlWarehouse."""
        if query.time is None:
            raise QueryFailed("A time column is needed to count by time.")
        statement, keys = self._grouped(query)
        bucket = self._dialect.bucket(query.time, interval)
        rows = self._select(statement, query, window, [bucket, *keys, self._dialect.count], len(keys) + 1)
        counts: dict[tuple[datetime, GroupKey], int] = {}
        for start, *key, count in rows:
            place = (_moment(int(start) * 1_000_000), _key(key, query))
            counts[place] = counts.get(place, 0) + int(count)
        return [BucketCount(start, key, count) for (start, key), count in counts.items()]

    def top_values(self, query: ScanQuery, column: str, window: TimeWindow, limit: int) -> Sequence[Value]:
        """As SqlWarehouse."""
        described = self._column(query, column)
        value = self._dialect.breakdown_value(described)
        statement = Statement()
        order = f"{self._dialect.count} DESC, {self._dialect.tie_order(value, described)}"
        rows = self._select(statement, query, window, [value, self._dialect.count], 1, order=order, limit=limit)
        return ["" if row[0] is None else _value(row[0]) for row in rows]

    def breakdown_counts(
        self, query: ScanQuery, column: str, keep: Sequence[Value] | None, window: TimeWindow, interval: Interval
    ) -> Sequence[BreakdownCount]:
        """As SqlWarehouse."""
        if query.time is None:
            raise QueryFailed("A time column is needed to count by time.")
        described = self._column(query, column)
        statement, keys = self._grouped(query)
        bucket, value = self._dialect.bucket(query.time, interval), self._dialect.breakdown_value(described)
        folding = []
        if keep is not None:
            is_kept = self._dialect.one_of(statement, described, keep)
            folding, value = [f"CASE WHEN {is_kept} THEN 0 ELSE 1 END"], f"CASE WHEN {is_kept} THEN {value} END"
        grouped = [bucket, *keys, value, *folding]
        counts: dict[tuple[datetime, GroupKey, Value, bool], int] = {}
        for row in self._select(statement, query, window, [*grouped, self._dialect.count], len(grouped)):
            key, found = row[1 : len(keys) + 1], row[len(keys) + 1]
            is_other = keep is not None and bool(row[-2])
            shown: Value = OTHER if is_other else "" if found is None else _value(found)
            place = (_moment(int(row[0]) * 1_000_000), _key(key, query), shown, is_other)
            counts[place] = counts.get(place, 0) + int(row[-1])
        return [BreakdownCount(*place, count) for place, count in counts.items()]

    def arrivals(self, query: ScanQuery, after: datetime | None) -> Arrivals | None:
        """As SqlWarehouse; only the product's own store can tell."""
        del query
        return self._look(after) if self._look else None

    def close(self) -> None:
        """As SqlWarehouse."""
        self._link.close()

    def _column(self, query: ScanQuery, name: str) -> Column:
        found = next((column for column in self.columns(query) if column.name == name), None)
        if found is None:
            raise QueryFailed("The query no longer returns a column that the scan uses.", column=name)
        return found

    def _grouped(self, query: ScanQuery) -> tuple[Statement, list[str]]:
        """A statement with the parameters of the query's grouping, and the expressions of its key."""
        statement = Statement()
        keys = [self._dialect.scalar(self._column(query, name)) for name in query.group_columns]
        keys += [self._dialect.json_paths(self._column(query, name)) for name in query.json_columns]
        keys += [self._dialect.json_value(statement, self._column(query, path.column), path) for path in query.json_value_paths]
        return statement, keys

    def _select(
        self, statement: Statement, query: ScanQuery, window: TimeWindow | None, expressions: Sequence[str], key_count: int, *,
        order: str = "", limit: int | None = None,
    ) -> list[Row]:  # fmt: skip
        """Rows of an aggregate statement, whose first expressions are what is grouped by."""
        self.columns(query)  # also for a query that groups by nothing: that is where the guard stands
        named = ", ".join(f"{expression} AS plumbline_{index}" for index, expression in enumerate(expressions))
        sql = f"SELECT {named} FROM {self._dialect.embedded(query.base_query)}"
        if query.time:
            self._column(query, query.time.name)
        if window is not None:
            if query.time is None:
                raise QueryFailed("A time column is needed to read a window of time.")
            sql += f" WHERE {self._dialect.within(statement, query.time, window)}"
        if key_count:
            sql += " GROUP BY " + ", ".join(f"plumbline_{index}" for index in range(key_count))
        if order:
            sql += f" ORDER BY {order}"
        sql += f" LIMIT {limit if limit is not None else query.row_limit + 1}"
        return self._link.rows(
            sql, statement.parameters, most=limit if limit is not None else query.row_limit, timeout_seconds=query.timeout_seconds
        )

    def _sample(self, query: ScanQuery, window: TimeWindow | None, columns: Sequence[Column], limit: int) -> list[Row]:
        statement = Statement()
        shown = ", ".join(
            self._dialect.json_text(column) if column.kind is ColumnKind.JSON else self._dialect.scalar(column)
            for column in columns
        )
        sql = f"SELECT {shown} FROM {self._dialect.embedded(query.base_query)}"
        if window is not None:
            if query.time is None:
                raise QueryFailed("A time column is needed to read a window of time.")
            self._column(query, query.time.name)
            sql += f" WHERE {self._dialect.within(statement, query.time, window)}"
        sql += f" LIMIT {limit}"
        try:
            return self._link.rows(sql, statement.parameters, most=limit, timeout_seconds=query.timeout_seconds)
        except TooManyRows:
            return []


def _key(parts: Sequence[Any], query: ScanQuery) -> GroupKey:
    scalars = len(query.group_columns)
    objects = scalars + len(query.json_columns)
    return GroupKey(
        tuple(_value(part) for part in parts[:scalars]),
        tuple(None if part is None else tuple(cast(list[str], json.loads(part))) for part in parts[scalars:objects]),
        tuple(_json_text(part) for part in parts[objects:]),
    )


def _value(value: Any) -> Value:
    match value:
        case datetime():
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        case None | bool() | int() | float() | Decimal() | str() | date() | UUID() | bytes():
            return value
        case memoryview() | bytearray():
            return bytes(value)
        case _:
            return str(value)


def _json_text(found: Any) -> str | None:
    """The text at a path; objects and lists written the same way whatever the database's spacing and order of keys."""
    if found is None:
        return None
    text = str(found)
    if text[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        except ValueError:
            return text
    return text


def _opened(text: Any) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def _shown(value: Any, column: Column) -> object:
    return _opened(value) if column.kind is ColumnKind.JSON else _value(value)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _moment_in_range(micros: int | None) -> datetime | None:
    """None also for years beyond 1 to 9999, as milliseconds make them that were taken for seconds."""
    try:
        return None if micros is None else _moment(micros)
    except OverflowError:
        return None
