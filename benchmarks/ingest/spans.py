"""OpenTelemetry spans a second: protobuf over HTTP and over gRPC, from the request to the row in the store.

Run: `python -m benchmarks.ingest.spans [--rounds 3] [--batches 1 100 512]`; 512 is what exporters of the SDK send at a time.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.ingest.ours import Ours
from benchmarks.ingest.subjects import Events
from benchmarks.ingest.traffic import FRESH, PAUSE_SECONDS, Load, Route, free_port, fresh, post
from benchmarks.ingest.variants import compare, parser

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
MOST_BODIES = 500
CHANNELS = 8


class Spans(Ours):
    """Our ingest, sent spans."""

    def __init__(self, folder: Path, *, is_grpc: bool) -> None:
        self._is_grpc, self._grpc_port = is_grpc, free_port()
        settings = {"PLUMBLINE_OTLP_GRPC_PORT": str(self._grpc_port)} if is_grpc else {}
        super().__init__(folder, "spans over gRPC" if is_grpc else "spans over HTTP", settings=settings)

    def routes(self, events: Events, batch: int) -> list[Route]:
        count = min(MOST_BODIES, max(1, len(events) // batch))
        bodies = [make_request(events[number * batch : (number + 1) * batch], number) for number in range(count)]
        if self._is_grpc:
            return [Route(self._grpc_port, bodies)]
        head = f"authorization: Bearer {self.key}\r\ncontent-type: application/x-protobuf\r\n"
        return [Route(self.port, [post("/v1/traces", head, body) for body in bodies])]

    def send(self, routes: Sequence[Route], connections: int, seconds: float) -> Load:
        if not self._is_grpc:
            return super().send(routes, connections, seconds)
        return asyncio.run(send_calls(routes[0], self.key, connections, seconds))


def make_request(events: Events, seed: int) -> bytes:
    """A request with one span for each event, about 350 bytes a span; trace ids begin with `FRESH`."""
    dice = random.Random(seed)
    begin = time.time_ns() - 600 * 10**9
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _set(group.resource.attributes.add(), "service.name", "checkout")
    _set(group.resource.attributes.add(), "service.version", "2.4.1")
    scoped = group.scope_spans.add()
    scoped.scope.name = "http"
    for number, event in enumerate(events):
        start = begin + number * 1_000_000
        span = scoped.spans.add(
            trace_id=FRESH + dice.randbytes(8),
            span_id=dice.randbytes(8),
            name=event["operation"],
            kind="SPAN_KIND_SERVER",
            start_time_unix_nano=start,
            end_time_unix_nano=start + int(event["duration"] * 1e6),
        )
        attributes = event["custom_attributes"]
        values = {"http.request.method": "GET", "url.path": attributes["path"], "client.address": event["ip_address"]}
        for name, value in (values | {"user_agent.original": event["user_agent"], "enduser.id": event["user_id"]}).items():
            _set(span.attributes.add(), name, value)
        status = span.attributes.add()
        status.key, status.value.int_value = "http.response.status_code", 200
    return bytes(request.SerializeToString())


def _set(attribute: object, name: str, value: str) -> None:
    attribute.key = name  # type: ignore[attr-defined]
    attribute.value.string_value = value  # type: ignore[attr-defined]


async def send_calls(route: Route, key: str, connections: int, seconds: float) -> Load:
    """So many calls at a time, each followed by the next; one that is to be tried again is."""
    # Without this, channels to one address share a connection.
    options = (("grpc.use_local_subchannel_pool", 1),)
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{route.port}", options) for _ in range(min(CHANNELS, connections))]
    begin, metadata = time.perf_counter(), (("authorization", f"Bearer {key}"),)
    latencies: list[float] = []
    delayed = position = 0

    async def sender(number: int) -> None:
        nonlocal delayed, position
        export = channels[number % len(channels)].unary_unary(METHOD)
        while time.perf_counter() - begin < seconds or not latencies:
            body = fresh(route.requests[position % len(route.requests)])
            position += 1
            sent_at = time.perf_counter()
            while True:
                try:
                    await export(body, metadata=metadata, timeout=60)
                    break
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise
                    delayed += 1
                    await asyncio.sleep(PAUSE_SECONDS)
            latencies.append(time.perf_counter() - sent_at)

    await asyncio.gather(*(sender(number) for number in range(connections)))
    for channel in channels:
        await channel.close()
    return Load(len(latencies), delayed, time.perf_counter() - begin, latencies)


def main() -> None:
    """Run and print."""
    options = parser(__doc__, (1, 100, 512)).parse_args()
    compare([partial(Spans, is_grpc=False), partial(Spans, is_grpc=True)], options)


if __name__ == "__main__":
    main()
