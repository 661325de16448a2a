"""Events from a Kafka topic: a real producer, a broker that speaks the protocol, and what is committed when."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from pydantic import SecretStr

from app.ingest import outcomes
from app.ingest.folders import unstored_segments
from app.ingest.kafka import KafkaSource
from app.ingest.pipeline import Pipeline
from app.ingest.process import Process
from app.ingest.recall import ids_in
from app.ingest.validation import Mode, Policy, compile_checks
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.setting_groups import KafkaSettings
from app.plan.contracts import FieldRules
from tests.integration.ingest.mock_kafka import MockKafka
from tests.unit.ingest.harness import TENANT, MemoryStore, World, event, ingest_settings, principal, quota_engine, serving, until
from tests.unit.ingest.test_wal import FaultyFiles

TOPIC = "driftlock-events"
HEADERS = [("X-Tenant-ID", TENANT.encode()), ("Authorization", b"Bearer good")]


@pytest.fixture
def broker() -> Iterator[MockKafka]:
    broker = MockKafka()
    broker.create_topic(TOPIC, 2)
    yield broker
    broker.close()


def produce(broker: MockKafka, *values: object, headers=HEADERS, partition: int = -1) -> None:
    """Messages into one partition, or wherever the producer thinks fit: all that come quickly may go into the same one."""
    producer = Producer({"bootstrap.servers": broker.address})
    for value in values:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        producer.produce(TOPIC, content, headers=headers, partition=partition)
    assert producer.flush(20) == 0


def committed(broker: MockKafka) -> int:
    """Messages the group will not see again."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "plumbline"})
    places = consumer.committed([TopicPartition(TOPIC, number) for number in range(2)], timeout=10)
    consumer.close()
    return sum(max(place.offset, 0) for place in places)


@asynccontextmanager
async def reading(broker: MockKafka, pipeline: Pipeline | None = None):
    settings = KafkaSettings(
        kafka_brokers=broker.address, kafka_options=SecretStr("session.timeout.ms=2000,heartbeat.interval.ms=200")
    )
    source = KafkaSource(pipeline or Process.pipeline, settings)
    source.start()
    try:
        yield source
    finally:
        await asyncio.to_thread(source.stop)


@asynccontextmanager
async def consuming(tmp_path, world: World, broker: MockKafka, **variables):
    async with serving(tmp_path, world, **variables), reading(broker) as source:
        yield source


def test_messages_are_stored_and_then_committed(tmp_path, broker):
    produce(broker, *(event(id=f"k{number}") for number in range(200)), [event(id="x"), event(id="y")])

    async def scenario():
        world = World()
        async with consuming(tmp_path, world, broker):
            await until(lambda: len(world.store.events) == 202, 30)
        assert {row["tenant_id"] for row in world.store.events} == {TENANT}

    asyncio.run(scenario())
    assert committed(broker) == 201


def test_bad_messages_neither_stop_the_partition_nor_vanish(tmp_path, broker):
    produce(broker, b"{not json", {"service": ""}, event(id="good"))
    produce(broker, event(id="no key"), headers=[])
    produce(broker, event(id="wrong key"), headers=[("Authorization", b"Bearer wrong")])
    produce(broker, event(id="wrong tenant"), headers=[("X-Tenant-ID", b"other"), ("Authorization", b"Bearer good")])
    produce(broker, event(id="last"))

    async def scenario():
        world = World()
        async with consuming(tmp_path, world, broker):
            await until(lambda: len(world.store.events) == 2 and len(world.store.quarantine) == 2, 30)
        assert {row["id"] for row in world.store.events} == {"good", "last"}
        assert "{not json" in {row["raw"] for row in world.store.quarantine}

    asyncio.run(scenario())
    assert committed(broker) == 7


def repeated() -> int:
    return outcomes.BOOKS.balance(SYSTEM_CLOCK.now()).reasons.get("repeated", 0)


def waiting(data_dir: Path) -> list[tuple[str, str]]:
    """Project and id of what is in the log of any process."""
    return list(ids_in(unstored_segments(data_dir / "wal")))


@pytest.mark.parametrize("is_drained", [True, False], ids=["from the store", "from the log"])
def test_what_comes_a_second_time_is_recognised_without_an_id_of_its_own(tmp_path, broker, monkeypatch, is_drained):
    """Good events and refused ones alike: after a crash between the durable write and the commit every message is read again."""
    monkeypatch.setattr("app.ingest.journal.STOP_SECONDS", 0.1)
    produce(broker, *(event() for _ in range(20)))
    produce(broker, b"{not json", {"service": ""}, [event(service=""), event(), event(id="own", duration=-1)], b"[" + b" " * 70_000)

    async def scenario():
        world = World()
        world.store.is_down = not is_drained
        async with consuming(tmp_path, world, broker, max_body_bytes=65_536):
            # As if the process ended each time before it could commit.
            monkeypatch.setattr("app.ingest.kafka._next_offsets", lambda messages: 1 / 0)
            if is_drained:
                await until(lambda: len(world.store.events) == 21 and len(world.store.quarantine) == 5, 30)
            else:
                await until(lambda: len(waiting(tmp_path)) == 26, 30)
        assert committed(broker) == 0
        monkeypatch.undo()
        before = repeated()
        # A message that was too large stays refused, also where it would be taken by now.
        async with consuming(tmp_path, world, broker):
            await until(lambda: committed(broker) == 24, 30)
            world.store.is_down = False
            await until(lambda: not list((tmp_path / "wal").rglob("*.wal")), 30)
        assert len(world.store.events) == 21
        assert len(world.store.quarantine) == 5
        assert len({row["message_id"] for row in world.store.quarantine}) == 5
        assert repeated() - before == 26, "each of them is counted as one that came again"

    asyncio.run(scenario())


@pytest.mark.parametrize("is_drained", [True, False], ids=["from the store", "from the log"])
def test_a_process_that_was_running_already_recognises_what_the_one_before_it_took_in(tmp_path, broker, monkeypatch, is_drained):
    """Its memory is filled again with every partition that it takes over."""
    monkeypatch.setattr("app.ingest.journal.STOP_SECONDS", 0.1)

    async def scenario():
        world = World()
        its_store = world.store if is_drained else MemoryStore()
        its_store.is_down = not is_drained
        other = Pipeline(ingest_settings(tmp_path), its_store, world.sources(), clock=world.clock)
        async with serving(tmp_path, world):
            await other.start()
            async with reading(broker):
                async with reading(broker, other) as dying:
                    await until(lambda: len(dying.partitions) == 1, 30)
                    # As if the process ended before it could commit.
                    monkeypatch.setattr(dying, "_are_kept", lambda messages: KafkaSource._are_kept(dying, messages) and False)
                    for partition in range(2):
                        produce(broker, *(event() for _ in range(20)), partition=partition)
                    produce(broker, b"{not json", partition=min(dying.partitions))
                    await until(lambda: len(world.store.events) + len(world.store.quarantine) + len(waiting(tmp_path)) == 41, 30)
                    assert committed(broker) < 41
                await until(lambda: committed(broker) == 41, 30)
            its_store.is_down = False
            await until(lambda: not list((tmp_path / "wal").rglob("*.wal")), 30)
            await other.stop()
        stored = [*world.store.events, *(its_store.events if its_store is not world.store else [])]
        assert len(stored) == 40

    asyncio.run(scenario())


def test_the_process_that_took_a_message_in_recognises_it_itself(tmp_path, broker, monkeypatch):
    produce(broker, b"{not json", [event(service=""), event()])

    async def scenario():
        world = World()
        async with serving(tmp_path, world):
            monkeypatch.setattr("app.ingest.kafka._next_offsets", lambda messages: 1 / 0)
            async with reading(broker):
                await until(lambda: len(world.store.events) == 1 and len(world.store.quarantine) == 2, 30)
            monkeypatch.undo()
            async with reading(broker):
                await until(lambda: committed(broker) == 2, 30)
        assert (len(world.store.events), len(world.store.quarantine)) == (1, 2)

    asyncio.run(scenario())


def test_a_refused_message_that_could_not_be_written_is_not_taken_for_one_that_was(tmp_path, broker):
    produce(broker, b"{not json")

    async def scenario():
        world = World()
        files = FaultyFiles({("flush", 1): errno.ENOSPC})
        async with serving(tmp_path, world, files=files), reading(broker):
            await until(lambda: len(world.store.quarantine) == 1, 30)

    asyncio.run(scenario())
    assert committed(broker) == 1


def test_what_was_decided_of_an_event_stays_whatever_the_plan_says_when_it_comes_again(tmp_path, broker, monkeypatch):
    """Refused the first time and good the second, and the other way round: the neighbours keep their ids, and nothing is kept
    both as an event and as a refused record."""
    produce(
        broker,
        [event(custom_attributes={"plan": plan}, id=id_) for plan, id_ in (("a", None), ("b", None), ("a", None), ("a", "own"))],
    )

    def only(plan: str):
        rules = FieldRules("plan", "enum", is_required=True, enum_options=(plan,))
        return compile_checks({"web": [rules]}, Policy(mode=Mode.BLOCK), b"secret")

    async def scenario():
        world = World(checks=only("a"))
        async with consuming(tmp_path, world, broker):
            monkeypatch.setattr("app.ingest.kafka._next_offsets", lambda messages: 1 / 0)
            await until(lambda: len(world.store.events) == 3 and len(world.store.quarantine) == 1, 30)
        monkeypatch.undo()
        first = [dict(row) for row in world.store.events]
        world.checks = only("b")
        async with consuming(tmp_path, world, broker):
            await until(lambda: committed(broker) == 1, 30)
        assert world.store.events == first and len(world.store.quarantine) == 1

    asyncio.run(scenario())


def test_events_wait_in_the_topic_while_nothing_can_be_stored(tmp_path, broker):
    produce(broker, event(id="a"))

    async def scenario():
        world = World()
        async with consuming(tmp_path, world, broker, min_free_disk_bytes=10**18) as source:
            await until(lambda: "events wait" in source.last_error, 30)
        assert world.store.events == []

    asyncio.run(scenario())
    assert committed(broker) == 0


def test_events_over_the_daily_quota_go_to_quarantine(tmp_path, broker):
    produce(broker, [event() for _ in range(600)], [event() for _ in range(600)])

    async def scenario():
        world = World(keys={"good": principal(tenant_plan="trial")}, engine=quota_engine(tmp_path / "quota.db"))
        async with consuming(tmp_path / "data", world, broker):
            await until(lambda: len(world.store.events) == 600 and len(world.store.quarantine) == 1, 30)
        assert world.store.quarantine[0]["reason"] == "over the daily quota"

    asyncio.run(scenario())


def test_a_fault_of_ours_neither_stops_the_partition_nor_loses_the_message(tmp_path, broker, monkeypatch):
    produce(broker, event(id="good"), event(id="unlucky"), event(id="last"))
    accept = Pipeline.accept

    async def faulty(self, principal, body, **options):
        if b"unlucky" in body:
            raise ZeroDivisionError
        return await accept(self, principal, body, **options)

    monkeypatch.setattr(Pipeline, "accept", faulty)

    async def scenario():
        world = World()
        async with consuming(tmp_path, world, broker):
            await until(lambda: len(world.store.events) == 2 and len(world.store.quarantine) == 1, 30)
        (row,) = world.store.quarantine
        assert row["reason"] == "it could not be processed" and "unlucky" in row["raw"]

    asyncio.run(scenario())
    assert committed(broker) == 3


def test_no_message_is_passed_over_while_its_key_cannot_be_looked_up(tmp_path, broker):
    """Whatever the fault is: to go on would commit the offset of later messages, and with it that of this one."""
    produce(broker, event(id="first"))

    async def scenario():
        world = World(key_error=ZeroDivisionError())
        async with consuming(tmp_path, world, broker) as source:
            await until(lambda: bool(source.last_error), 30)
            produce(broker, event(id="second"))
            world.key_error = None
            await until(lambda: len(world.store.events) == 2, 30)

    asyncio.run(scenario())
    assert committed(broker) == 2


def test_unknown_options_are_told_at_the_start(tmp_path, broker):
    async def scenario():
        async with serving(tmp_path, World()):
            source = KafkaSource(Process.pipeline, KafkaSettings(kafka_brokers="x:1", kafka_options=SecretStr("no.such=1")))
            with pytest.raises(RuntimeError, match="PLUMBLINE_KAFKA_OPTIONS"):
                source.start()

    asyncio.run(scenario())
