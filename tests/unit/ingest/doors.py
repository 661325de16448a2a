"""Open doors for tests, and a client that speaks to them in bytes."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

from app.ingest import asgi
from app.ingest.door import Door, House
from app.ingest.process import running_pipeline
from app.ingest.quick_answers import take_quickly
from tests.unit.ingest.harness import serving

PASSED = b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\n\r\n"


class FullServer:
    """Stands for the server behind the door: keeps what it is sent, and answers once."""

    def __init__(self):
        self.received = b""

    async def serve(self, reader, writer):
        writer.write(PASSED)
        while data := await reader.read(65_536):
            self.received += data
        writer.close()


@asynccontextmanager
async def doors(folder, world, reader=None, **variables):
    """An open door: where to connect, the house it belongs to, and what came to the server behind it."""
    full, behind = FullServer(), str(folder / "behind")
    async with serving(folder, world, **variables):
        running_pipeline().reader = reader
        server = await asyncio.start_unix_server(full.serve, behind)
        house = House(asgi.app, behind, take_quickly)
        front = await asyncio.get_running_loop().create_server(lambda: Door(house), "127.0.0.1", 0)
        try:
            yield front.sockets[0].getsockname()[1], house, full
        finally:
            front.close()
            await house.close()
            server.close()


def request(events, *, key="good", head=b"", path=b"/v1/events"):
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    fields = b"host: x\r\nauthorization: Bearer %b\r\n%b" % (key.encode(), head)
    return b"POST %b HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (path, fields, len(body), body)


async def connected(port):
    return await asyncio.open_connection("127.0.0.1", port)


async def answer(reader):
    """Status, fields and body of the next answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    status, *lines = head.decode().rstrip().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    body = await reader.readexactly(int(fields["content-length"]))
    return status, fields, json.loads(body) if body else None


async def exchange(port, *requests):
    """The answers on one connection, in order."""
    reader, writer = await connected(port)
    answers = []
    for text in requests:
        writer.write(text)
        answers.append(await answer(reader))
    writer.close()
    return answers
