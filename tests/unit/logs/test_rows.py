"""Reading rows: whatever arrives ends as fitting rows, refused rows or a refusal of the request, never as a fault."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingest.bodies import read_body
from app.kernel.errors import AppError, PayloadTooLarge
from app.logs import rows
from app.logs.columns import BUILT_IN, SYSTEM_LOGS, THRESHOLDS
from app.logs.rows import inferred_columns, instant, read_csv, read_rows, sort_rows

LOGS = BUILT_IN[SYSTEM_LOGS].columns
GOOD = {column.name: "2026-01-01 00:00:00" if column.type == "DateTime" else "x" for column in LOGS}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
LINES = st.one_of(
    st.binary(max_size=60).filter(lambda line: b"\n" not in line),
    st.builds(
        lambda values: json.dumps({**GOOD, **values}).encode(), st.dictionaries(st.sampled_from(list(GOOD)), JSON, max_size=3)
    ),
    st.integers(1, 20_000).map(lambda depth: b"[" * depth),
    st.integers(1, 20_000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
    st.just(json.dumps(GOOD).encode()[:-1] + b', "message": "last", "message": "wins"}'),
    st.just(b'{"timestamp": "\\ud800"}'),
    st.just(b'{"message": "\xed\xa0\x80"}'),
    st.just(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=8), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.sampled_from([SYSTEM_LOGS, THRESHOLDS]))
def test_whatever_is_sent_is_sorted_or_refused(lines, ending, source):
    try:
        read = read_rows(ending.join(lines))
    except AppError as refusal:
        assert refusal.status in (400, 413)
        return
    found = sort_rows(BUILT_IN[source].columns, read)
    assert len(found.rows) + len(found.refused) == len(read)
    for values in found.rows:
        for value in values.values():
            if isinstance(value, str):
                value.encode()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_csv_of_any_bytes_is_sorted_or_refused(body, is_known):
    try:
        read = read_csv(body, LOGS if is_known else ())
        sort_rows(LOGS if is_known else inferred_columns(read), read)
    except AppError as refusal:
        assert refusal.status in (400, 413)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000), st.integers(0, 2000), st.integers(0, 255))
def test_a_damaged_or_cut_gzip_body_is_refused_or_read_within_its_bound(plain, place, byte):
    packed = bytearray(gzip.compress(plain))
    packed[place % len(packed)] = byte
    for body in (bytes(packed), bytes(packed[: place % len(packed)])):
        try:
            assert len(_unpacked(body, 1000)) <= 1000
        except AppError as refusal:
            assert refusal.status in (400, 413)


def test_a_gzip_bomb_is_refused_before_it_is_unpacked():
    bomb = gzip.compress(b"0" * 100_000_000)
    with pytest.raises(PayloadTooLarge):
        _unpacked(bomb, 1_000_000)


def _unpacked(body: bytes, most: int) -> bytes:
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return asyncio.run(read_body({b"content-encoding": b"gzip"}, receive, most))


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(rows, "MOST_ROWS", 3)
    for body in (b"1\n" * 4, b"[1,2,3,4]"):
        with pytest.raises(PayloadTooLarge):
            read_rows(body)


def test_values_take_the_type_of_their_column():
    sent = {**GOOD, "metadata": {"a": [1]}, "error_code": 42, "server_id": 1.5, "resource_id": True, "surplus": 1}
    (values,) = sort_rows(LOGS, read_rows(json.dumps(sent, indent=2).encode())).rows
    assert (values["metadata"], values["error_code"], values["server_id"]) == ('{"a":[1]}', "42", "1.5")
    assert values["resource_id"] == "true" and "surplus" not in values


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"message": None}, "message: missing"),
        ({"timestamp": 1700000000}, "timestamp: not a DateTime"),
        ({"timestamp": "2026-02-30 00:00:00"}, "timestamp: not a DateTime"),
    ],
)
def test_a_row_that_does_not_fit_says_why(values, reason):
    ((_, found),) = sort_rows(LOGS, read_rows(json.dumps({**GOOD, **values}).encode())).refused
    assert found.startswith(reason)


@pytest.mark.parametrize("value", ["1", "x", None, [], float("inf"), 2])
def test_a_threshold_is_switched_by_zero_or_one_only(value):
    row = {"service": "a", "severity": "b", "threshold_per_minute": 1, "active": value, "updated_at": "2026-01-01 00:00:00"}
    assert sort_rows(BUILT_IN[THRESHOLDS].columns, [(b"", row)]).rows == []


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-01-01 01:02:03", "2026-01-01T01:02:03+00:00"),
        ("2026-01-01T01:02:03.999Z", "2026-01-01T01:02:03+00:00"),
        ("2026-01-01T01:02:03+0130", "2025-12-31T23:32:03+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_times_are_read_in_every_documented_form(text, iso):
    moment = instant(text)
    assert moment is not None and moment.isoformat() == iso


@pytest.mark.parametrize(
    "text", ["", "soon", "1969-12-31 23:59:59", "2107-01-01 00:00:00", "9999-12-31T23:59:59-23:59", "2026-1-1"]
)
def test_what_is_no_time_is_none(text):
    assert instant(text) is None
