"""OpenTelemetry over gRPC on a port of its own (contract A.8): the same road as OTLP over HTTP.

What may be tried again is answered as the protocol asks: UNAVAILABLE, and RESOURCE_EXHAUSTED with a delay (OTLP specification,
"OTLP/gRPC throttling").
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import add_LogsServiceServicer_to_server as add_logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import add_MetricsServiceServicer_to_server as add_metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import add_TraceServiceServicer_to_server as add_traces

from app.ingest.dialects.otlp import telemetry_of
from app.ingest.dialects.otlp_answers import REASON, RPC_CODES
from app.ingest.dialects.otlp_export import admitted, take_in
from app.ingest.dialects.otlp_messages import logs_message, metrics_message, traces_message
from app.ingest.key_cache import token_of
from app.ingest.outcomes import count_refused, counted_refusals
from app.ingest.pipeline import Pipeline
from app.kernel.errors import AppError, TooManyRequests, Unavailable

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

_SERVICES: Final[tuple[tuple[str, Callable[[Any], Any], type[Any], str, Any], ...]] = (
    ("traces", traces_message, traces.ExportTraceServiceResponse, "rejected_spans", add_traces),
    ("logs", logs_message, logs.ExportLogsServiceResponse, "rejected_log_records", add_logs),
    (
        "metrics",
        metrics_message,
        metrics.ExportMetricsServiceResponse,
        "rejected_data_points",
        add_metrics,
    ),
)

log = logging.getLogger("plumbline.ingest")


class _Service:
    """The one method that each of the three services has."""

    def __init__(self, pipeline: Pipeline, signal: str, read: Callable[[Any], Any], response: type[Any], rejected: str) -> None:
        self._pipeline = pipeline
        self._signal = signal
        self._read = read
        self._response = response
        self._rejected = rejected

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Store the request durably and answer, or end the call with the reason."""
        try:
            rejected = await self._take_in(request, context)
        except AppError as refusal:
            return await _abort(context, refusal)
        except Exception as error:  # noqa: BLE001 - the last frame of this service; the text may hold a producer's data
            log.error("gRPC export failed", extra={"reason": type(error).__name__})
            count_refused("internal")
            return await context.abort(grpc.StatusCode.INTERNAL, "Internal server error")
        response = self._response()
        if rejected:
            setattr(response.partial_success, self._rejected, rejected)
            response.partial_success.error_message = REASON
        return response

    async def _take_in(self, request: Any, context: Any) -> int:
        headers = {key.encode(): _bytes(value) for key, value in context.invocation_metadata() or ()}
        with counted_refusals():
            token = token_of(headers)
        principal = await admitted(self._pipeline, token, headers)
        with counted_refusals():
            found = telemetry_of(self._signal, self._read(request), self._pipeline.clock.now())
        return await take_in(self._pipeline, principal, self._signal, found)


async def start(pipeline: Pipeline, host: str, port: int) -> grpc.aio.Server:
    """A server that accepts exports. RuntimeError when the port cannot be had."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", pipeline.settings.max_body_bytes)])
    for signal, read, response, rejected, register in _SERVICES:
        register(_Service(pipeline, signal, read, response, rejected), server)
    server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    await server.start()
    return server


async def _abort(context: Any, refusal: AppError) -> Any:
    code = RPC_CODES.get(refusal.status, grpc.StatusCode.INTERNAL.value[0])
    if isinstance(refusal, TooManyRequests | Unavailable):
        delay = AnyMessage()
        delay.Pack(RetryInfo(retry_delay=Duration(seconds=refusal.retry_after_seconds)))
        status = Status(code=code, message=refusal.message, details=[delay])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    return await context.abort(_CODES[code], refusal.message)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
