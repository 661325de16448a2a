"""Clients that other people wrote, pointed at a real HTTP server of ours."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from posthog import Posthog

from app.ingest import asgi
from tests.unit.ingest.harness import World, serving, until


@asynccontextmanager
async def listening(tmp_path, world: World) -> AsyncIterator[str]:
    """The ingest application behind a real server; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def application(scope, receive, send):
        await asgi.app(scope, receive, send)

    async with serving(tmp_path, world):
        server = Server(application, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False)
        running = asyncio.create_task(server.serve())
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(f"{url}/healthz")).status_code == 200:
                        break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, "the server does not answer"
                    await asyncio.sleep(0.02)
        try:
            yield url
        finally:
            server.stop()
            await running


def test_the_opentelemetry_exporter_delivers_its_spans(tmp_path):
    def export(url: str) -> None:
        exporter = OTLPSpanExporter(f"{url}/v1/traces", headers={"authorization": "Bearer good"}, timeout=10)
        provider = TracerProvider(resource=Resource.create({"service.name": "checkout"}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        for number in range(30):
            with provider.get_tracer("t").start_as_current_span(f"step {number}"):
                pass
        provider.shutdown()

    async def scenario():
        world = World()
        async with listening(tmp_path, world) as url:
            await asyncio.to_thread(export, url)
            await until(lambda: len(world.store.events) == 30)
        assert {row["source"] for row in world.store.events} == {"checkout"}

    asyncio.run(scenario())


def test_the_posthog_client_delivers_its_events(tmp_path):
    def capture(url: str) -> None:
        client = Posthog("good", host=url, flush_at=10, gzip=True, max_retries=1)
        for number in range(25):
            client.capture(f"event {number}", distinct_id="d1", properties={"number": number})
        client.shutdown()

    async def scenario():
        world = World()
        async with listening(tmp_path, world) as url:
            await asyncio.to_thread(capture, url)
            await until(lambda: len(world.store.events) == 25)
        assert {row["actor_id"] for row in world.store.events} == {"d1"}
        assert len({row["id"] for row in world.store.events}) == 25

    asyncio.run(scenario())
