"""What scans ask of a warehouse, whatever the dialect. GROUP BY happens there; only aggregates and a few sample rows travel.

`SqlWarehouse` runs any base query on any source; the short road to the product's own roll-up is in `rollup_contracts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.kernel.intervals import Interval

DEFAULT_TIMEOUT_SECONDS = 300.0
MOST_JSON_PATHS = 1000
MOST_JSON_SAMPLES = 3
MOST_JSON_ROWS = 1000

Value = None | bool | int | float | Decimal | str | date | datetime | UUID | bytes
"""A scalar as a driver returns it. Instants are aware and in UTC; anything else that a driver knows is handed over as text."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Rows that became readable since an earlier look: their oldest event time, and where the next look continues."""

    oldest_time: datetime
    received_until: datetime


class TooManyRows(Exception):
    """The answer has more rows than allowed; nothing of it is to be used."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} rows")
        self.limit = limit


class QueryFailed(Exception):
    """The warehouse refused the query. `sentence` is for the scan's owner: no SQL, host, user name or driver text.

    `column` names the column that the base query no longer has, when that was the reason.
    """

    def __init__(self, sentence: str, *, column: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.column = column


class ColumnKind(StrEnum):
    """What a scan can do with a column."""

    SCALAR = "scalar"
    JSON = "json"


class TimeKind(StrEnum):
    """How a column holds time. A wall clock without zone is read as UTC; a date is the start of its UTC day."""

    INSTANT = "instant"
    WALL_CLOCK = "wall_clock"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the base query; `type_name` is the warehouse's own. `time_kind` is None where it cannot be the event time."""

    name: str
    type_name: str
    is_nullable: bool
    kind: ColumnKind = ColumnKind.SCALAR
    time_kind: TimeKind | None = None


@dataclass(frozen=True, slots=True)
class SourceConnection:
    """How to reach a data source; `app.warehouse.service.open_warehouse(connection)` makes a SqlWarehouse of it.

    `db_type` is clickhouse, postgres or bigquery. With `is_builtin` the rest is empty and the product's event store is meant, its
    table `events` limited to the tenant and project. `password` is plain text here (for BigQuery: the service account's JSON).
    """

    db_type: str
    host: str = ""
    port: int | None = None
    database_name: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    extra_params: Mapping[str, object] = field(default_factory=dict)
    is_builtin: bool = False
    tenant_id: str = ""
    project_id: str = ""
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """The column of the base query that holds the event time."""

    name: str
    kind: TimeKind


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The half-open range [start, stop) of event times, both aware."""

    start: datetime
    stop: datetime


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A place inside a JSON column: keys from the outside in."""

    column: str
    keys: tuple[str, ...]

    @property
    def path(self) -> str:
        """The keys with dots."""
        return ".".join(self.keys)

    @property
    def full_path(self) -> str:
        """`<column>.<path>`, as scan configs and name formats write it."""
        return f"{self.column}.{self.path}"


@dataclass(frozen=True, slots=True)
class ScanQuery:
    """What to read. `base_query` has passed the read-only guard and is only ever embedded as a sub-query.

    The caller chooses the grouping: `group_columns` are scalar columns (the event type column, those of the name format and all
    others that make an event, never the time column), `json_columns` are grouped by the sorted list of their paths, and
    `json_value_paths` by the text found there. Identifiers come from people: adapters quote every one of them.
    """

    base_query: str
    group_columns: tuple[str, ...] = ()
    json_columns: tuple[str, ...] = ()
    json_value_paths: tuple[JsonPath, ...] = ()
    time: TimeColumn | None = None
    row_limit: int = 50_000
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class GroupKey:
    """One distinct combination, in the order of the query's three groupings.

    `json_paths[i]` is the sorted list of paths that the rows hold in `json_columns[i]` (leaf paths with dots where the dialect
    reads any depth, else top-level keys), None where the column is null or no object. `json_values[i]` is the text at
    `json_value_paths[i]`: numbers and booleans as JSON writes them, objects and lists as JSON, None for null and for nothing there.
    """

    values: tuple[Value, ...] = ()
    json_paths: tuple[tuple[str, ...] | None, ...] = ()
    json_values: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one key; `last_at` is their newest event time, None when the query has no time column."""

    key: GroupKey
    count: int
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BucketCount:
    """Rows of one key in the bucket that starts at `bucket` (aware, UTC)."""

    bucket: datetime
    key: GroupKey
    count: int


@dataclass(frozen=True, slots=True)
class BreakdownCount:
    """Rows of one key, bucket and breakdown value. `value` is "" for null; with `is_other` it is "Other" for all the rest."""

    bucket: datetime
    key: GroupKey
    value: Value
    is_other: bool
    count: int


@dataclass(frozen=True, slots=True)
class JsonPathSample:
    """A path found inside a JSON column, with a few of its values as text."""

    path: JsonPath
    sample_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A look at the base query: its columns, a few rows (JSON columns as objects), and JSON paths by column when asked for."""

    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, object], ...]
    json_paths: Mapping[str, tuple[JsonPathSample, ...]] = field(default_factory=dict)


class SqlWarehouse(Protocol):
    """A connection to one warehouse for one job; not shared between threads.

    Every method may raise `Unavailable` (not reached, connection lost, timed out), `QueryFailed` (refused; curated sentence; for a
    column that is gone with `column`), and those that group `TooManyRows` when more than `query.row_limit` rows come back (adapters
    fetch one more than the limit and never cut). Every statement is read-only and bounded by `query.timeout_seconds`.
    A window without `query.time` is refused with QueryFailed. Rows whose event time is null are outside every window.
    Identical data gives identical answers in every dialect; order within equal counts is the adapter's own.
    """

    def columns(self, query: ScanQuery) -> Sequence[Column]:
        """The base query's columns in its order, without reading rows. Only `base_query` and the timeout matter."""
        ...

    def preview(self, query: ScanQuery, window: TimeWindow | None, *, limit: int, with_json_paths: bool) -> Preview:
        """At most `limit` rows, and on request the paths of every JSON column (at most MOST_JSON_PATHS per column with
        MOST_JSON_SAMPLES values each, from at most MOST_JSON_ROWS rows)."""
        ...

    def groups(self, query: ScanQuery, window: TimeWindow | None) -> Sequence[Group]:
        """Every distinct key with its row count, largest first; one aggregate statement."""
        ...

    def bucket_counts(self, query: ScanQuery, window: TimeWindow, interval: Interval) -> Sequence[BucketCount]:
        """Counts per key and bucket; buckets start where `app.kernel.intervals.floor_to_bucket` says. Needs `query.time`."""
        ...

    def top_values(self, query: ScanQuery, column: str, window: TimeWindow, limit: int) -> Sequence[Value]:
        """The column's `limit` most frequent values in the window, ties by value; null counts as ""."""
        ...

    def breakdown_counts(
        self, query: ScanQuery, column: str, keep: Sequence[Value] | None, window: TimeWindow, interval: Interval
    ) -> Sequence[BreakdownCount]:
        """Counts per key, bucket and value of the column. With `keep` all other values are folded in the warehouse into rows with
        `is_other`; a genuine value "Other" that is kept stays a value. None keeps every value (app versions are read so)."""
        ...

    def arrivals(self, query: ScanQuery, after: datetime | None) -> Arrivals | None:
        """What became readable after the instant; None when nothing did or the source cannot tell (most cannot)."""
        ...

    def close(self) -> None:
        """Give the connection back; never raises."""
        ...
