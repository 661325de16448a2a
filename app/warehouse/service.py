"""Opening warehouses, asking whether they answer, and looking at what they hold."""

from __future__ import annotations

from typing import Protocol

from app.eventstore.address import StoreAddress
from app.kernel.errors import InvalidInput
from app.warehouse.bigquery_link import BigQueryLink
from app.warehouse.builtin import BuiltinWarehouse
from app.warehouse.clickhouse_link import ClickHouseLink
from app.warehouse.contracts import SourceConnection, SqlWarehouse
from app.warehouse.declarations import DbType
from app.warehouse.faults import ConnectionFault, FaultKind, bounded
from app.warehouse.guard import NotReadOnly, check_query
from app.warehouse.opening import BUILTIN_TABLES, on_bigquery, on_builtin, on_clickhouse, on_postgres
from app.warehouse.postgres_link import PostgresLink
from app.warehouse.rollup_contracts import Warehouse
from app.warehouse.tables import Table

PROBE_SECONDS = 15.0
LOOK_SECONDS = 30.0


class Link(Protocol):
    """An open connection of whatever kind."""

    def check(self) -> None:
        """A trivial query. Errors: ConnectionFault, QueryFailed."""
        ...

    def tables(self) -> list[Table]:
        """Tables and views. Errors: ConnectionFault, QueryFailed."""
        ...

    def close(self) -> None:
        """Give the connection back; never raises."""
        ...


def open_builtin(tenant_id: str, project_id: str) -> Warehouse:
    """The process-wide event store, limited to the product events of one project."""
    from app.eventstore.service import get_event_store

    return BuiltinWarehouse(get_event_store(), tenant_id, project_id)


def probe(connection: SourceConnection, seconds: float = PROBE_SECONDS) -> None:
    """Connect and run a trivial query. Ends within the time whatever the host does. Errors: ConnectionFault, QueryFailed."""
    bounded(lambda: _look(connection, seconds, tables=False), seconds)


def list_tables(connection: SourceConnection, seconds: float = LOOK_SECONDS) -> list[Table]:
    """Tables with their columns. Ends within the time whatever the host does. Errors: ConnectionFault, QueryFailed."""
    found = bounded(lambda: _look(connection, seconds, tables=True), seconds)
    # Of the product's own store only what a base query may name.
    return [table for table in found if table.name in BUILTIN_TABLES] if connection.is_builtin else found


def _look(connection: SourceConnection, seconds: float, *, tables: bool) -> list[Table]:
    link = open_link(connection, seconds)
    try:
        if tables:
            return link.tables()
        link.check()
        return []
    finally:
        link.close()


def open_warehouse(connection: SourceConnection, *, is_guarded: bool = True) -> SqlWarehouse:
    """A connection for one job. Errors: ConnectionFault, QueryFailed.

    Base queries pass the guard here even when whoever stored them did not ask it; tests switch that off to prove the second lock.
    """
    link = open_link(connection, connection.timeout_seconds)
    match link:
        case PostgresLink():
            return on_postgres(link, is_guarded=is_guarded)
        case BigQueryLink():
            return on_bigquery(link, is_guarded=is_guarded)
        case ClickHouseLink() if connection.is_builtin:
            return on_builtin(link, connection, is_guarded=is_guarded)
        case _:
            assert isinstance(link, ClickHouseLink)
            return on_clickhouse(link, is_guarded=is_guarded)


def check_base_query(db_type: str, base_query: str, *, is_builtin: bool = False) -> None:
    """Return when the query only reads and can be embedded. Errors: InvalidInput at `base_query` that names the rule it breaks."""
    try:
        check_query(db_type, base_query, tables=BUILTIN_TABLES if is_builtin else None)
    except NotReadOnly as refusal:
        raise InvalidInput(refusal.sentence, field="base_query") from None


def open_link(connection: SourceConnection, seconds: float) -> Link:
    """A connection to the source. Errors: ConnectionFault, QueryFailed."""
    if connection.is_builtin:
        return builtin_link(connection, seconds)
    match DbType(connection.db_type):
        case DbType.CLICKHOUSE:
            return ClickHouseLink(connection, seconds)
        case DbType.POSTGRES:
            return PostgresLink(connection, seconds)
        case DbType.BIGQUERY:
            return BigQueryLink(connection, seconds)


def builtin_link(connection: SourceConnection, seconds: float) -> ClickHouseLink:
    """A connection to the product's own event store that shows rows of the connection's tenant and project only."""
    from app.eventstore.schema import PROJECT_TABLES
    from app.eventstore.service import get_event_store

    address = getattr(get_event_store(), "address", None)
    if not isinstance(address, StoreAddress):
        raise ConnectionFault(FaultKind.STORE)
    return ClickHouseLink(
        SourceConnection(
            db_type=DbType.CLICKHOUSE.value,
            host=address.host,
            port=address.port,
            database_name=address.database,
            username=address.user,
            password=address.password,
            extra_params={"secure": address.is_secure},
        ),
        seconds,
        {"additional_table_filters": _filters(address.database, PROJECT_TABLES, connection)},
        is_ours=True,
    )


def _filters(database: str, tables: tuple[str, ...] | list[str], connection: SourceConnection) -> str:
    """The engine's own filter per table: whatever a query names, it sees one project."""
    condition = f"tenant_id = {_quoted(connection.tenant_id)} AND project_id = {_quoted(connection.project_id)}"
    entries = ", ".join(f"{_quoted(f'{database}.{table}')}: {_quoted(condition)}" for table in tables)
    return "{" + entries + "}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
