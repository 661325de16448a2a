"""Whatever bytes arrive: a decoder gives records or one of its declared errors, and what it gives can be stored."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.ingest.columns import encode_columns
from app.ingest.decode import decode_batch
from app.ingest.dialects.otlp import PROTOBUF, decode_otlp
from app.ingest.dialects.otlp_export import events_body
from app.ingest.dialects.posthog import decode_posthog
from app.ingest.dialects.segment import PATHS, decode_segment
from app.ingest.payloads import COLUMNS, native_block
from app.ingest.project_plans import ProjectPlan
from app.ingest.records import encode_records
from app.ingest.rules import Reception, TimeWindow, clean_batch
from app.kernel.errors import BadRequest, PayloadTooLarge, UnsupportedMedia
from app.logs.columns import BUILT_IN, SYSTEM_LOGS, Column
from app.logs.rows import inferred_columns, read_csv, read_rows, sort_rows
from tests.unit.ingest.harness import read_native

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
REFUSALS = (BadRequest, PayloadTooLarge, UnsupportedMedia)
RECEPTION = Reception(
    "t", "p", ProjectPlan(frozenset({("web", "click")})), TimeWindow.of(max_age_days=30, max_future_hours=24), NOW
)
MANY = settings(max_examples=120)
LOG_COLUMNS = BUILT_IN[SYSTEM_LOGS].columns
TELEMETRY = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2026-11-26T09:00:00Z")
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
KEYS = st.sampled_from(
    [
        "events", "batch", "type", "event", "service", "operation", "timestamp", "sentAt", "userId", "anonymousId",
        "messageId", "properties", "traits", "context", "custom_attributes", "id", "event_id", "user_agent", "duration", "status",
        "distinct_id", "uuid", "api_key", "token", "writeKey", "$set", "data", "ip_address", "severity", "offset", "library",
    ]
)  # fmt: skip
MEMBERS = st.dictionaries(KEYS | st.text(max_size=3), VALUES, max_size=8)
MESSAGES = MEMBERS | st.lists(MEMBERS, max_size=4) | st.builds(lambda name, many: {name: many}, KEYS, st.lists(MEMBERS, max_size=4))
BODIES = st.binary(max_size=300) | MESSAGES.map(lambda value: json.dumps(value).encode())


def store(body: bytes) -> None:
    """Take the body the way of the event API down to the block that the store is given."""
    cleaned = clean_batch(decode_batch(body, 1000), RECEPTION)
    if cleaned.count:
        rows = read_native(native_block([encode_columns([cleaned])], cleaned.count))
        assert len(rows) == cleaned.count
        assert set(rows[0]) == set(COLUMNS)
        assert all(isinstance(json.loads(row["properties"]), dict) for row in rows)
    assert cleaned.count + len(cleaned.faults) == len(decode_batch(body, 1000))
    assert len(cleaned.quarantine.splitlines()) == len(cleaned.faults)


@MANY
@given(BODIES)
def test_events(body: bytes):
    with suppress(*REFUSALS):
        store(body)


@MANY
@given(BODIES, st.sampled_from(sorted(PATHS)))
def test_segment(body: bytes, path: str):
    with suppress(*REFUSALS):
        store(events_body(decode_segment(path, body).events))


@MANY
@given(BODIES, st.binary(max_size=60) | st.sampled_from([b"compression=gzip", b"compression=base64", b"compression=gzip-js"]))
def test_posthog(body: bytes, query: bytes):
    with suppress(*REFUSALS):
        store(events_body(decode_posthog(body, query, 100_000).events))


@MANY
@given(BODIES | st.lists(MEMBERS, min_size=1, max_size=4).map(lambda rows: "\n".join(map(json.dumps, rows)).encode()))
def test_log_lines(body: bytes):
    try:
        read = read_rows(body)
    except REFUSALS:
        return
    found = sort_rows(LOG_COLUMNS, read)
    assert len(found.rows) + len(found.refused) == len(read)
    with suppress(BadRequest):  # nothing in it says what the columns of a new source are
        made = sort_rows(inferred_columns(read), read)
        assert len(made.rows) + len(made.refused) == len(read)


@MANY
@given(st.text(max_size=200).map(str.encode) | st.binary(max_size=100), st.sampled_from([LOG_COLUMNS, ()]))
def test_log_lines_as_csv(body: bytes, columns: tuple[Column, ...]):
    with suppress(*REFUSALS):
        read = read_csv(body, columns)
        sort_rows(columns or inferred_columns(read), read)


def filled(message: Message, data: st.DataObject, depth: int = 0) -> Message:
    """Some of the message's fields with some value of their type."""
    for field in message.DESCRIPTOR.fields:
        if depth > 8 or not data.draw(st.booleans()):
            continue
        is_many = field.is_repeated
        times = data.draw(st.integers(0, 2)) if is_many else 1
        for _ in range(times):
            if field.type == field.TYPE_MESSAGE:
                inner = getattr(message, field.name)
                filled(inner.add() if is_many else inner, data, depth + 1)
                if not is_many:
                    inner.SetInParent()
                continue
            value = data.draw(value_of(field))
            if is_many:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


def value_of(field) -> st.SearchStrategy:
    kinds = {
        field.CPPTYPE_STRING: st.text(max_size=8).filter(lambda text: text.isprintable())
        if field.type == field.TYPE_STRING
        else st.binary(max_size=20),
        field.CPPTYPE_BOOL: st.booleans(),
        field.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        field.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
        field.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
        field.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
        field.CPPTYPE_DOUBLE: st.floats(),
        field.CPPTYPE_FLOAT: st.floats(width=32),
        field.CPPTYPE_ENUM: st.integers(0, 40),
    }
    return kinds[field.cpp_type]


@pytest.mark.parametrize("path", TELEMETRY)
@settings(max_examples=60)
@given(data=st.data())
def test_telemetry_of_every_shape_and_with_every_bit_turned(path: str, data: st.DataObject):
    body = bytearray(filled(TELEMETRY[path](), data).SerializeToString())
    for _ in range(data.draw(st.integers(0, 3)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(*REFUSALS):
        found = decode_otlp(path, PROTOBUF, bytes(body), NOW)
        if found.events:
            store(events_body(found.events))
        storable = [record for record in found.records if record.time >= datetime(1970, 1, 2, tzinfo=UTC)]
        assert encode_records("otlp", "t", "p", storable, found.refused).rows == len(storable)


@pytest.mark.parametrize("path", TELEMETRY)
@MANY
@given(BODIES, st.sampled_from([PROTOBUF, "application/json"]))
def test_telemetry_that_is_none(path: str, body: bytes, content_type: str):
    with suppress(*REFUSALS):
        decode_otlp(path, content_type, body, NOW)
