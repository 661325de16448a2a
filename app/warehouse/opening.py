"""A `SqlWarehouse` for every kind of connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.warehouse.bigquery_link import BigQueryLink
from app.warehouse.builtin import PRODUCT_EVENTS
from app.warehouse.clickhouse_link import ClickHouseLink
from app.warehouse.contracts import Arrivals, Column, ColumnKind, SourceConnection, SqlWarehouse, TimeKind
from app.warehouse.declarations import DbType
from app.warehouse.dialect_bigquery import REPEATED, BigQueryDialect
from app.warehouse.dialect_clickhouse import ClickHouseDialect, bare_type
from app.warehouse.dialect_postgres import PostgresDialect
from app.warehouse.postgres_link import PostgresLink
from app.warehouse.sql_warehouse import DialectWarehouse

BUILTIN_TABLES = frozenset({"events"})
_BUILTIN_JSON = frozenset({"properties"})
_POSTGRES_TIMES = {
    "timestamp with time zone": TimeKind.INSTANT,
    "timestamp without time zone": TimeKind.WALL_CLOCK,
    "date": TimeKind.DATE,
}
_BIGQUERY_TIMES = {"TIMESTAMP": TimeKind.INSTANT, "DATETIME": TimeKind.WALL_CLOCK, "DATE": TimeKind.DATE}
_CLICKHOUSE_JSON = ("JSON", "Object(", "Map(")


def on_postgres(link: PostgresLink, *, is_guarded: bool = True) -> SqlWarehouse:
    """Scans on PostgreSQL."""

    def describe(base_query: str, seconds: float) -> Sequence[Column]:
        found = link.describe(base_query, timeout_seconds=seconds)
        names = link.types(sorted({number for _, number in found}), timeout_seconds=seconds)
        return [_postgres_column(name, names.get(number, "unknown")) for name, number in found]

    return DialectWarehouse(DbType.POSTGRES.value, link, PostgresDialect(), describe, is_guarded=is_guarded)


def on_clickhouse(link: ClickHouseLink, *, is_guarded: bool = True) -> SqlWarehouse:
    """Scans on ClickHouse."""

    def describe(base_query: str, seconds: float) -> Sequence[Column]:
        return [_clickhouse_column(name, kind) for name, kind in link.describe(base_query, timeout_seconds=seconds)]

    return DialectWarehouse(DbType.CLICKHOUSE.value, link, ClickHouseDialect(), describe, is_guarded=is_guarded)


def on_builtin(link: ClickHouseLink, connection: SourceConnection, *, is_guarded: bool = True) -> SqlWarehouse:
    """Scans on the product's own event store; its table `events` holds one project and its properties are JSON text."""
    from app.eventstore.service import get_event_store

    def describe(base_query: str, seconds: float) -> Sequence[Column]:
        found = link.describe(base_query, timeout_seconds=seconds)
        return [_clickhouse_column(name, kind, is_json=name in _BUILTIN_JSON) for name, kind in found]

    def look(after: datetime | None) -> Arrivals | None:
        span = get_event_store().received_span(connection.tenant_id, connection.project_id, PRODUCT_EVENTS, after)
        return None if span is None else Arrivals(span.oldest_time, span.newest_received_at)

    return DialectWarehouse(
        DbType.CLICKHOUSE.value, link, ClickHouseDialect(), describe, tables=BUILTIN_TABLES, look=look, is_guarded=is_guarded
    )


def on_bigquery(link: BigQueryLink, *, is_guarded: bool = True) -> SqlWarehouse:
    """Scans on BigQuery."""

    def describe(base_query: str, seconds: float) -> Sequence[Column]:
        return [_bigquery_column(*found) for found in link.describe(base_query, timeout_seconds=seconds)]

    return DialectWarehouse(DbType.BIGQUERY.value, link, BigQueryDialect(), describe, is_guarded=is_guarded)


def _postgres_column(name: str, type_name: str) -> Column:
    kind = ColumnKind.JSON if type_name in ("json", "jsonb") else ColumnKind.SCALAR
    return Column(name, type_name, True, kind, _POSTGRES_TIMES.get(type_name))


def _clickhouse_column(name: str, type_name: str, *, is_json: bool = False) -> Column:
    bare = bare_type(type_name)
    kind = ColumnKind.JSON if is_json or bare.startswith(_CLICKHOUSE_JSON) else ColumnKind.SCALAR
    time_kind = None
    if bare.startswith("DateTime"):
        time_kind = TimeKind.INSTANT
    elif bare in ("Date", "Date32"):
        time_kind = TimeKind.DATE
    return Column(name, type_name, "Nullable(" in type_name, kind, time_kind)


def _bigquery_column(name: str, type_name: str, mode: str) -> Column:
    if mode == "REPEATED":
        return Column(name, f"{REPEATED}{type_name}>", False)
    kind = ColumnKind.JSON if type_name in ("JSON", "RECORD", "STRUCT") else ColumnKind.SCALAR
    return Column(name, type_name, mode != "REQUIRED", kind, _BIGQUERY_TIMES.get(type_name))
