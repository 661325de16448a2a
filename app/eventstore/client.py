"""The event store behind ClickHouse's HTTP interface; the embedded engine and a ClickHouse server are the same to it."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httputil import get_pool_manager
from clickhouse_connect.driver.summary import QuerySummary
from urllib3.exceptions import HTTPError

from app.eventstore import queries, removal
from app.eventstore.address import StoreAddress, answers
from app.eventstore.contracts import (
    EVENT_COLUMNS,
    MOST_BUCKETS,
    QUARANTINE_COLUMNS,
    Block,
    BucketCount,
    EventRow,
    GroupCount,
    ReceivedSpan,
    RecentId,
    Rejected,
)
from app.eventstore.handover import Handover
from app.eventstore.inserts import INSERT_SETTINGS, is_data_error, require_one_row_per_line
from app.eventstore.schema import EVENTS, PROJECT_TABLES, QUARANTINE, ensure_schema
from app.kernel.errors import Unavailable

log = logging.getLogger("plumbline.eventstore")
# The driver warns of every failed request without saying why; the line below that names the reason is enough.
logging.getLogger("clickhouse_connect.driver._backend.http_sync").setLevel(logging.ERROR)

_COLUMNS = {EVENTS: EVENT_COLUMNS, QUARANTINE: QUARANTINE_COLUMNS}
_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 120
_PING_SECONDS = 2.0
_RECENT_WINDOW = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_READ_SETTINGS: Mapping[str, Any] = {"max_execution_time": 60}


class ClickHouseEventStore:
    """Implements `EventStore`. Connects on first use, is safe to use from many threads, and outlives restarts of the store."""

    def __init__(self, address: StoreAddress, *, handover: Path | None = None) -> None:
        """`handover` is the folder from which a store on this machine takes blocks that would else go through its socket."""
        self.address = address
        self._handover = Handover(handover)
        self._client: Client | None = None
        self._lock = threading.Lock()

    def ping(self) -> bool:
        """Whether the store runs a statement within two seconds; never raises."""
        return answers(self.address, _PING_SECONDS)

    def ensure_schema(self, retention_days: int) -> None:
        """Create database and tables, apply the retention. Safe to call at every start. Errors: Unavailable."""
        client = self._connected()
        try:
            ensure_schema(client.command, lambda sql: client.query(sql).result_rows, self.address.database, retention_days)
        except (ClickHouseError, HTTPError) as error:
            raise self._unavailable(error) from error

    def insert_lines(self, table: str, lines: bytes, *, rows: int, token: str) -> None:
        """Store NDJSON rows exactly once per token (see `EventStore.insert_lines`). Errors: Rejected, Unavailable."""
        if not token:
            raise ValueError("an insert without a token is dropped when its content was seen before")
        require_one_row_per_line(lines, rows)
        if rows:
            self._insert(table, [lines], _COLUMNS[table], "JSONEachRow", rows=rows, token=token)

    def insert_block(self, table: str, block: Block, *, columns: Sequence[str], rows: int, token: str) -> None:
        """Store a Native block exactly once per token (see `EventStore.insert_block`). Errors: Rejected, Unavailable."""
        if not token:
            raise ValueError("an insert without a token is dropped when its content was seen before")
        self._insert(table, block, columns, "Native", rows=rows, token=token)

    def _insert(self, table: str, data: Block, columns: Sequence[str], data_format: str, *, rows: int, token: str) -> None:
        target, names = f"{self.address.database}.{table}", ", ".join(f"`{column}`" for column in columns)
        settings = {**INSERT_SETTINGS, "insert_deduplication_token": token}
        try:
            with self._handover.laid_down(data) as file:
                if file is None:
                    summary = self._connected().raw_insert(
                        target, columns, io.BytesIO(b"".join(data)), settings=settings, fmt=data_format
                    )
                else:
                    statement = f"INSERT INTO {target} ({names}) FROM INFILE '{file}' FORMAT {data_format}"
                    summary = cast("QuerySummary", self._connected().command(statement, settings=settings))
        except (ClickHouseError, HTTPError) as error:
            if is_data_error(error):
                raise Rejected(str(error)) from error
            raise self._unavailable(error) from error
        # A server adds the rows of materialized views to the count; fewer than sent means that rows were lost.
        if summary.written_rows < rows:
            log.error("the event store wrote %s of %s rows of batch %s", summary.written_rows, rows, token)
            raise Unavailable(f"the event store wrote {summary.written_rows} of {rows} rows")

    def count_groups(self, tenant_id: str, project_id: str, kind: str, start: datetime, stop: datetime) -> Sequence[GroupCount]:
        """Groups in [start, stop), largest first. Errors: Unavailable."""
        rows = self._rows(queries.GROUPS, tenant_id, project_id, kind=kind, start=_millis(start), stop=_millis(stop))
        return [GroupCount(source, name, count, _moment(first), _moment(last)) for source, name, count, first, last in rows]

    def count_buckets(
        self,
        tenant_id: str,
        project_id: str,
        kind: str,
        start: datetime,
        stop: datetime,
        *,
        seconds: int,
        anchor: datetime,
        limit: int = MOST_BUCKETS,
    ) -> Sequence[BucketCount]:
        """At most `limit` counts per group and bucket in [start, stop), by source, name and bucket. Errors: Unavailable.

        Reads the one-minute roll-up when both ends and the buckets lie on minutes, the events otherwise.
        """
        edges = (_millis(start), _millis(stop), _millis(anchor), seconds * 1000)
        is_whole_minutes = all(edge % 60_000 == 0 for edge in edges)
        rows = self._rows(
            queries.ROLLUP_BUCKETS if is_whole_minutes else queries.EVENT_BUCKETS,
            tenant_id,
            project_id,
            kind=kind,
            start=edges[0],
            stop=edges[1],
            anchor=edges[2] // 1000,
            seconds=seconds,
            limit=limit,
        )
        return [BucketCount(source, name, _moment(bucket * 1000), count) for source, name, bucket, count in rows]

    def received_span(self, tenant_id: str, project_id: str, kind: str, after: datetime | None) -> ReceivedSpan | None:
        """The span of rows received after the instant (all rows when None); None when there are none. Errors: Unavailable."""
        where = {"after": _millis(after)} if after else {}
        sql = queries.SPAN_AFTER if after else queries.SPAN
        ((count, oldest, newest, received),) = self._rows(sql, tenant_id, project_id, kind=kind, **where)
        return ReceivedSpan(_moment(oldest), _moment(newest), _moment(received)) if count else None

    def recent(
        self, tenant_id: str, project_id: str, *, after: datetime | None, limit: int, name: str | None = None
    ) -> Sequence[EventRow]:
        """Newest received first, events and quarantined records merged; with `name` only events. Errors: Unavailable."""
        sql = queries.RECENT if name is None else queries.RECENT_NAMED
        named = {} if name is None else {"name": name}
        bound = _millis(after) if after else None
        if bound is None:
            # Most looks are answered by the last day, which the index on received_at finds without reading all rows.
            recently = _millis(datetime.now(UTC) - _RECENT_WINDOW)
            rows = self._rows(sql, tenant_id, project_id, after=recently, limit=limit, **named)
            if len(rows) >= limit:
                return [_event_row(row) for row in rows]
            bound = _millis(datetime(1900, 1, 1, tzinfo=UTC))
        return [_event_row(row) for row in self._rows(sql, tenant_id, project_id, after=bound, limit=limit, **named)]

    def recent_ids(self, after: datetime, limit: int) -> Sequence[RecentId]:
        """Ids of events and message ids of refused ones received since the instant, newest first, of all tenants.

        Errors: Unavailable.
        """
        return [RecentId(*row) for row in self._rows(queries.RECENT_IDS, "", "", after=_millis(after), limit=limit)]

    def stored_bytes(self, tenant_ids: Sequence[str]) -> dict[str, int]:
        """About how much the events of each tenant take on disk, compressed. Errors: Unavailable."""
        return {row[0]: int(row[1]) for row in self._rows(queries.STORED_BYTES, "", "", tenants=list(tenant_ids))}

    def quarantined_count(self, tenant_id: str, project_id: str, after: datetime) -> int:
        """Refused records kept since the instant. Errors: Unavailable."""
        ((count,),) = self._rows(queries.QUARANTINED, tenant_id, project_id, after=_millis(after))
        return int(count)

    def select(self, sql: str, tenant_id: str, project_id: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Rows of an area's SELECT (see `EventStore.select`). Errors: ValueError, Unavailable."""
        if "{{tenant:String}}" not in sql or "{{project:String}}" not in sql:
            raise ValueError("a query of events must be limited to a tenant and a project")
        return self._rows(sql, tenant_id, project_id, **parameters)

    def delete_project(self, tenant_id: str, project_id: str) -> None:
        """Remove every row of the project from all tables, roll-ups included. Errors: Unavailable."""
        client = self._connected()
        try:
            for table in PROJECT_TABLES:
                client.command(
                    queries.delete_of(self.address.database, table), parameters={"tenant": tenant_id, "project": project_id}
                )
        except (ClickHouseError, HTTPError) as error:
            raise self._unavailable(error) from error

    def count_by_month(
        self, table: str, tenant_id: str, project_id: str, condition: str, parameters: Mapping[str, object]
    ) -> dict[int, int]:
        """Rows that meet the condition, by month (see `EventStore.count_by_month`). Errors: ValueError, Unavailable."""
        rows = self._rows(removal.count_by_month(table, condition), tenant_id, project_id, **parameters)
        return {int(month): int(count) for month, count in rows}

    def remove_month(
        self,
        table: str,
        month: int,
        tenant_id: str,
        project_id: str,
        condition: str,
        parameters: Mapping[str, object],
        *,
        is_rewritten: bool = False,
    ) -> None:
        """Remove a month's rows that meet the condition (see `EventStore.remove_month`). Errors: ValueError, Unavailable, also
        while an earlier rewriting of the table has not ended."""
        statement = removal.remove(table, month, condition, is_rewritten=is_rewritten).format(database=self.address.database)
        if is_rewritten:
            ((waiting,),) = self._rows(removal.STILL_REWRITING, tenant_id, project_id, table=table)
            if waiting:
                raise Unavailable("The event store is still at an earlier removal.", retry_after_seconds=30)
        client = self._connected()
        try:
            client.command(
                statement,
                parameters={"tenant": tenant_id, "project": project_id, **parameters},
                settings={"mutations_sync": 1} if is_rewritten else None,
            )
        except (ClickHouseError, HTTPError) as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _rows(self, sql: str, tenant_id: str, project_id: str, **parameters: object) -> Sequence[Sequence[Any]]:
        client = self._connected()
        try:
            result = client.query(
                sql.format(database=self.address.database),
                parameters={"tenant": tenant_id, "project": project_id, **parameters},
                settings=dict(_READ_SETTINGS),
            )
        except (ClickHouseError, HTTPError) as error:
            raise self._unavailable(error) from error
        return result.result_rows

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                address = self.address
                try:
                    self._client = clickhouse_connect.get_client(
                        host=address.host,
                        port=address.port,
                        username=address.user,
                        password=address.password,
                        interface="https" if address.is_secure else "http",
                        compress=False,
                        connect_timeout=_CONNECT_SECONDS,
                        send_receive_timeout=_ANSWER_SECONDS,
                        autogenerate_session_id=False,  # a session would let only one statement run at a time
                        pool_mgr=get_pool_manager(maxsize=8, num_pools=2),
                    )
                except (ClickHouseError, HTTPError) as error:
                    raise self._unavailable(error) from error
            return self._client

    def _unavailable(self, error: Exception) -> Unavailable:
        reason = getattr(error.__cause__, "reason", None) or error.__cause__ or error
        log.warning("event store at %s: %s", self.address.url, str(reason)[:500])
        return Unavailable("The event store does not answer at the moment.")


def _event_row(row: Sequence[Any]) -> EventRow:
    identifier, kind, source, name, time, received_at, *rest = row
    return EventRow(identifier, kind, source, name, _moment(time), _moment(received_at), *rest)


def _millis(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _moment(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)
