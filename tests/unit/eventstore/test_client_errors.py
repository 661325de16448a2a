"""How the client tells bad rows from a store in trouble, and what it sends with every batch."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from clickhouse_connect.driver.summary import QuerySummary
from urllib3.exceptions import ProtocolError

from app.eventstore.address import embedded_address
from app.eventstore.client import ClickHouseEventStore
from app.eventstore.contracts import EVENT_COLUMNS, Rejected
from app.kernel.errors import Unavailable


class Driver:
    """A driver that answers every insert the same way and remembers it."""

    def __init__(self, answer: Exception | int) -> None:
        self.answer = answer
        self.inserts: list[tuple[object, ...]] = []

    def raw_insert(self, table, columns, block, settings, fmt):
        self.inserts.append((table, columns, block.read(), settings, fmt))
        if isinstance(self.answer, Exception):
            raise self.answer
        return QuerySummary({"written_rows": str(self.answer)})


def store_with(answer: Exception | int) -> tuple[ClickHouseEventStore, Driver]:
    store, driver = ClickHouseEventStore(embedded_address(1, "secret")), Driver(answer)
    store._client = driver  # type: ignore[assignment]
    return store, driver


def insert(store: ClickHouseEventStore, rows: int = 2) -> None:
    store.insert_lines("events", b"{}\n" * rows, rows=rows, token="t1")


def test_a_batch_goes_out_synchronous_ordered_and_with_its_token():
    store, driver = store_with(2)

    insert(store)

    ((table, columns, block, settings, fmt),) = driver.inserts
    assert (table, columns, block, fmt) == ("plumbline.events", EVENT_COLUMNS, b"{}\n{}\n", "JSONEachRow")
    assert settings["insert_deduplication_token"] == "t1"
    assert (settings["async_insert"], settings["input_format_parallel_parsing"]) == (0, 0)
    assert settings["max_partitions_per_insert_block"] >= 1200


def test_fewer_written_rows_than_sent_are_an_error():
    with pytest.raises(Unavailable, match="1 of 2 rows"):
        insert(store_with(1)[0])


def test_a_server_may_count_rows_of_views_as_well():
    insert(store_with(3)[0])


@pytest.mark.parametrize(
    "error",
    [
        DatabaseError("cannot parse", code=27),
        DatabaseError("unknown field", code=117),
        DatabaseError("Too many partitions for single INSERT block", code=252),
    ],
)
def test_what_the_rows_are_to_blame_for_is_rejected(error):
    with pytest.raises(Rejected):
        insert(store_with(error)[0])


@pytest.mark.parametrize(
    "error",
    [
        DatabaseError("Too many parts. Merges are processing significantly slower than inserts", code=252),
        DatabaseError("memory limit", code=241),
        DatabaseError("no space left", code=243),
        DatabaseError("unknown table", code=60),
        DatabaseError("wrong secret", code=516),
        DatabaseError("HTTP 502"),
        OperationalError("connection refused"),
        ProtocolError("connection broken"),
    ],
)
def test_everything_else_is_tried_again_and_says_nothing_of_the_inside(error):
    with pytest.raises(Unavailable) as failure:
        insert(store_with(error)[0])

    assert failure.value.message == "The event store does not answer at the moment."
