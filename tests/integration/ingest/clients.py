"""Clients that send records without pause, in every dialect, and remember which of them were acknowledged.

A record is named by 32 hexadecimal digits that are never used twice. Where the server makes the id, the name stands elsewhere in
the record; `STORED_NAME` finds it in every row.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from confluent_kafka import KafkaException, Producer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from tests.integration.ingest.servers import TENANT, TOKEN, TOKENS

STORED_NAME = """multiIf(kind = 'log' AND name = 'system_logs', body, kind = 'security', actor_id, kind = 'event',
  replaceAll(id, '-', ''), name)"""
SIZES = (1, 1, 5, 40, 150)
TOPIC = "driftlock-events"


def _json(**headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **headers}


@dataclass(frozen=True)
class Dialect:
    """How records with these names are sent over HTTP."""

    path: str
    body: Callable[[list[str]], Any]
    headers: dict[str, str] = field(default_factory=_json)
    most: int = 150

    def content(self, names: list[str]) -> bytes:
        body = self.body(names)
        return body if isinstance(body, bytes) else json.dumps(body).encode()


def _segment(names: list[str]) -> dict[str, Any]:
    return {"batch": [{"type": "track", "event": "kill", "userId": "u", "messageId": name} for name in names]}


def _posthog(names: list[str]) -> dict[str, Any]:
    return {"api_key": TOKEN, "batch": [{"event": "kill", "distinct_id": "d", "uuid": name} for name in names]}


def _spans(names: list[str]) -> dict[str, Any]:
    # The id of the event is that of the trace, a line, and that of the span.
    spans = [{"name": "s", "traceId": name[:8], "spanId": name[8:]} for name in names]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def _log_records(names: list[str]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": name} for name in names]}]}]}


def _data_points(names: list[str]) -> dict[str, Any]:
    metrics = [{"name": name, "gauge": {"dataPoints": [{"asInt": "1"}]}} for name in names]
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}


def span_request(names: list[str]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    scoped = request.resource_spans.add().scope_spans.add()
    for name in names:
        scoped.spans.add(name="s", trace_id=bytes.fromhex(name[:8]), span_id=bytes.fromhex(name[8:]))
    return request


def log_request(names: list[str]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    scoped = request.resource_logs.add().scope_logs.add()
    for name in names:
        scoped.log_records.add(event_name=name)
    return request


def _log_rows(names: list[str]) -> bytes:
    row = {"timestamp": "2026-05-06T07:08:09Z", "server_id": "s", "service": "kill", "severity": "ERROR", "error_code": ""}
    return b"\n".join(json.dumps({**row, "message": name, "resource_id": "", "metadata": "{}"}).encode() for name in names)


def _security_events(names: list[str]) -> dict[str, Any]:
    return {"events": [{"event": "auth.login_failed", "actor": {"id": name}, "user_ip": "203.0.113.7"} for name in names]}


def _audit_records(names: list[str]) -> list[dict[str, Any]]:
    record = {
        "category": "documents",
        "sourceInformation": {"application": "shop", "environment": "production"},
        "method": "GET",
        "status": "SUCCESS",
        "level": "info",
        "actor": {"origin": "u"},
    }
    return [{**record, "event": {"name": name, "type": "document"}} for name in names]


_PROTOBUF = _json(**{"Content-Type": "application/x-protobuf"})
EVENTS = Dialect("/v1/events", lambda names: {"events": [{"id": name, "service": "kill", "operation": "a"} for name in names]})
EVENT_DIALECTS = (
    EVENTS,
    Dialect("/v1/batch", _segment),
    Dialect("/batch", _posthog),
    Dialect("/v1/traces", _spans),
    Dialect("/v1/logs", _log_records),
    Dialect("/v1/metrics", _data_points),
    Dialect("/v1/traces", lambda names: span_request(names).SerializeToString(), _PROTOBUF),
    Dialect("/v1/logs", lambda names: log_request(names).SerializeToString(), _PROTOBUF),
)
SURFACES = (
    Dialect("/v0/events?name=system_logs", _log_rows, {"Authorization": f"Bearer {TOKENS['logs']}"}),
    Dialect("/collect/batch", _security_events, {"X-API-Key": TOKENS["security"], "Content-Type": "application/json"}, most=40),
    Dialect("/audit/log", _audit_records, {"api-key": TOKENS["audit"], "Content-Type": "application/json"}),
)


class Client(threading.Thread):
    """Sends batches and remembers the names of those that were acknowledged."""

    def __init__(self, name: str, seed: int, pause: float = 0.0) -> None:
        super().__init__(name=name, daemon=True)
        self._dice = random.Random(seed)
        self._stopping = threading.Event()
        self._pause = pause
        self.acknowledged: list[str] = []
        self.refusals: set[str] = set()
        self.fault: Exception | None = None

    def stop(self) -> None:
        self._stopping.set()
        self.join(20)

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                names = [f"{self._dice.getrandbits(128):032x}" for _ in range(self._dice.choice(SIZES))]
                if self.send(names):
                    self.acknowledged += names
                    self._stopping.wait(self._pause)
                else:
                    self._stopping.wait(0.02)
        except Exception as error:  # noqa: BLE001 - a client that ended must not look like one that was never answered
            self.fault = error

    def send(self, names: list[str]) -> bool:
        """Whether the records were acknowledged."""
        raise NotImplementedError


class HttpClient(Client):
    def __init__(self, port: int, seed: int, dialect: Dialect, pause: float = 0.0) -> None:
        super().__init__(f"{dialect.path} {dialect.headers.get('Content-Type', '')}", seed, pause)
        self._dialect = dialect
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def send(self, names: list[str]) -> bool:
        del names[self._dialect.most :]
        try:
            self._connection = self._connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            self._connection.request("POST", self._dialect.path, self._dialect.content(names), self._dialect.headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._connection = None
            return False
        if not 200 <= answer.status < 300:
            self.refusals.add(str(answer.status))
        return 200 <= answer.status < 300


class GrpcClient(Client):
    """Spans and log records in turns."""

    def __init__(self, port: int, seed: int, pause: float = 0.0) -> None:
        super().__init__("OTLP over gRPC", seed, pause)
        backoff = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 50)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[*backoff, ("grpc.max_reconnect_backoff_ms", 200)])
        self._turn = 0

    def send(self, names: list[str]) -> bool:
        self._turn += 1
        stub, request = (
            (TraceServiceStub(self._channel), span_request(names))
            if self._turn % 2
            else (LogsServiceStub(self._channel), log_request(names))
        )
        try:
            stub.Export(request, metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=10)
        except grpc.RpcError as error:
            self.refusals.add(str(error.code()))
            return False
        return True


class KafkaProducer(Client):
    """Messages of every kind: one event, a batch with a faulty one in it, and what is refused as a whole. `refused` are the names
    that must be found in quarantine, each once."""

    def __init__(self, brokers: str, seed: int, pause: float = 0.0) -> None:
        super().__init__("Kafka", seed, pause)
        self._producer = Producer({"bootstrap.servers": brokers})
        self.refused: list[str] = []
        self.messages = 0

    def send(self, names: list[str]) -> bool:
        refused = [f"{self._dice.getrandbits(128):032x}" for _ in range(2)]
        faulty = {"id": refused[0], "service": ""}
        values = [
            json.dumps(EVENTS.body(names)["events"] + [faulty]).encode(),
            b'{"not json": "' + refused[1].encode(),
        ]
        for value in values:
            self._producer.produce(
                TOPIC, value, headers=[("X-Tenant-ID", TENANT.encode()), ("Authorization", f"Bearer {TOKEN}".encode())]
            )
        if self._producer.flush(20):
            raise KafkaException("the broker did not take the messages")
        self.refused += refused
        self.messages += len(values)
        return True
