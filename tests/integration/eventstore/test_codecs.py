"""How the columns of events are compressed: by the store's own choice where it says that it makes one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from app.eventstore import schema
from app.eventstore.address import StoreAddress
from app.eventstore.client import ClickHouseEventStore
from tests.eventstore_fixtures import StoredProject, StoreProcess
from tests.integration.eventstore.rows import event, lines, token

LONG = ("id", "actor_id", "session_id", "value", "ip", "body", "properties")


@pytest.fixture
def make_store(store_process: StoreProcess) -> Callable[[str], ClickHouseEventStore]:
    here = store_process.address

    def make(database: str) -> ClickHouseEventStore:
        store = ClickHouseEventStore(StoreAddress(here.host, here.port, here.user, here.password, database))
        store.ensure_schema(30)
        return store

    return make


def codecs(store: ClickHouseEventStore) -> set[str]:
    database = store.address.database
    sql = f"SELECT compression_codec FROM system.columns WHERE database = '{database}' AND table = 'events' AND name IN {LONG}"
    return {row[0] for row in store._connected().query(sql).result_rows}


def test_the_embedded_store_chooses_itself_also_for_a_table_of_an_earlier_release(make_store, stored_project: StoredProject):
    store = make_store("codecs_chosen")
    columns = ", ".join(f"MODIFY COLUMN {name} CODEC(ZSTD(1))" for name in LONG)
    store._connected().command(f"ALTER TABLE codecs_chosen.events {columns}")  # as an earlier release made it
    row = event(stored_project, id="first", time=datetime.now(UTC), value=1.5)
    store.insert_lines("events", lines(row), rows=1, token=token())

    store.ensure_schema(30)
    store.insert_lines("events", lines({**row, "id": "second"}), rows=1, token=token())
    store._connected().command("OPTIMIZE TABLE codecs_chosen.events FINAL")

    assert codecs(store) == {"CODEC(Default)"}
    found = store.recent(stored_project.tenant_id, stored_project.project_id, after=None, limit=9)
    assert {(one.id, one.value) for one in found} == {("first", 1.5), ("second", 1.5)}


def test_a_store_that_says_nothing_compresses_well_at_once(make_store, monkeypatch):
    store = make_store("codecs_fixed")
    monkeypatch.setattr(schema, "COMPRESSES_BY_SIZE", "said_by_nobody")

    store.ensure_schema(30)

    assert codecs(store) == {"CODEC(ZSTD(1))"}


def test_a_store_that_does_not_show_its_macros_compresses_well_at_once(make_store):
    store = make_store("codecs_hidden")
    client = store._connected()

    def rows(sql: str):
        if "system.macros" in sql:
            raise DatabaseError("Code: 497. DB::Exception: not enough privileges. (ACCESS_DENIED)")
        return client.query(sql).result_rows

    schema.ensure_schema(client.command, rows, "codecs_hidden", 30)

    assert codecs(store) == {"CODEC(ZSTD(1))"}
