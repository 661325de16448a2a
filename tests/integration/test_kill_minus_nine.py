"""Nothing acknowledged is lost or stored twice, however often the processes are killed."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.eventstore.client import ClickHouseEventStore
from tests.eventstore_fixtures import RETENTION_DAYS, StoreProcess
from tests.integration.ingest.servers import PROJECT, TENANT, TOKEN, IngestProcess, prepare_database

KILLS = 22
CLIENTS = 4


class Client(threading.Thread):
    """Sends batches without pause and remembers the ids of those that were acknowledged; never sends an id twice."""

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._dice = random.Random(seed)
        self._stopping = threading.Event()
        self.acknowledged: list[str] = []
        self.sent = 0
        self.refusals: set[int] = set()

    def stop(self) -> None:
        self._stopping.set()
        self.join(20)

    def run(self) -> None:
        connection = None
        while not self._stopping.is_set():
            ids = [str(uuid.UUID(int=self._dice.getrandbits(128))) for _ in range(self._dice.choice([1, 1, 5, 40, 150]))]
            events = [{"id": id_, "service": "kill", "operation": self._dice.choice("abc")} for id_ in ids]
            self.sent += len(ids)
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
                headers = {"Authorization": f"Bearer {TOKEN}"}
                connection.request("POST", "/v1/events", json.dumps({"events": events}), headers)
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
    """Every stored id, and what the roll-up counts."""
    client = store._connected()
    rows = client.query(f"SELECT id FROM {store.address.database}.events WHERE project_id = '{PROJECT}'").result_rows
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
    stop = start + timedelta(days=4)
    buckets = store.count_buckets(TENANT, PROJECT, "event", start, stop, seconds=60, anchor=datetime(1970, 1, 1, tzinfo=UTC))
    return [row[0] for row in rows], sum(bucket.count for bucket in buckets)


@pytest.mark.slow
def test_every_acknowledged_event_is_stored_exactly_once_over_many_kills(tmp_path):
    dice = random.Random(20260506)
    prepare_database(tmp_path)
    store_process = StoreProcess(tmp_path)
    store_process.start()
    store = ClickHouseEventStore(store_process.address)
    store.ensure_schema(RETENTION_DAYS)
    ingest = IngestProcess(store_process, {"PLUMBLINE_DRAIN_SECONDS": "0.2", "PLUMBLINE_DRAIN_ROWS": "2000"})
    ingest.start()
    clients = [Client(ingest.port, seed) for seed in range(CLIENTS)]
    try:
        for client in clients:
            client.start()
        for kill in range(KILLS):
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
    assert set(acknowledged) <= set(ids), "acknowledged events are missing"
    assert len(ids) == len(set(ids)), "events are stored twice"
    assert rolled_up == len(ids)
    assert list((tmp_path / "wal").rglob("*.wal")) == []
