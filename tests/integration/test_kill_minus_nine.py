"""Nothing acknowledged is lost or stored twice, however often the processes are killed."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.eventstore.client import ClickHouseEventStore
from tests.eventstore_fixtures import RETENTION_DAYS, StoreProcess
from tests.integration.ingest.servers import PROJECT, TENANT, TOKEN, IngestProcess, prepare_database

KILLS = 22
CLIENTS = 4


@dataclass(frozen=True)
class Dialect:
    """How records with these ids are sent. Of log records and data points the server makes the ids: ours is their name then."""

    path: str
    body: Callable[[list[str]], dict[str, Any]]


def _segment(ids: list[str]) -> dict[str, Any]:
    return {"batch": [{"type": "track", "event": "kill", "userId": "u", "messageId": id_} for id_ in ids]}


def _posthog(ids: list[str]) -> dict[str, Any]:
    return {"api_key": TOKEN, "batch": [{"event": "kill", "distinct_id": "d", "uuid": id_} for id_ in ids]}


def _spans(ids: list[str]) -> dict[str, Any]:
    # The id of the event is that of the trace, a line, and that of the span.
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "s", "traceId": id_[:8], "spanId": id_[9:]} for id_ in ids]}]}]}


def _log_records(ids: list[str]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": id_} for id_ in ids]}]}]}


def _data_points(ids: list[str]) -> dict[str, Any]:
    metrics = [{"name": id_, "gauge": {"dataPoints": [{"asInt": "1"}]}} for id_ in ids]
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}


EVENTS = Dialect("/v1/events", lambda ids: {"events": [{"id": id_, "service": "kill", "operation": "a"} for id_ in ids]})
DIALECTS = (
    EVENTS,
    Dialect("/v1/batch", _segment),
    Dialect("/batch", _posthog),
    Dialect("/v1/traces", _spans),
    Dialect("/v1/logs", _log_records),
    Dialect("/v1/metrics", _data_points),
)


class Client(threading.Thread):
    """Sends batches without pause and remembers the ids of those that were acknowledged; never sends an id twice."""

    def __init__(self, port: int, seed: int, dialect: Dialect) -> None:
        super().__init__(daemon=True)
        self.dialect = dialect
        self._port = port
        self._dice = random.Random(seed)
        self._stopping = threading.Event()
        self.acknowledged: list[str] = []
        self.sent_ids: list[str] = []
        self.refusals: set[int] = set()

    def stop(self) -> None:
        self._stopping.set()
        self.join(20)

    def run(self) -> None:
        connection = None
        while not self._stopping.is_set():
            ids = [str(uuid.UUID(int=self._dice.getrandbits(128))) for _ in range(self._dice.choice([1, 1, 5, 40, 150]))]
            self.sent_ids += ids
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
                headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
                connection.request("POST", self.dialect.path, json.dumps(self.dialect.body(ids)), headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection = None
                self._stopping.wait(0.02)
                continue
            if answer.status == 200:
                self.acknowledged += ids
            else:
                self.refusals.add(answer.status)
                self._stopping.wait(0.02)


def stored_ids(store: ClickHouseEventStore) -> tuple[list[str], int]:
    """The producer's id of every stored record, and what the roll-up counts of the events among them."""
    client = store._connected()
    own = "if(kind IN ('log', 'metric'), name, id)"
    rows = client.query(f"SELECT {own} FROM {store.address.database}.events WHERE project_id = '{PROJECT}'").result_rows
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
    stop = start + timedelta(days=4)
    buckets = store.count_buckets(TENANT, PROJECT, "event", start, stop, seconds=60, anchor=datetime(1970, 1, 1, tzinfo=UTC))
    return [row[0] for row in rows], sum(bucket.count for bucket in buckets)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialects", "kills"),
    [((EVENTS,) * CLIENTS, KILLS), (DIALECTS, len(DIALECTS) * 2)],
    ids=["events", "dialects over HTTP at once"],
)
def test_every_acknowledged_event_is_stored_exactly_once_over_many_kills(tmp_path, dialects, kills):
    dice = random.Random(20260506)
    prepare_database(tmp_path)
    store_process = StoreProcess(tmp_path)
    store_process.start()
    store = ClickHouseEventStore(store_process.address)
    store.ensure_schema(RETENTION_DAYS)
    ingest = IngestProcess(store_process, {"PLUMBLINE_DRAIN_SECONDS": "0.2", "PLUMBLINE_DRAIN_ROWS": "2000"})
    ingest.start()
    clients = [Client(ingest.port, seed, dialect) for seed, dialect in enumerate(dialects)]
    try:
        for client in clients:
            client.start()
        for kill in range(kills):
            time.sleep(dice.uniform(0.2, 1.2))
            # Mostly the process with the log; every fifth time the store in the middle of its inserts as well.
            if kill % 5 == 4:
                store_process.kill()
                store_process.start()
            else:
                ingest.kill()
                ingest.start()
        for client in clients:
            client.stop()
        ingest.wait_until_drained()
        assert ingest.stop() == 0
        ids, rolled_up = stored_ids(store)
    finally:
        store.close()
        for client in clients:
            client.stop()
        ingest.kill()
        store_process.kill()
    acknowledged = [id_ for client in clients for id_ in client.acknowledged]
    assert len(acknowledged) > 2000
    assert all(client.acknowledged for client in clients), "a dialect was never acknowledged"
    assert set(acknowledged) <= set(ids), "acknowledged events are missing"
    assert len(ids) == len(set(ids)), "events are stored twice"
    of_their_own_kind = {id_ for client in clients if client.dialect.path in ("/v1/logs", "/v1/metrics") for id_ in client.sent_ids}
    assert rolled_up == len([id_ for id_ in ids if id_ not in of_their_own_kind])
    assert list((tmp_path / "wal").rglob("*.wal")) == []
