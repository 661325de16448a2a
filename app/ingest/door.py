"""The front door of an ingest process: HTTP/1.1 on the event loop itself, for requests in the plain form that producers send.

A web server in threads of its own costs as much for each small request as everything else together. The door answers what
`request_heads` can read; at the first request of a connection that is anything else, the connection is passed on, from then on and
as it is, to the full server that listens on a socket behind the door.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final, cast

from app.ingest.outcomes import count_refused
from app.ingest.passages import Passage
from app.ingest.request_heads import LONGEST_HEAD, Head, head_of

MOST_COLLECTED: Final = 524_288
"""Bytes of a body that are kept before anybody has looked at who sends them."""
TURN_SECONDS: Final = 10.0
_PATIENCE_TURNS: Final = 3
_STOP_SECONDS: Final = 10.0

Message = MutableMapping[str, Any]
ASGIApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus} | {
    413: b"HTTP/1.1 413 Payload Too Large\r\n"
}


class House:
    """What the doors of a process share. `behind` is the socket of the full server; `take_quickly(head, body, door)` is offered
    every request and may take it upon itself to answer."""

    def __init__(self, application: ASGIApp, behind: str, take_quickly: Callable[[Head, bytes, Door], bool]) -> None:
        self.application = application
        self.behind = behind
        self.take_quickly = take_quickly
        self.loop = asyncio.get_running_loop()
        self.doors: set[Door] = set()
        self.turn = 0
        self.is_closing = False
        self._is_empty = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._date = (0, b"")
        self._sweep = self.loop.call_later(TURN_SECONDS, self._close_idle)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it beside everything else; it must not raise."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def last_fields(self) -> bytes:
        """What ends the head of every answer; as the server behind the door writes it."""
        second = int(time.time())
        if self._date[0] != second:
            self._date = second, b"server: granian\r\ndate: %s\r\n\r\n" % formatdate(second, usegmt=True).encode()
        return self._date[1]

    def leave(self, door: Door) -> None:
        """The door's connection has ended."""
        self.doors.discard(door)
        if not self.doors:
            self._is_empty.set()

    async def close(self) -> None:
        """Let open requests end within a bound."""
        self.is_closing = True
        self._sweep.cancel()
        self._is_empty.clear()
        for door in list(self.doors):
            door.close_when_idle()
        if self.doors:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_empty.wait(), _STOP_SECONDS)
        for door in list(self.doors):
            door.abort()

    def _close_idle(self) -> None:
        self.turn += 1
        for door in list(self.doors):
            door.close_when_forgotten(self.turn - _PATIENCE_TURNS)
        self._sweep = self.loop.call_later(TURN_SECONDS, self._close_idle)


class Door(asyncio.Protocol):
    """One connection. Its requests are answered one after the other."""

    __slots__ = ("_early", "_head", "_house", "_is_answering", "_missing", "_parts", "_passage", "_transport", "_turn")

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: asyncio.Transport | None = None
        self._passage: Passage | None = None
        self._head: Head | None = None
        self._parts: list[bytes] = []
        self._missing = 0
        self._early = b""
        self._is_answering = False
        self._turn = house.turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A producer has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._house.doors.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The connection has ended; an answer that is under way goes nowhere."""
        self._transport = None
        self._house.leave(self)
        if self._missing:
            count_refused("client went away")
        self._parts, self._missing, self._early = [], 0, b""
        if self._passage is not None:
            self._passage.close()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        self._turn = self._house.turn
        if self._passage is not None:
            self._passage.write(data)
        elif self._missing:
            self._collect(data)
        elif self._is_answering:
            self._early += data
            self._pause(True)
        else:
            self._begin(data)

    def pause_writing(self) -> None:
        """The client does not read what it is told: nothing more of it is read either."""
        if self._passage is not None:
            self._passage.pause_reading()
        else:
            self._pause(True)

    def resume_writing(self) -> None:
        """It does again."""
        if self._passage is not None:
            self._passage.resume_reading()
        elif not self._early:
            self._pause(False)

    def answer(self, status: int, body: bytes, headers: Headers) -> None:
        """Answer the request that was taken; goes nowhere when the client has gone."""
        if status == HTTPStatus.NO_CONTENT:  # may not say how long nothing is
            headers = [field for field in headers if field[0] != b"content-length"]
        self.send(_STATUS_LINES[status] + b"".join([b"%b: %b\r\n" % field for field in headers]), body)

    def send(self, head: bytes, body: bytes) -> None:
        """As `answer`, with the written head but for the fields that every answer has."""
        self._is_answering = False
        transport = self._transport
        if transport is None:
            return
        transport.write(head + self._house.last_fields + body)
        if self._house.is_closing:
            transport.close()
        elif self._early:
            self._house.loop.call_soon(self._continue)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what will answer; it must not raise."""
        self._house.spawn(work)

    def close_when_idle(self) -> None:
        """No further request."""
        if self._transport is not None and not self._is_answering and not self._missing and self._passage is None:
            self._transport.close()

    def close_when_forgotten(self, turn: int) -> None:
        """Close when nothing has come since then and nobody waits for an answer."""
        if self._transport is not None and self._turn < turn and not self._is_answering and self._passage is None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _begin(self, data: bytes) -> None:
        """The first bytes of a request: nearly always all of them."""
        end = data.find(b"\r\n\r\n", 0, LONGEST_HEAD)
        head = head_of(data[:end]) if end > 0 else None
        if head is None:
            self._pass_on(data)
            return
        body = data[end + 4 :]
        missing = head.length - len(body)
        if not missing:
            self._serve(head, body)
        elif missing < 0:
            self._early = body[head.length :]
            self._serve(head, body[: head.length])
        elif head.length <= MOST_COLLECTED:
            self._head, self._parts, self._missing = head, [body], missing
        else:
            self._pass_on(data)

    def _collect(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing > 0:
            self._parts.append(data)
            return
        if self._missing < 0:
            self._early = data[self._missing :]
            data = data[: self._missing]
        head, parts = self._head, self._parts
        parts.append(data)
        body = b"".join(parts)
        parts.clear()
        self._head, self._missing = None, 0
        assert head is not None
        self._serve(head, body)

    def _serve(self, head: Head, body: bytes) -> None:
        self._is_answering = True
        if not self._house.take_quickly(head, body, self):
            self.spawn(self._run(head, body))

    async def _run(self, head: Head, body: bytes) -> None:
        """Have the application answer."""
        status, headers, parts = 500, [(b"content-length", b"0")], []
        bodies = [body]
        del body

        async def receive() -> Message:
            if bodies:
                return {"type": "http.request", "body": bodies.pop(), "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            else:
                parts.append(message.get("body", b""))

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": head.method,
            "scheme": "http",
            "path": head.path,
            "raw_path": head.path.encode(),
            "query_string": head.query,
            "headers": head.fields,
        }
        try:
            await self._house.application(scope, receive, send)
        finally:
            self.answer(status, b"".join(parts), headers)

    def _continue(self) -> None:
        """What came while the last request was answered."""
        early, self._early = self._early, b""
        self._pause(False)
        if early and self._transport is not None:
            self._begin(early)

    def _pass_on(self, data: bytes) -> None:
        if self._transport is not None:
            self._passage = Passage(self._transport, self._house.behind, data)

    def _pause(self, is_paused: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if is_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
