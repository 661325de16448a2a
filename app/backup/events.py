"""Rows of the event store in ClickHouse's Native format. Roll-ups are not copied: they follow from the rows.

Only rows received before a moment are copied. When everything acknowledged until then is stored, they do not change any more, and a
backup taken under load is exact.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clickhouse_connect.driver.client import Client

from app.eventstore.schema import EVENTS, QUARANTINE

ROWS_OF_A_MEMBER: Final = 100_000
_SPREAD_BY: Final = {EVENTS: "id", QUARANTINE: "raw"}
_INSERT_SETTINGS: Final = {
    "async_insert": 0,
    "max_partitions_per_insert_block": 2000,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}


@dataclass(frozen=True, slots=True)
class TableSum:
    """How many rows a table has, and a digest of them that does not depend on their order."""

    rows: int
    digest: str


def summed(client: Client, table: str, until: datetime, columns: Sequence[str]) -> TableSum:
    """Rows of the table received before the moment, with what they have in these columns: a later release may have more."""
    sql = f"SELECT count(), toString(groupBitXor(cityHash64({', '.join(columns)}))) FROM {table} WHERE {_received_before(until)}"
    ((rows, digest),) = client.query(sql).result_rows
    return TableSum(int(rows), str(digest))


def columns_of(client: Client, table: str) -> list[str]:
    """The columns that rows are inserted with."""
    rows = client.query(f"DESCRIBE TABLE {table}").result_rows
    return [row[0] for row in rows if row[2] not in ("MATERIALIZED", "ALIAS")]


def dumped(client: Client, table: str, until: datetime) -> Iterator[tuple[bytes, int]]:
    """Blocks of at most about a hundred thousand rows received before the moment, with how many rows each has."""
    columns = ", ".join(columns_of(client, table))
    where = _received_before(until)
    months = f"SELECT toYYYYMM(received_at) AS month, count() FROM {table} WHERE {where} GROUP BY month ORDER BY month"
    spread = f"cityHash64({_SPREAD_BY[table.rpartition('.')[2]]})"
    for month, rows in client.query(months).result_rows:
        parts = -(-rows // ROWS_OF_A_MEMBER)
        for part in range(parts):
            chosen = f"{where} AND toYYYYMM(received_at) = {month} AND {spread} % {parts} = {part}"
            ((count,),) = client.query(f"SELECT count() FROM {table} WHERE {chosen}").result_rows
            if count:
                yield client.raw_query(f"SELECT {columns} FROM {table} WHERE {chosen}", fmt="Native"), int(count)


def load(client: Client, table: str, columns: list[str], block: bytes, token: str) -> None:
    """Insert a block once, however often it is tried with its token."""
    client.raw_insert(
        table, columns, io.BytesIO(block), settings={**_INSERT_SETTINGS, "insert_deduplication_token": token}, fmt="Native"
    )


def _received_before(until: datetime) -> str:
    return f"received_at < fromUnixTimestamp64Milli({int(until.timestamp() * 1000)}, 'UTC')"
