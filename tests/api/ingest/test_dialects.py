"""Segment, PostHog and OTLP through the ASGI application: what their clients send arrives as our events."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from datetime import UTC, datetime

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.ingest.dialects.otlp_export import TOO_OLD
from tests.unit.ingest.harness import World, principal, serving, until

NOW = datetime.now(UTC).isoformat()
PAGEVIEW = {"event": "$pageview", "distinct_id": "d1", "uuid": "x1", "properties": {"$ip": "203.0.113.7", "a": 1}}
BASIC = "Basic " + base64.b64encode(b"good:").decode()
PROTOBUF = {"content-type": "application/x-protobuf"}


def run(scenario):
    asyncio.run(scenario())


async def stored(world: World, count: int) -> list[dict]:
    await until(lambda: len(world.store.events) >= count)
    return sorted(world.store.events, key=lambda row: row["name"])


def properties(row: dict) -> dict:
    return json.loads(row["properties"])


def test_segment_calls_of_a_batch_become_events_of_their_type(tmp_path):
    batch = [
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "u1",
            "anonymousId": "a1",
            "messageId": "m1",
            "timestamp": NOW,
            "properties": {"total": 12.5},
            "context": {"ip": "203.0.113.9", "userAgent": "agent/1", "library": {"name": "x"}},
        },
        {"type": "page", "name": "Pricing", "anonymousId": "a2", "timestamp": NOW},
        {"type": "identify", "userId": "u1", "traits": {"plan": "pro"}, "timestamp": NOW},
        {"type": "track", "event": "Order Paid", "user_id": "u2", "anonymousId": "a3", "timestamp": NOW},
    ]

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post({"batch": batch}, path="/v1/batch", headers={"authorization": BASIC})
            assert (answer.status, answer.body) == (200, {"success": True})
            order, paid, pricing, identified = await stored(world, 4)
        assert (order["source"], order["name"], order["actor_id"], order["id"]) == ("track", "Order Completed", "u1", "m1")
        assert (order["ip"], properties(order)["total"]) == ("203.0.113.9", 12.5)
        assert (pricing["source"], pricing["name"], pricing["actor_id"]) == ("page", "Pricing", "a2")
        assert (identified["source"], properties(identified)["plan"]) == ("identify", "pro")
        assert (paid["actor_id"], properties(paid)["anonymousId"]) == ("u2", "a3")

    run(scenario)


@pytest.mark.parametrize("path", ["/v1/track", "/v1/t"])
def test_the_write_key_may_stand_in_the_body_and_browsers_may_ask_from_anywhere(tmp_path, path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            call = {"event": "Signed Up", "anonymousId": "a", "writeKey": "good", "timestamp": NOW}
            answer = await client.post(call, path=path, key=None)
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
            assert (await client.post(b"", path=path, method="OPTIONS", key=None)).status == 204
            assert (await client.post({**call, "writeKey": "wrong"}, path=path, key=None)).status == 401
            (row,) = await stored(world, 1)
        assert (row["source"], row["name"]) == ("track", "Signed Up")

    run(scenario)


def test_a_faulty_call_of_a_batch_is_quarantined_and_the_others_are_kept(tmp_path):
    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            calls = [{"type": "unheard of"}, "no object", {"type": "track", "event": "Kept", "timestamp": NOW}]
            assert (await client.post({"batch": calls}, path="/v1/batch")).status == 200
            (row,) = await stored(world, 1)
            await until(lambda: len(world.store.quarantine) == 2)
        assert row["name"] == "Kept"

    run(scenario)


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (gzip.compress, "compression=gzip-js"),
        (lambda plain: b"data=" + base64.b64encode(plain).replace(b"+", b"%2B"), ""),
        (lambda plain: plain, ""),
    ],
    ids=["gzip", "form", "plain"],
)
def test_posthog_events_arrive_in_every_encoding_of_its_clients(tmp_path, body, query):
    plain = json.dumps(
        {
            "api_key": "good",
            "batch": [
                {
                    "event": "$pageview",
                    "distinct_id": "d1",
                    "timestamp": NOW,
                    "uuid": "x1",
                    "properties": {"$ip": "203.0.113.7", "a": 1},
                }
            ],
        }
    ).encode()

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post(body(plain), path="/batch/", query=query, key=None)
            assert (answer.status, answer.body) == (200, {"status": 1})
            (row,) = await stored(world, 1)
        assert (row["source"], row["name"], row["actor_id"], row["id"]) == ("posthog", "$pageview", "d1", "x1")
        assert (row["ip"], properties(row)) == ("203.0.113.7", {"a": 1})

    run(scenario)


def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "checkout", "deployment.environment": "staging"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tracer").start_as_current_span("pay", attributes={"user.id": "u9", "amount": 3, "tags": ["a", "b"]}):
        pass
    return exporter.get_finished_spans()


@pytest.mark.parametrize("is_compressed", [False, True])
def test_spans_become_events(tmp_path, is_compressed):
    body = encode_spans(spans()).SerializeToString()
    headers = {**PROTOBUF, **({"content-encoding": "gzip"} if is_compressed else {})}

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post(gzip.compress(body) if is_compressed else body, path="/v1/traces", headers=headers)
            assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", "application/x-protobuf")
            (row,) = await stored(world, 1)
        assert (row["kind"], row["source"], row["name"], row["actor_id"]) == ("event", "checkout", "pay", "u9")
        assert (row["environment"], row["status"]) == ("staging", "unset")
        assert row["value"] >= 0
        assert properties(row)["amount"] == 3
        assert properties(row)["tags"] == ["a", "b"]
        assert len(properties(row)["trace_id"]) == 32

    run(scenario)


def test_json_spans_with_numbers_as_text_and_unknown_fields_are_read_and_faulty_ones_told(tmp_path):
    start = int(datetime.now(UTC).timestamp()) * 10**9
    span = {
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "name": "work",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 5_000_000),
        "new": 1,
    }
    old = {**span, "startTimeUnixNano": "1000000000", "endTimeUnixNano": "1000000001"}
    message = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [span, old]}]}]}

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            answer = await client.post(message, path="/v1/traces")
            assert answer.body["partialSuccess"]["rejectedSpans"] == "1"
            (row,) = await stored(world, 1)
        assert (row["source"], row["value"]) == ("unknown_service", 5.0)

    run(scenario)


def test_log_records_and_data_points_are_records_of_their_own_kind(tmp_path):
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader], resource=Resource.create({"service.name": "checkout"})).get_meter("m")
    meter.create_counter("orders").add(3, {"country": "DE"})
    meter.create_histogram("latency").record(1.5)
    seconds = int(datetime.now(UTC).timestamp())
    entry = {"timeUnixNano": str(seconds * 10**9), "severityNumber": 17, "body": {"stringValue": "it broke"}}
    old = {"timeUnixNano": "1", "body": {"stringValue": "long ago"}}
    logs = {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {"name": "app"}, "logRecords": [entry, old]}]}]}

    async def scenario():
        world = World()
        async with serving(tmp_path, world) as client:
            body = encode_metrics(reader.get_metrics_data()).SerializeToString()
            assert (await client.post(body, path="/v1/metrics", headers=PROTOBUF)).status == 200
            answer = await client.post(logs, path="/v1/logs")
            assert answer.body["partialSuccess"]["rejectedLogRecords"] == "1"
            rows = await stored(world, 3)
            await until(lambda: [row["reason"] for row in world.store.quarantine] == [TOO_OLD])
        assert {(row["kind"], row["name"], row["value"]) for row in rows} == {
            ("log", "app", None),
            ("metric", "orders", 3.0),
            ("metric", "latency", 1.5),
        }
        (line,) = [row for row in rows if row["kind"] == "log"]
        assert (line["severity"], line["body"]) == ("ERROR", "it broke")

    run(scenario)


def test_exporters_are_refused_in_their_own_encoding(tmp_path):
    async def scenario():
        world = World(keys={"full": principal(tenant_status="suspended")})
        async with serving(tmp_path, world) as client:
            body = encode_spans(spans()).SerializeToString()
            answer = await client.post(body, path="/v1/traces", headers=PROTOBUF, key="nobody")
            assert (answer.status, answer.headers["content-type"]) == (401, "application/x-protobuf")
            assert b"unknown or expired key" in answer.body
            assert (await client.post(body, path="/v1/traces", headers=PROTOBUF, key="full")).status == 403
        world = World()
        async with serving(tmp_path, world) as client:
            assert (await client.post(b"\xff\xff", path="/v1/traces", headers=PROTOBUF)).status == 400
            assert (await client.post(b"[]", path="/v1/logs")).status == 400
            assert (await client.post(b'{"resourceLogs": 3}', path="/v1/logs")).status == 400
            assert (await client.post(b"x", path="/v1/logs", headers={"content-type": "text/plain"})).status == 415
            assert (await client.post(b"", path="/v1/traces", method="GET")).status in (404, 405)

    run(scenario)
    assert ExportTraceServiceResponse().SerializeToString() == b""


def test_values_of_a_wrong_type_inside_telemetry_never_fail_the_server(tmp_path):
    odd = [{"key": "k", "value": {"arrayValue": {"values": 5}}}]
    span = {"name": "n", "status": {"code": {"a": 1}}, "attributes": odd}
    points = [{"name": "m", "gauge": {"dataPoints": 5}}, {"name": "s", "sum": {"dataPoints": [{"asInt": 10**400}]}}]

    async def scenario():
        async with serving(tmp_path, World()) as client:
            traces = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
            assert (await client.post(traces, path="/v1/traces")).status == 200
            metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": points}]}]}
            answer = await client.post(json.dumps(metrics).encode(), path="/v1/metrics")
            assert (answer.status, answer.body["partialSuccess"]["rejectedDataPoints"]) == (200, "1")

    run(scenario)


@pytest.mark.parametrize("path", ["/v1/batch", "/batch", "/v1/traces", "/v1/logs", "/v1/metrics"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[", b"null", b"[" * 20_000, b'{"batch": {}}', b'{"batch": []}', b"\x00", b'"\\ud800"', b'{"a": 1e999}'],
    ids=["empty", "open object", "open array", "null", "deep", "object batch", "empty batch", "nul", "surrogate", "huge number"],
)
def test_broken_bodies_are_refused_and_never_fail_the_server(tmp_path, path, body):
    async def scenario():
        async with serving(tmp_path, World()) as client:
            answer = await client.post(body, path=path)
            assert 200 <= answer.status < 500

    run(scenario)
