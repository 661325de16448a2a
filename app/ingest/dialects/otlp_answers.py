"""Answers to OTLP exporters: an export response in the encoding of the request, and `google.rpc.Status` for refusals."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from app.kernel.errors import AppError

_RESPONSES: Final[dict[str, tuple[type[Message], str, str]]] = {
    "/v1/traces": (ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    "/v1/logs": (ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
    "/v1/metrics": (ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
}
RPC_CODES: Final = {400: 3, 401: 16, 403: 7, 413: 8, 415: 3, 429: 8, 503: 14}
REASON: Final = "kept in quarantine with the reason of each"


def export_answer(path: str, content_type: str, rejected: int) -> bytes:
    """The body of a 200; it names how many entries were refused."""
    response, field, json_field = _RESPONSES[path]
    if content_type == "application/json":
        if not rejected:
            return b"{}"
        return msgspec.json.encode({"partialSuccess": {json_field: str(rejected), "errorMessage": REASON}})
    message: Any = response()
    if rejected:
        setattr(message.partial_success, field, rejected)
        message.partial_success.error_message = REASON
    return bytes(message.SerializeToString())


def export_refusal(error: AppError) -> bytes:
    """A `google.rpc.Status` with the reason."""
    return bytes(Status(code=RPC_CODES.get(error.status, 13), message=error.message).SerializeToString())
