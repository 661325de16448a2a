"""OpenTelemetry over gRPC, spoken by the SDK's own exporters."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from app.ingest import otlp_grpc, outcomes
from app.ingest.process import Process
from app.kernel.clock import SYSTEM_CLOCK
from tests.ports import free_port
from tests.unit.ingest.harness import World, serving, until

HEADERS = (("authorization", "Bearer good"),)
RESOURCE = Resource.create({"service.name": "checkout"})


@asynccontextmanager
async def listening(tmp_path, world: World, **variables):
    port = free_port()
    async with serving(tmp_path, world, **variables):
        server = await otlp_grpc.start(Process.pipeline, "127.0.0.1", port)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(1)


def log_request(name: str, count: int = 1, nanoseconds: int = 0) -> logs.ExportLogsServiceRequest:
    request = logs.ExportLogsServiceRequest()
    scoped = request.resource_logs.add().scope_logs.add()
    for _ in range(count):
        record = scoped.log_records.add(severity_text="INFO", time_unix_nano=nanoseconds)
        record.body.string_value = name
    return request


async def export(address: str, request: logs.ExportLogsServiceRequest, headers=HEADERS) -> logs.ExportLogsServiceResponse:
    async with grpc.aio.insecure_channel(address) as channel:
        return await LogsServiceStub(channel).Export(request, metadata=headers, timeout=20)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_the_exporter_of_the_sdk_delivers_its_spans(tmp_path, compression):
    def send(address: str) -> None:
        exporter = OTLPSpanExporter(endpoint=address, insecure=True, headers=HEADERS, compression=compression)
        provider = TracerProvider(resource=RESOURCE)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        for number in range(30):
            with provider.get_tracer("t").start_as_current_span(f"step {number}"):
                pass
        provider.shutdown()

    async def scenario():
        world = World()
        async with listening(tmp_path, world) as address:
            await asyncio.to_thread(send, address)
            await until(lambda: len(world.store.events) == 30)
        assert {row["source"] for row in world.store.events} == {"checkout"}

    asyncio.run(scenario())


def test_the_exporter_of_the_sdk_delivers_its_metrics(tmp_path):
    def send(address: str) -> None:
        exporter = OTLPMetricExporter(endpoint=address, insecure=True, headers=HEADERS)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
        provider = MeterProvider(resource=RESOURCE, metric_readers=[reader])
        provider.get_meter("t").create_counter("orders", unit="1").add(3)
        provider.shutdown()

    async def scenario():
        world = World()
        async with listening(tmp_path, world) as address:
            await asyncio.to_thread(send, address)
            await until(lambda: any(row["name"] == "orders" for row in world.store.events))
        row = next(row for row in world.store.events if row["name"] == "orders")
        assert (row["kind"], row["value"]) == ("metric", 3.0)

    asyncio.run(scenario())


def test_logs_are_stored_and_what_is_too_old_is_told_as_a_partial_success(tmp_path):
    async def scenario():
        world = World()
        async with listening(tmp_path, world, max_age_days=1) as address:
            assert not (await export(address, log_request("hello", 3))).HasField("partial_success")
            answer = await export(address, log_request("old", 2, nanoseconds=10**18))
            assert answer.partial_success.rejected_log_records == 2
            await until(lambda: len(world.store.quarantine) == 2)
        assert [row["body"] for row in world.store.events] == ["hello"] * 3

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((), grpc.StatusCode.UNAUTHENTICATED),
        ((("authorization", "Bearer wrong"),), grpc.StatusCode.UNAUTHENTICATED),
        ((*HEADERS, ("x-tenant-id", "other")), grpc.StatusCode.PERMISSION_DENIED),
    ],
)
def test_callers_without_the_right_are_told_so(tmp_path, headers, code):
    refusals_before = sum(outcomes.BOOKS.balance(SYSTEM_CLOCK.now()).reasons.values())

    async def scenario():
        async with listening(tmp_path, World()) as address:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await export(address, log_request("x"), headers)
            assert refused.value.code() is code
        assert sum(outcomes.BOOKS.balance(SYSTEM_CLOCK.now()).reasons.values()) == refusals_before + 1, "counted, and once"

    asyncio.run(scenario())


def test_a_full_server_asks_the_exporter_to_come_back(tmp_path):
    async def scenario():
        async with listening(tmp_path, World(), min_free_disk_bytes=10**18) as address:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await export(address, log_request("x"))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        details = dict(refused.value.trailing_metadata())["grpc-status-details-bin"]
        delay = RetryInfo()
        assert Status.FromString(details).details[0].Unpack(delay)
        assert delay.retry_delay.seconds == 30

    asyncio.run(scenario())


def test_a_message_larger_than_a_body_may_be_is_refused(tmp_path):
    async def scenario():
        async with listening(tmp_path, World(), max_body_bytes=65_536) as address:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await export(address, log_request("x" * 100_000))
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    asyncio.run(scenario())
