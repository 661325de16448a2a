"""Small requests at the door of an ingest process: answered from the log's own word, without a task or a future for each."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import lru_cache
from typing import Final

from app.identity.contracts import IngestPrincipal
from app.ingest.acceptance import Outcome
from app.ingest.answers import success
from app.ingest.asgi import EVENTS_PATH, answer_of, refusal_of
from app.ingest.decode import Batch
from app.ingest.door import Door
from app.ingest.key_cache import check_principal, token_of
from app.ingest.pipeline import Pipeline
from app.ingest.process import Process
from app.ingest.request_heads import Head
from app.kernel.errors import AppError

_JSON: Final = (b"content-type", b"application/json")
_CLOSER_LOOK: Final = frozenset({b"idempotency-key", b"content-encoding"})


def take_quickly(head: Head, body: bytes, door: Door) -> bool:
    """Whether the request was taken: one to the event API, of a known key that may send now. All others are looked at by `asgi`,
    and nothing has been counted of them."""
    pipeline = Process.pipeline
    if pipeline is None or len(body) > pipeline.settings.max_body_bytes or not _is_usual(head):
        return False
    try:
        principal = pipeline.keys.cached(token_of(head.by_name))
        if principal is None:
            return False
        check_principal(principal, head.by_name.get(b"x-tenant-id"), pipeline.clock.now())
        pipeline.check_room()
        pipeline.take_request(principal)
    except AppError:
        return False
    _Request(door, pipeline, principal, body).begin()
    return True


def _is_usual(head: Head) -> bool:
    is_post = head.path == EVENTS_PATH and head.method == "POST" and not head.query
    return is_post and _CLOSER_LOOK.isdisjoint(head.by_name)


class _Request:
    """One request that waits for the log; see `groups.Waiter`."""

    __slots__ = ("_batch", "_body", "_count", "_door", "_pipeline", "_principal", "_size")

    def __init__(self, door: Door, pipeline: Pipeline, principal: IngestPrincipal, body: bytes) -> None:
        self._door = door
        self._pipeline = pipeline
        self._principal = principal
        self._body = body
        self._size = len(body)
        self._batch: Batch | None = None
        self._count = 0

    def begin(self) -> None:
        """Take the events in."""
        if not self._pipeline.joins_unread(self._principal, self._body, self):
            self._read()

    def _read(self) -> None:
        try:
            batch = self._batch = self._pipeline.decode(self._principal, self._body)
            self._body = b""
            self._count = len(batch)
            if not self._pipeline.joins(self._principal, batch, self._size, self):
                self._door.spawn(self._answer(self._pipeline.accept_batch(self._principal, batch, self._size)))
        except Exception as error:  # noqa: BLE001 - somebody waits for an answer
            _tell(self._door, *refusal_of(error))

    def done(self) -> bool:
        """Somebody always waits, if only the connection's next request."""
        return False

    def set_count(self, count: int, /) -> None:
        """How many events it has."""
        self._count = count

    def set_result(self, result: bool, /) -> None:
        """True: on disk. False: it has to be taken in on its own, or to be read first."""
        if result:
            self._door.send(*_success(self._count))
        elif self._batch is None:
            self._read()
        else:
            self._door.spawn(self._answer(self._pipeline.accept_alone(self._principal, self._batch, self._size)))

    def set_exception(self, failure: Exception, /) -> None:
        """It was not taken in."""
        try:
            self._pipeline.refuse(self._principal, self._count, failure)
        except Exception as error:  # noqa: BLE001 - somebody waits for an answer
            _tell(self._door, *refusal_of(error))

    async def _answer(self, accepting: Awaitable[Outcome]) -> None:
        async def accepted() -> bytes:
            outcome = await accepting
            return success(outcome.processed, outcome.faults, is_stored=None, repeated=outcome.repeated)

        _tell(self._door, *await answer_of(accepted()))


def _tell(door: Door, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    door.answer(status, body, [_JSON, (b"content-length", b"%d" % len(body)), *headers])


@lru_cache(maxsize=1024)
def _success(count: int) -> tuple[bytes, bytes]:
    """The answer for so many events that are all well: what goes before the date, and what after it."""
    body = success(count, [], is_stored=None)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(body), body
