"""Clients that other people wrote, pointed at a real HTTP server of ours."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from posthog import Posthog
from segment.analytics.client import Client as Segment

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


def test_the_opentelemetry_exporters_deliver_spans_log_lines_and_measurements(tmp_path):
    resource, key = Resource.create({"service.name": "checkout"}), {"authorization": "Bearer good"}

    def export(url: str) -> None:
        spans = TracerProvider(resource=resource)
        spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces", headers=key, timeout=10)))
        for number in range(30):
            with spans.get_tracer("t").start_as_current_span(f"step {number}"):
                pass
        spans.shutdown()
        lines = LoggerProvider(resource=resource)
        lines.add_log_record_processor(
            BatchLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs", headers=key, timeout=10, compression=Compression.Gzip))
        )
        for number in range(7):
            lines.get_logger("t").emit(severity_text="WARN", body=f"line {number}", event_name="slow")
        lines.shutdown()
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{url}/v1/metrics", headers=key, timeout=10), 60_000)
        measurements = MeterProvider([reader], resource)
        measurements.get_meter("t").create_counter("orders").add(3, {"country": "NZ"})
        measurements.shutdown()

    async def scenario():
        world = World()
        async with listening(tmp_path, world) as url:
            await asyncio.to_thread(export, url)
            await until(lambda: len(world.store.events) == 38)
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


def test_the_segment_client_delivers_its_calls(tmp_path):
    def send(url: str) -> None:
        client = Segment("good", host=url, upload_size=10, gzip=True, max_retries=1)
        for number in range(21):
            client.track("u1", f"step {number}", {"number": number})
        client.identify("u1", {"plan": "pro"})
        client.page("u1", "docs", "start")
        client.group("u1", "g1")
        client.alias("u0", "u1")
        client.shutdown()

    async def scenario():
        world = World()
        async with listening(tmp_path, world) as url:
            await asyncio.to_thread(send, url)
            await until(lambda: len(world.store.events) == 25)
        assert Counter(row["source"] for row in world.store.events) == {
            "track": 21,
            "identify": 1,
            "page": 1,
            "group": 1,
            "alias": 1,
        }
        assert {row["actor_id"] for row in world.store.events} == {"u1"}

    asyncio.run(scenario())
