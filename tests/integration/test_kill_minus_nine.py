"""Nothing acknowledged is lost or stored twice, however often the processes are killed."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Consumer, TopicPartition

from app.eventstore.client import ClickHouseEventStore
from tests.eventstore_fixtures import RETENTION_DAYS, StoreProcess
from tests.integration.ingest.clients import (
    EVENT_DIALECTS,
    EVENTS,
    STORED_NAME,
    SURFACES,
    TOPIC,
    Client,
    GrpcClient,
    HttpClient,
    KafkaProducer,
)
from tests.integration.ingest.mock_kafka import MockKafka
from tests.integration.ingest.servers import PROJECT, TENANT, IngestProcess, prepare_database
from tests.ports import free_port

pytestmark = pytest.mark.slow

KILLS = 22
KILLS_OF_ALL = 9
CLIENTS = 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUICK_DRAIN = {"PLUMBLINE_DRAIN_SECONDS": "0.2", "PLUMBLINE_DRAIN_ROWS": "2000"}


class Site:
    """A store and processes that take records in on one data folder, all to be killed, and what the store has in the end."""

    def __init__(self, folder, variables=None, module="app.ingest.server", processes=1):
        prepare_database(folder)
        self.folder = folder
        self.store_process = StoreProcess(folder)
        self.store_process.start()
        self.store = ClickHouseEventStore(self.store_process.address)
        self.store.ensure_schema(RETENTION_DAYS)
        variables = {**QUICK_DRAIN, **(variables or {})}
        self.ingests = [IngestProcess(self.store_process, variables, module=module) for _ in range(processes)]
        for ingest in self.ingests:
            ingest.start()

    def kill_often(self, kills, dice, shortest, longest):
        """Mostly a process with a log, sometimes all of them; every fifth time the store in the middle of its inserts instead."""
        for kill in range(kills):
            time.sleep(dice.uniform(shortest, longest))
            if kill % 5 == 4:
                self.store_process.kill()
                self.store_process.start()
            else:
                victims = self.ingests if kill % 6 == 5 else [dice.choice(self.ingests)]
                for victim in victims:
                    victim.kill()
                for victim in victims:
                    victim.start()

    def stop(self):
        for ingest in self.ingests:
            ingest.wait_until_drained()
            assert ingest.stop() == 0

    def close(self):
        self.store.close()
        for ingest in self.ingests:
            ingest.kill()
        self.store_process.kill()

    def rows(self, sql):
        database = self.store.address.database
        return self.store._connected().query(f"{sql.format(database=database)} WHERE project_id = '{PROJECT}'").result_rows

    def rolled_up(self):
        """What the roll-up counts of the events."""
        start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
        stop = start + timedelta(days=4)
        buckets = self.store.count_buckets(TENANT, PROJECT, "event", start, stop, seconds=60, anchor=EPOCH)
        return sum(bucket.count for bucket in buckets)

    def check(self, clients):
        """Everything that was acknowledged is stored, and nothing twice."""
        rows = self.rows(f"SELECT {STORED_NAME}, kind FROM {{database}}.events")
        stored = Counter(name for name, _ in rows)
        for client in clients:
            assert client.fault is None, (client.name, client.fault)
            assert client.acknowledged, f"{client.name} was never acknowledged, but answered {client.refusals}"
            missing = [name for name in client.acknowledged if name not in stored]
            assert not missing, f"{client.name}: {len(missing)} of {len(client.acknowledged)} acknowledged records are missing"
        repeated = {name: count for name, count in stored.items() if count > 1}
        assert not repeated, f"{len(repeated)} records are stored twice"
        assert self.rolled_up() == sum(kind == "event" for _, kind in rows)
        assert list((self.folder / "wal").rglob("*.wal")) == []


def test_every_acknowledged_event_is_stored_exactly_once_over_many_kills(tmp_path):
    """Of two processes on one data folder; whoever starts takes over what a dead one left."""
    dice = random.Random(20260506)
    site = Site(tmp_path, processes=2)
    clients: list[Client] = [HttpClient(site.ingests[seed % 2].port, seed, EVENTS, 0.01) for seed in range(CLIENTS)]
    try:
        for client in clients:
            client.start()
        site.kill_often(KILLS, dice, 0.2, 1.2)
        for client in clients:
            client.stop()
        site.stop()
        site.check(clients)
        assert sum(len(client.acknowledged) for client in clients) > 2000
    finally:
        for client in clients:
            client.stop()
        site.close()


def committed(broker: MockKafka) -> int:
    """Messages the group will not see again."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "plumbline"})
    (place,) = consumer.committed([TopicPartition(TOPIC, 0)], timeout=10)
    consumer.close()
    return max(place.offset, 0)


def until_all_are_acknowledged(clients: list[Client]) -> None:
    """Each client has got an answer since now."""
    before = [len(client.acknowledged) for client in clients]
    deadline = time.monotonic() + 30
    while silent := [client.name for client, count in zip(clients, before, strict=True) if len(client.acknowledged) == count]:
        assert time.monotonic() < deadline, f"not acknowledged: {silent}"
        time.sleep(0.05)


def test_the_same_holds_for_every_dialect_and_surface_at_once(tmp_path):
    """Events in all their dialects, OTLP in protobuf and over gRPC, Kafka, log lines, security events and audit records.

    The web process takes long to start, so most of the kills hit one that has its surfaces only.
    """
    dice = random.Random(20261126)
    broker = MockKafka()
    broker.create_topic(TOPIC)
    grpc_port = free_port()
    site = Site(
        tmp_path,
        {
            "PLUMBLINE_OTLP_GRPC_PORT": str(grpc_port),
            "PLUMBLINE_KAFKA_BROKERS": broker.address,
            # A member that was killed makes room for its successor soon.
            "PLUMBLINE_KAFKA_OPTIONS": "session.timeout.ms=500,heartbeat.interval.ms=100",
            "PLUMBLINE_JOBS_ENABLED": "false",
            "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "false",
        },
        "tests.integration.ingest.surfaces",
    )
    producer = KafkaProducer(broker.address, 99, 0.05)
    clients: list[Client] = [
        *(HttpClient(site.ingests[0].port, seed, one, 0.05) for seed, one in enumerate([*EVENT_DIALECTS, *SURFACES])),
        GrpcClient(grpc_port, 98, 0.05),
        producer,
    ]
    try:
        for client in clients:
            client.start()
        site.kill_often(KILLS_OF_ALL, dice, 0.8, 1.8)
        (ingest,) = site.ingests
        ingest.module = "app.web"
        for _ in range(2):
            ingest.kill()
            ingest.start()
            until_all_are_acknowledged(clients)
        for client in clients:
            client.stop()
        deadline = time.monotonic() + 60
        while committed(broker) < producer.messages:
            assert time.monotonic() < deadline, f"{committed(broker)} of {producer.messages} messages were taken from the topic"
            time.sleep(0.2)
        site.stop()
        site.check(clients)
        refused = Counter(
            name for (raw,) in site.rows("SELECT raw FROM {database}.quarantine") for name in producer.refused if name in raw
        )
        assert refused == Counter(producer.refused), "what Kafka brought and was refused is in quarantine, each once"
    finally:
        for client in clients:
            client.stop()
        site.close()
        broker.close()
