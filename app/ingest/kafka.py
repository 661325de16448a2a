"""Events from a Kafka topic (contract A.8): `X-Tenant-ID` and `Authorization` come as message headers, the event as value.

An offset is committed only when everything before it is durable. A message that comes a second time after a crash has the same
ids as before, and a refused one the same place (see `places`), so that it is recognised (see `seen_ids`): by the process that took
it in, by one that starts after it, and by one that takes the partition over, which looks first at what others took in.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.identity.contracts import IngestPrincipal
from app.ingest.key_cache import check_principal, token_of
from app.ingest.outcomes import count_refused
from app.ingest.pipeline import Pipeline
from app.ingest.places import whole
from app.ingest.quarantine import raw_text
from app.ingest.records import RefusedRecord, encode_records
from app.ingest.rules import masked_text
from app.kernel.errors import BadRequest, Forbidden, PayloadTooLarge, TooManyRequests, Unauthorized, Unavailable
from app.kernel.setting_groups import KafkaSettings

MOST_MESSAGES: Final = 500
POLL_SECONDS: Final = 0.5
LONGEST_PAUSE: Final = 30.0
NOT_TAKEN: Final = "over the daily quota"
FAILED: Final = "it could not be processed"

log = logging.getLogger("plumbline.ingest")


class KafkaSource:
    """One member of the consumer group, on a thread of its own."""

    def __init__(self, pipeline: Pipeline, settings: KafkaSettings) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-kafka", daemon=True)
        self.last_error = ""
        self.partitions: frozenset[int] = frozenset()
        """Those that this member reads at the moment."""
        self._knows_others = self._has_learned = False

    def start(self) -> None:
        """Begin to consume. RuntimeError without the extra `kafka` or with options that librdkafka does not know."""
        self._consumer = _consumer(self._settings)
        self._thread.start()

    def stop(self) -> None:
        """Finish the messages in hand, commit and leave the group."""
        self._stopping.set()
        self._thread.join(LONGEST_PAUSE)

    def _run(self) -> None:
        self._consumer.subscribe([self._settings.kafka_topic], on_assign=self._on_assign)
        while not self._stopping.is_set():
            try:
                received = self._consumer.consume(MOST_MESSAGES, POLL_SECONDS)
                messages = [message for message in received if not self._is_error(message)]
                if messages and self._are_kept(messages):
                    self._consumer.commit(offsets=_next_offsets(messages), asynchronous=False)
                    self.last_error = ""
            except Exception as error:  # noqa: BLE001 - whatever the broker does, the thread goes on; nothing was committed
                self._note(f"{type(error).__name__}: {error}")
                self._stopping.wait(1)
        self._consumer.close()

    def _on_assign(self, _consumer: Any, places: Sequence[Any]) -> None:
        # The member before may have taken messages in and ended before it could commit them.
        self._knows_others = False
        self.partitions = frozenset(place.partition for place in places)

    def _is_error(self, message: Any) -> bool:
        if message.error() is None:
            return False
        self._note(str(message.error()))
        return True

    def _note(self, reason: str) -> None:
        if reason != self.last_error:
            log.warning("Kafka: %s", reason[:300])
        self.last_error = reason

    def _are_kept(self, messages: Sequence[Any]) -> bool:
        """Take the messages in, again and again until all are durable; False when the process ends before."""
        pending, wait = list(messages), 0.5
        while pending:
            try:
                pending = asyncio.run_coroutine_threadsafe(self._take(pending), self._pipeline.loop).result()
                reason = "the server cannot store them at the moment"
            except Exception as error:  # noqa: BLE001 - to go on to later messages would commit these without having them
                reason = type(error).__name__
            if not pending:
                return True
            self._note(f"events wait: {reason}")
            if self._stopping.wait(wait):
                return False
            wait = min(wait * 2, LONGEST_PAUSE)
        return True

    async def _take(self, messages: Sequence[Any]) -> list[Any]:
        """Those of the messages that must be tried again. All are under way at once, so that they share flushes of the disk."""
        if not self._knows_others:
            await self._learn()
        done = await asyncio.gather(*(self._take_one(message) for message in messages))
        return [message for message, is_done in zip(messages, done, strict=True) if not is_done]

    async def _learn(self) -> None:
        try:
            await self._pipeline.learn()
        except Unavailable:
            if self._has_learned:
                raise  # the messages are safe where they are, and would be stored twice here
            # Nothing was taken over at the start, and the pipeline goes on asking what was before.
        self._knows_others = self._has_learned = True

    async def _take_one(self, message: Any) -> bool:
        headers = {str(name).lower().encode(): value or b"" for name, value in message.headers() or ()}
        body = message.value() or b""
        try:
            principal = await self._principal(headers)
        except (Unauthorized, Forbidden) as refusal:
            count_refused(refusal.code)  # nobody knows whose quarantine it would belong to
            return True
        except Unavailable:
            return False
        except Exception as error:  # noqa: BLE001 - a fault of ours; whose the message is may be known in a moment
            log.error("the key of an event from Kafka cannot be looked up", extra={"reason": type(error).__name__})
            return False
        seed = f"{message.topic()}\n{message.partition()}\n{message.offset()}"
        try:
            return await self._kept(seed, principal, body)
        except Unavailable:
            return False
        except Exception as error:  # noqa: BLE001 - a fault of ours must neither stop the partition nor lose the message
            log.error("an event from Kafka failed", extra={"reason": type(error).__name__})
            return await self._is_set_aside(seed, principal, body, FAILED)

    async def _kept(self, seed: str, principal: IngestPrincipal, body: bytes) -> bool:
        if self._pipeline.is_kept(principal.project_id, whole(seed)):
            self._pipeline.drop_repeated(1)
            return True
        try:
            if len(body) > self._pipeline.settings.max_body_bytes:
                raise PayloadTooLarge(f"the message is larger than {self._pipeline.settings.max_body_bytes} bytes")
            await self._pipeline.accept(principal, body, id_seed=seed)
        except BadRequest as refusal:
            if refusal.detail is None:  # with a detail the faulty events are in quarantine one by one
                await self._set_aside(seed, principal, body, refusal.message)
        except TooManyRequests:
            await self._set_aside(seed, principal, body, NOT_TAKEN)
        except PayloadTooLarge as refusal:
            await self._set_aside(seed, principal, body, refusal.message)
        return True

    async def _is_set_aside(self, seed: str, principal: IngestPrincipal, body: bytes, reason: str) -> bool:
        try:
            await self._set_aside(seed, principal, body, reason)
        except Exception as error:  # noqa: BLE001 - it is tried again, and the offset is not committed before
            log.error("an event from Kafka cannot be set aside", extra={"reason": type(error).__name__})
            return False
        return True

    async def _principal(self, headers: Mapping[bytes, bytes]) -> IngestPrincipal:
        token = token_of(headers)
        principal = self._pipeline.keys.cached(token) or await self._pipeline.keys.resolve(token)
        check_principal(principal, headers.get(b"x-tenant-id"), self._pipeline.clock.now())
        self._pipeline.check_room()
        return principal

    async def _set_aside(self, seed: str, principal: IngestPrincipal, body: bytes, reason: str) -> None:
        """Keep the message in quarantine: on this road nobody waits for an answer that could make the producer send it again."""
        checks = (await self._pipeline.project_plan(principal.project_id)).checks
        raw = raw_text(body) if checks is None or not checks.labelled else masked_text(body, checks)
        refused = [RefusedRecord("event", self._pipeline.clock.now(), reason, raw, whole(seed))]
        records = encode_records("kafka", principal.tenant_id, principal.project_id, [], refused)
        await self._pipeline.keep_once(records, principal.project_id, whole(seed))


def _consumer(settings: KafkaSettings) -> Any:
    try:
        from confluent_kafka import Consumer, KafkaException
    except ImportError:
        raise RuntimeError("events from Kafka need the extra `kafka`: pip install 'plumbline[kafka]'") from None
    options = dict(part.split("=", 1) for part in settings.kafka_options.get_secret_value().split(",") if "=" in part)
    try:
        return Consumer(
            {
                "auto.offset.reset": "earliest",
                **{name.strip(): value.strip() for name, value in options.items()},
                "bootstrap.servers": settings.kafka_brokers,
                "group.id": settings.kafka_group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
            }
        )
    except KafkaException as error:
        raise RuntimeError(f"PLUMBLINE_KAFKA_OPTIONS: {error.args[0]}") from None


def _next_offsets(messages: Sequence[Any]) -> list[Any]:
    from confluent_kafka import TopicPartition

    last: dict[tuple[str, int], int] = {}
    for message in messages:
        place = (message.topic(), message.partition())
        last[place] = max(last.get(place, -1), message.offset())
    return [TopicPartition(topic, partition, offset + 1) for (topic, partition), offset in last.items()]
