from __future__ import annotations

import json
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingest.columns import COLUMNS, EventValues, RowBatch, columns_of, encode_columns, json_lines, native_block
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


@settings(max_examples=10, deadline=None)
@given(events(ANY), TIMES)
def test_a_frame_of_a_release_without_plan_revisions_reads_back_with_none(batch, received_at):
    payload = encode_columns([batch_of(batch, received_at, is_ascii=False)])
    left_out, size = COLUMNS.index("plan_revision"), len(COLUMNS) * 4
    lengths = list(struct.unpack_from(f"<{len(COLUMNS)}I", payload))
    start = size + sum(lengths[:left_out])
    columns = payload[size:start] + payload[start + lengths.pop(left_out) :]
    earlier = struct.pack(f"<{len(lengths)}I", *lengths) + columns
    rows = [{**row, "plan_revision": ""} for row in expected(batch, received_at)]
    assert [json.loads(line) for line in json_lines(earlier)] == rows
    assert read_native(native_block([earlier, payload], 2 * len(batch))) == rows + expected(batch, received_at)


def test_very_long_ascii_texts_survive():
    row = EventValues("s", "n", 0, "i", "", "", "", "", 0.5, "", "", "accepted", "", b"x" * 1_000_000)
    payload = encode_columns([batch_of([row], 0, is_ascii=True)])
    assert read_native(native_block([payload], 1)) == expected([row], 0)
