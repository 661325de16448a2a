"""A real ingest process: what its door answers and what the full server behind it answers are the same bytes."""

from __future__ import annotations

import json
import re
import socket

import pytest

from app.eventstore.client import ClickHouseEventStore
from tests.eventstore_fixtures import RETENTION_DAYS, StoreProcess
from tests.integration.ingest.servers import TOKEN, IngestProcess, prepare_database

GOOD = json.dumps([{"service": "web", "operation": "click"}]).encode()
AUTHORISED = f"authorization: Bearer {TOKEN}\r\n".encode()


@pytest.fixture(scope="module")
def ingest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    prepare_database(folder)
    store = StoreProcess(folder)
    store.start()
    ClickHouseEventStore(store.address).ensure_schema(RETENTION_DAYS)
    process = IngestProcess(store)
    process.start()
    yield process
    assert process.stop() == 0
    store.stop()


def ask(port, text):
    """Everything that is answered to one request, without what differs from one time to the next."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(text)
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < _length(answer):
            part = peer.recv(65_536)
            assert part, answer
            answer += part
    return re.sub(rb"date: [^\r]*|\"request_id\":\"[^\"]*\"|\"checked_at\":\"[^\"]*\"", b"", answer)


def _length(answer):
    found = re.search(rb"content-length: (\d+)", answer)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(
    ("line", "fields", "body"),
    [
        (b"POST /v1/events", AUTHORISED, GOOD),
        (b"POST /v1/events", AUTHORISED, b"[]"),
        (b"POST /v1/events", AUTHORISED, b'[{"service": 1}]'),
        (b"POST /v1/events?wait=1", AUTHORISED, GOOD),
        (b"POST /v1/events", AUTHORISED + b"content-encoding: br\r\n", GOOD),
        (b"POST /v1/events", AUTHORISED + b"idempotency-key: one\r\n", GOOD),
        (b"POST /v1/events", AUTHORISED + b"idempotency-key: one\r\n", b"[{}]"),
        (b"POST /v1/events", AUTHORISED + b"x-tenant-id: other\r\n", GOOD),
        (b"POST /v1/events", b"authorization: Bearer wrong\r\n", GOOD),
        (b"POST /v1/events", b"", GOOD),
        (b"GET /v1/events", b"", b""),
        (b"POST /v1/track", AUTHORISED, b'{"event": "Signed Up", "userId": "1"}'),
        (b"POST /v1/track", b"", b'{"event": "Signed Up"}'),
        (b"OPTIONS /v1/track", b"", b""),
        (b"POST /v1/logs", AUTHORISED, b"{}"),
        (b"GET /healthz", b"", b""),
        (b"GET /nowhere", b"", b""),
    ],
)
def test_the_door_and_the_full_server_answer_alike(ingest, line, fields, body):
    head = b"%b HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n" % (line, fields, len(body))
    ask(ingest.port, head + b"\r\n" + body)  # an idempotency key has its answer now
    # Two equal fields are more than the door reads, and mean nothing to whoever answers.
    passed_on = ask(ingest.port, head + b"x-twice: 1\r\nx-twice: 1\r\n\r\n" + body)
    assert ask(ingest.port, head + b"\r\n" + body) == passed_on


def test_a_connection_is_passed_on_with_all_that_follows(ingest):
    chunked = b"POST /v1/events HTTP/1.1\r\nhost: x\r\n%btransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", ingest.port), timeout=60) as peer:
        peer.sendall((chunked % (AUTHORISED, len(GOOD), GOOD)) * 3)
        answer = b""
        while answer.count(b'"processed":1') < 3:
            part = peer.recv(65_536)
            assert part, answer
            answer += part
    assert answer.count(b"HTTP/1.1 200 OK") == 3
