from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingest.columns import RowBatch, columns_of, encode_columns
from app.ingest.payloads import COLUMNS, EventValues, ids_of, json_lines, native_block, sized_text
from app.ingest.times import stored_time
from tests.unit.ingest.harness import read_native

TIMES = st.integers(-(10**13), 10**13)
ASCII = st.text(st.characters(max_codepoint=127), max_size=20)
ANY = st.text(max_size=40) | st.integers(0, 20_000).map(lambda size: "ü" * size)


def events(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[EventValues]]:
    number = st.none() | st.floats(allow_nan=False, allow_infinity=False)
    parts = [texts, texts, TIMES, *[texts] * 5, number, *[texts] * 4, texts.map(str.encode)]
    return st.lists(st.tuples(*parts).map(EventValues._make), min_size=1, max_size=3)


def batch_of(rows: list[EventValues], received_at: int, *, is_ascii: bool) -> RowBatch:
    return RowBatch("tenant ü", "p", received_at, "main+1", len(rows), columns_of(rows), is_ascii)


def expected(batch: list[EventValues], received_at: int) -> list[dict]:
    shared = {
        "tenant_id": "tenant ü",
        "project_id": "p",
        "kind": "event",
        "received_at": stored_time(received_at),
        "plan_revision": "main+1",
    }
    return [{**shared, **row._asdict(), "time": stored_time(row.time), "properties": row.properties.decode()} for row in batch]


@settings(max_examples=30, deadline=None)
@given(st.lists(events(ASCII), min_size=1, max_size=3), TIMES)
def test_a_block_of_several_requests_reads_back_as_their_rows(batches, received_at):
    payloads = [encode_columns([batch_of(batch, received_at, is_ascii=True)]) for batch in batches]
    rows = [row for batch in batches for row in expected(batch, received_at)]
    assert read_native(native_block(payloads, len(rows))) == rows
    together = encode_columns([batch_of(batch, received_at, is_ascii=number % 2 == 0) for number, batch in enumerate(batches)])
    assert read_native(native_block([together], len(rows))) == rows
    assert [json.loads(line) for payload in payloads for line in json_lines(payload)] == rows


@settings(max_examples=30, deadline=None)
@given(events(ANY), TIMES)
def test_texts_of_any_length_and_alphabet_survive(batch, received_at):
    payload = encode_columns([batch_of(batch, received_at, is_ascii=False)])
    assert read_native(native_block([payload], len(batch))) == expected(batch, received_at)
    assert [json.loads(line) for line in json_lines(payload)] == expected(batch, received_at)


def full_frame(batch: list[EventValues], received_at: int, shared: tuple[str, ...]) -> bytes:
    """A frame as earlier releases wrote them, with every column in full; the earliest had no plan revisions."""

    def texts(column: list[str]) -> bytes:
        return b"".join(sized_text(text) for text in column)

    texts_by_name = {"tenant_id": "tenant ü", "project_id": "p", "kind": "event", "plan_revision": "main+1"}
    columns = [
        struct.pack("<q", received_at) * len(batch) if name == "received_at" else texts([texts_by_name[name]] * len(batch))
        for name in shared
    ]
    for name, values in zip(EventValues._fields, columns_of(batch), strict=True):
        if name == "time":
            columns.append(struct.pack(f"<{len(batch)}q", *values))
        elif name == "value":
            columns.append(
                bytes(value is None for value in values) + struct.pack(f"<{len(batch)}d", *(value or 0.0 for value in values))
            )
        else:
            columns.append(texts([value.decode() if isinstance(value, bytes) else value for value in values]))
    return struct.pack(f"<{len(columns)}I", *map(len, columns)) + b"".join(columns)


@settings(max_examples=10, deadline=None)
@given(events(ANY), TIMES)
def test_frames_of_earlier_releases_read_back(batch, received_at):
    shared = COLUMNS[: -len(EventValues._fields)]
    payload = encode_columns([batch_of(batch, received_at, is_ascii=False)])
    earlier = full_frame(batch, received_at, shared)
    earliest = full_frame(batch, received_at, shared[:-1])
    rows = expected(batch, received_at)
    assert [json.loads(line) for line in json_lines(earlier)] == rows
    first = [{**row, "plan_revision": ""} for row in rows]
    assert [json.loads(line) for line in json_lines(earliest)] == first
    assert read_native(native_block([earliest, payload, earlier], 3 * len(batch))) == first + rows + rows
    assert [*ids_of(payload), *ids_of(earlier), *ids_of(earliest)] == [("p", row.id) for row in batch] * 3


@pytest.mark.parametrize("count", [1, 256, 257, 65_537])
def test_dictionaries_of_any_size_are_read_back(count):
    row = EventValues("s", "n", 0, "i", "", "", "", "", 0.5, "", "", "accepted", "", b"{}")
    batches = [RowBatch("t", f"project {number}", 0, "", 1, columns_of([row]), is_ascii=True) for number in range(count)]
    rows = read_native(native_block([encode_columns(batches)], count))
    assert [one["project_id"] for one in rows] == [f"project {number}" for number in range(count)]


def test_very_long_ascii_texts_survive():
    row = EventValues("s", "n", 0, "i", "", "", "", "", 0.5, "", "", "accepted", "", b"x" * 1_000_000)
    payload = encode_columns([batch_of([row], 0, is_ascii=True)])
    assert read_native(native_block([payload], 1)) == expected([row], 0)
