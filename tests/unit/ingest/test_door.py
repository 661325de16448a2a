"""The door of an ingest process: what it answers itself, what it passes on untouched, and that both say the same."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import time

import pytest

from app.ingest import asgi, door
from app.ingest.conservation import Books
from app.ingest.door import MOST_COLLECTED
from app.ingest.request_heads import head_of
from app.ingest.wal import LogFiles
from tests.unit.ingest.doors import PASSED, answer, connected, doors, exchange, request
from tests.unit.ingest.harness import World, event, principal, until
from tests.unit.ingest.test_wal import FaultyFiles


class SlowFiles(LogFiles):
    """A disk that takes its time."""

    def flush(self, descriptor):
        time.sleep(0.2)
        super().flush(descriptor)


def test_an_answer_reads_as_the_full_server_writes_it(tmp_path):
    async def scenario():
        async with doors(tmp_path, World()) as (port, _, _):
            reader, writer = await connected(port)
            expected = (
                rb"HTTP/1\.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 69\r\nserver: granian\r\n"
                rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n\r\n"
                rb'{"processed":1,"failed":0,"message":"Events processed successfully"}'
            )
            for _ in range(2):  # before the key is known and afterwards
                writer.write(request([event()]))
                text = await reader.readuntil(b"}")
                assert re.fullmatch(expected.replace(b"69", b"%d" % len(text.partition(b"\r\n\r\n")[2])), text)

    asyncio.run(scenario())


def test_answers_are_those_of_the_application(tmp_path):
    """The same request with and without the door, for everything that is decided on the way."""
    late = event(timestamp="1999-01-01T00:00:00.000Z")
    bodies = [
        [event()],
        {"events": [event(id="a"), event(id="b")]},
        [event(id="twice"), event(id="twice")],
        [event(user_id=7), late],
        [late],
        [event(service=" ")],
        [event(operation="naïve")],
        [{"operation": "nothing else"}],
        {"no": "event"},
        b"{",
        b"",
        b"\0",
        b"[]",
        [event()] * 300,
        [event()] * 500,
    ]
    worlds = {
        "good": principal(),
        "trial": principal(tenant_plan="pro", tenant_id="other"),
        "suspended": principal(tenant_status="suspended"),
    }
    heads = [b"", b"x-tenant-id: tenant_1\r\n", b"x-tenant-id: another\r\n", b"content-encoding: gzip\r\n"]

    async def through_application(text):
        head, _, body = text.partition(b"\r\n\r\n")
        read = head_of(head)
        sent, bodies = [], [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            return bodies.pop()

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": read.path, "query_string": read.query, "headers": read.fields}
        await asgi.app(scope, receive, send)
        return sent[0]["status"], sent[0]["headers"], json.loads(sent[1]["body"])

    async def scenario():
        async with doors(tmp_path, World(keys=worlds), max_batch_events=400) as (port, _, full):
            for key in (*worlds, "unknown"):
                for head in heads:
                    for body in bodies:
                        for path in (b"/v1/events", b"/v1/events?wait=1") if body == [event()] else (b"/v1/events",):
                            text = request(body, key=key, head=head, path=path)
                            status, headers, expected = await through_application(text)
                            ((line, fields, found),) = await exchange(port, text)
                            assert int(line.split()[1]) == status, (key, head, body)
                            assert list(fields)[:-2] == [name.decode() for name, _ in headers]
                            assert _comparable(found) == _comparable(expected), (key, head, body)
            assert full.received == b""

    asyncio.run(scenario())


def _comparable(body):
    """Without what differs from one time to the next: an id of the request, and that an event is known by now."""
    body = {key: value for key, value in body.items() if key != "repeated"}
    if "error" in body:
        body["error"] = {key: value for key, value in body["error"].items() if key != "request_id"}
    return body


def test_requests_behind_one_another_are_answered_in_order(tmp_path):
    async def scenario():
        world = World()
        async with doors(tmp_path, world) as (port, _, _):
            await exchange(port, request([event()]))
            reader, writer = await connected(port)
            texts = [request([event(id=f"{n}-{m}") for m in range(n)]) for n in range(1, 8)]
            writer.write(b"".join(texts) + b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            answers = [await answer(reader) for _ in range(8)]
            assert [found["processed"] for _, _, found in answers[:-1]] == [1, 2, 3, 4, 5, 6, 7]
            assert answers[-1][2]["status"] == "ok"
            await until(lambda: len(world.store.events) == 29)

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [1, 7, 400])
def test_a_body_may_come_in_pieces(tmp_path, size):
    async def scenario():
        async with doors(tmp_path, World()) as (port, _, full):
            reader, writer = await connected(port)
            for _ in range(2):
                head, end, body = request([event(custom_attributes={"long": "u" * 1000})]).partition(b"\r\n\r\n")
                writer.write(head + end)
                for start in range(0, len(body), size):
                    writer.write(body[start : start + size])
                    if start % 97 == 0:
                        await asyncio.sleep(0)
                assert (await answer(reader))[2]["processed"] == 1
            assert full.received == b""

    asyncio.run(scenario())


USUAL = b"POST /v1/events HTTP/1.1\r\nhost: x\r\n"
UNUSUAL = [
    USUAL + b"transfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    USUAL + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    USUAL + b"content-length: 2\r\ncontent-length: 3\r\n\r\n[]",
    USUAL + b"content-length: +2\r\n\r\n[]",
    USUAL + b"content-length: 2, 2\r\n\r\n[]",
    USUAL + b"content-length : 2\r\n\r\n[]",
    USUAL + b"content-length: 2\r\nx: a\r\n b\r\n\r\n[]",
    USUAL + b"content-length: 2\nx: a\r\n\r\n[]",
    USUAL + b"content-length: 2\r\nx: a\rb\r\n\r\n[]",
    USUAL + "content-length: 2\r\nx: ü\r\n\r\n[]".encode(),
    USUAL + b"content-length: 2\r\nexpect: 100-continue\r\n\r\n",
    USUAL + b"content-length: 2\r\nconnection: close\r\n\r\n[]",
    USUAL + b"content-length: 2\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n[]",
    USUAL + b"authorization: Bearer good\r\nauthorization: Bearer bad\r\ncontent-length: 2\r\n\r\n[]",
    USUAL + b"\r\n",
    USUAL + b"content-length: %d\r\n\r\n[" % (MOST_COLLECTED + 1),
    USUAL + b"x: %b\r\ncontent-length: 2\r\n\r\n[]" % (b"a" * 9000),
    b"POST /v1/events HTTP/1.0\r\ncontent-length: 2\r\n\r\n[]",
    b"POST /v1/events  HTTP/1.1\r\ncontent-length: 2\r\n\r\n[]",
    b"POST /v1/%65vents HTTP/1.1\r\ncontent-length: 2\r\n\r\n[]",
    b"POST http://x/v1/events HTTP/1.1\r\ncontent-length: 2\r\n\r\n[]",
    b"HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\r\n\r\n" + USUAL + b"content-length: 2\r\n\r\n[]",
    b"POST /v1/ev",
    b"\x16\x03\x01",
]


@pytest.mark.parametrize("text", UNUSUAL)
def test_what_has_another_form_is_passed_on_untouched(tmp_path, text):
    async def scenario():
        async with doors(tmp_path, World()) as (port, _, full):
            reader, writer = await connected(port)
            writer.write(request([event()]))
            assert (await answer(reader))[0] == "HTTP/1.1 200 OK"
            writer.write(text)
            assert await reader.readexactly(len(PASSED)) == PASSED
            writer.write(request([event()]))  # nothing is picked out of what is passed on
            writer.write_eof()
            await until(lambda: full.received == text + request([event()]))

    asyncio.run(scenario())


def test_a_client_that_leaves_within_a_body_is_counted(tmp_path, monkeypatch):
    books = Books()
    monkeypatch.setattr("app.ingest.outcomes.BOOKS", books)
    monkeypatch.setattr("app.ingest.pipeline.BOOKS", books)

    async def scenario():
        world = World()
        async with doors(tmp_path, world) as (port, house, _):
            _, writer = await connected(port)
            writer.write(request([event()])[:-5])
            await until(lambda: any(one._missing for one in house.doors))
            writer.close()
            await until(lambda: not house.doors)
            assert books.balance(world.clock.now()).reasons == {"client went away": 1}

    asyncio.run(scenario())


def test_what_cannot_be_written_is_refused_and_may_be_sent_again(tmp_path):
    async def scenario():
        world, files = World(), FaultyFiles({("flush", 2): errno.EIO})
        async with doors(tmp_path, world, files=files) as (port, _, _):
            await exchange(port, request([event()]))
            first = await asyncio.gather(*[exchange(port, request([event(id=str(n))])) for n in range(3)])
            assert {found[0][0] for found in first} == {"HTTP/1.1 503 Service Unavailable"}
            assert {found[0][1]["retry-after"] for found in first} == {"5"}
            again = await asyncio.gather(*[exchange(port, request([event(id=str(n))])) for n in range(3)])
            assert [found[0][2]["processed"] for found in again] == [1, 1, 1]
            assert all("repeated" not in found[0][2] for found in again)

    asyncio.run(scenario())


def test_at_the_end_idle_connections_are_closed_and_open_requests_answered(tmp_path):
    async def scenario():
        async with doors(tmp_path, World(), files=SlowFiles()) as (port, house, _):
            idle, _ = await connected(port)
            reader, writer = await connected(port)
            writer.write(request([event()]))
            await until(lambda: any(one._is_answering for one in house.doors))
            await house.close()
            assert (await answer(reader))[2]["processed"] == 1
            assert await reader.read() == b""
            assert await idle.read() == b""

    asyncio.run(scenario())


def test_a_forgotten_connection_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(door, "TURN_SECONDS", 0.02)

    async def scenario():
        async with doors(tmp_path, World()) as (port, house, _):
            reader, writer = await connected(port)
            writer.write(request([event()])[:-5])
            assert await asyncio.wait_for(reader.read(), 60) == b""
            assert not house.doors

    asyncio.run(scenario())
