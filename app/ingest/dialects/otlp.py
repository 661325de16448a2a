"""OpenTelemetry over HTTP: spans become events, log records and data points become records of their own kind (contract A.8).

Protobuf and JSON take the same road: JSON is read by hand, because the generated reader wants base64 where OTLP/JSON has hex ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.ingest.dialects.names import OTLP_ATTRIBUTES, OTLP_ENVIRONMENT
from app.ingest.dialects.otlp_messages import logs_message, metrics_message, traces_message
from app.ingest.dialects.shapes import Json, decoded_json, first_text, id_of, mapping_of, taken_text, text_of
from app.ingest.records import Record, RefusedRecord
from app.kernel.errors import BadRequest, UnsupportedMedia
from app.kernel.ids import new_id

PATHS: Final = frozenset({"/v1/traces", "/v1/logs", "/v1/metrics"})
PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
UNKNOWN_SERVICE: Final = "unknown_service"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUSES: Final = {"1": "ok", "2": "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}
_LATEST: Final = 253_402_300_799 * 10**9


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One request: spans as events of contract A.2, or records with those that are refused."""

    events: list[Json]
    records: list[Record]
    refused: list[RefusedRecord]


def decode_otlp(path: str, content_type: str, body: bytes, received_at: datetime) -> Telemetry:
    """The signals of a request. BadRequest for a body that is none, UnsupportedMedia for another content type."""
    return telemetry_of(path.rpartition("/")[2], _message(path, content_type, body), received_at)


def telemetry_of(signal: str, message: Mapping[str, Any], received_at: datetime) -> Telemetry:
    """The traces, logs or metrics of a message in the names of OTLP/JSON. BadRequest when a level of it is no array."""
    if signal == "traces":
        return Telemetry(list(_spans(message)), [], [])
    records = _logs(message, received_at) if signal == "logs" else _points(message, received_at)
    kept: list[Record] = []
    refused: list[RefusedRecord] = []
    for record in records:
        (kept if isinstance(record, Record) else refused).append(record)  # type: ignore[arg-type]
    return Telemetry([], kept, refused)


def _message(path: str, content_type: str, body: bytes) -> Mapping[str, Any]:
    if content_type == JSON:
        message = decoded_json(body)
        if not isinstance(message, dict):
            raise BadRequest("the body is not an object")
        return message
    if content_type != PROTOBUF:
        raise UnsupportedMedia(f"content-type must be {PROTOBUF} or {JSON}")
    try:
        if path == "/v1/traces":
            return traces_message(ExportTraceServiceRequest.FromString(body))
        if path == "/v1/logs":
            return logs_message(ExportLogsServiceRequest.FromString(body))
        return metrics_message(ExportMetricsServiceRequest.FromString(body))
    except DecodeError:
        raise BadRequest("the body is not a protobuf message of this route") from None


def _spans(message: Mapping[str, Any]) -> Iterator[Json]:
    for resource, scope, span in _entries(message, "resourceSpans", "scopeSpans", "spans"):
        attributes = attributes_of(span.get("attributes"))
        start, end = _nanoseconds(span.get("startTimeUnixNano")), _nanoseconds(span.get("endTimeUnixNano"))
        status = mapping_of(span.get("status"))
        trace_id, span_id = text_of(span.get("traceId")), text_of(span.get("spanId"))
        event: Json = {
            "service": _service(resource),
            "operation": text_of(span.get("name")) or "span",
            "status": _STATUSES.get(text_of(status.get("code")), "unset"),
            # A span's id is only unique within its trace.
            "id": id_of(f"{trace_id}-{span_id}") if span_id else "",
        }
        if start:
            event["timestamp"] = _moment(start).isoformat()
        if end >= start > 0:
            event["duration"] = (end - start) / 1e6
        for member, names in OTLP_ATTRIBUTES.items():
            value = taken_text(attributes, names)
            if value:
                event[member] = value[:64] if member == "ip_address" else value
        environment = first_text(resource, OTLP_ENVIRONMENT)
        if environment:
            event["environment"] = environment
        event["custom_attributes"] = {
            **attributes,
            "trace_id": trace_id,
            "span_id": span_id,
            "parent_span_id": text_of(span.get("parentSpanId")),
            "span_kind": span.get("kind", 0),
            "scope": scope,
            "resource": resource,
            **({"status_message": text_of(status.get("message"))} if status.get("message") else {}),
        }
        yield event


def _logs(message: Mapping[str, Any], received_at: datetime) -> Iterator[Record | RefusedRecord]:
    for resource, scope, entry in _entries(message, "resourceLogs", "scopeLogs", "logRecords"):
        nanoseconds = _nanoseconds(entry.get("timeUnixNano")) or _nanoseconds(entry.get("observedTimeUnixNano"))
        body = _value(mapping_of(entry.get("body")))
        attributes = attributes_of(entry.get("attributes"))
        yield Record(
            kind="log",
            source=_service(resource),
            name=text_of(entry.get("eventName")) or scope or "log",
            time=_moment(nanoseconds) if nanoseconds else received_at,
            received_at=received_at,
            id=new_id(),
            actor_id=first_text(attributes, OTLP_ATTRIBUTES["user_id"]),
            session_id=first_text(attributes, OTLP_ATTRIBUTES["session_id"]),
            severity=text_of(entry.get("severityText")) or _severity(entry.get("severityNumber")),
            body=body if isinstance(body, str) else _json_text(body),
            properties={
                **attributes,
                "trace_id": text_of(entry.get("traceId")),
                "span_id": text_of(entry.get("spanId")),
                "resource": resource,
            },
        )


def _points(message: Mapping[str, Any], received_at: datetime) -> Iterator[Record | RefusedRecord]:
    for resource, scope, metric in _entries(message, "resourceMetrics", "scopeMetrics", "metrics"):
        name = text_of(metric.get("name"))
        for form in ("gauge", "sum", "histogram", "exponentialHistogram", "summary"):
            for point in map(mapping_of, _list(mapping_of(metric.get(form)).get("dataPoints"))):
                number = point.get("asDouble", point.get("asInt", point.get("sum")))
                # Not as a list of keys and values, in which no name would be found.
                attributes = attributes_of(point.get("attributes"))
                detail = {key: found for key, found in point.items() if key not in ("attributes", "timeUnixNano", "exemplars")}
                nanoseconds = _nanoseconds(point.get("timeUnixNano"))
                try:
                    value = None if number is None else float(number)
                except (TypeError, ValueError, OverflowError):
                    raw = _json_text({**detail, "timeUnixNano": point.get("timeUnixNano"), "attributes": attributes})
                    yield RefusedRecord("metric", received_at, "the value of the data point is no number", raw)
                    continue
                yield Record(
                    kind="metric",
                    source=_service(resource),
                    name=name or "metric",
                    time=_moment(nanoseconds) if nanoseconds else received_at,
                    received_at=received_at,
                    id=new_id(),
                    value=value,
                    properties={
                        "attributes": attributes,
                        "unit": text_of(metric.get("unit")),
                        "type": form,
                        "point": detail,
                        "scope": scope,
                        "resource": resource,
                    },
                )


def _entries(message: Mapping[str, Any], *names: str) -> Iterator[tuple[Json, str, Mapping[str, Any]]]:
    """(resource attributes, scope name, entry) of every innermost entry; BadRequest when a level is no array."""
    outer, middle, inner = names
    for group in _array(message, outer):
        resource = attributes_of(mapping_of(group.get("resource")).get("attributes"))
        for scoped in _array(group, middle):
            scope = text_of(mapping_of(scoped.get("scope")).get("name"))
            for entry in _array(scoped, inner):
                yield resource, scope, entry


def _array(parent: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = parent.get(name) or []
    if not isinstance(found, list) or not all(isinstance(entry, Mapping) for entry in found):
        raise BadRequest(f'"{name}" is not an array of objects')
    return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def attributes_of(attributes: object) -> Json:
    """OTLP's list of key and typed value as one object; entries without a key are left out."""
    if not isinstance(attributes, list):
        return {}
    return {
        str(entry["key"]): _value(mapping_of(entry.get("value")))
        for entry in attributes
        if isinstance(entry, Mapping) and entry.get("key")
    }


def _value(value: Mapping[str, Any]) -> Any:
    if "intValue" in value:
        try:
            return int(value["intValue"])
        except (TypeError, ValueError):
            return None
    if "arrayValue" in value:
        return [_value(mapping_of(entry)) for entry in _list(mapping_of(value["arrayValue"]).get("values"))]
    if "kvlistValue" in value:
        return attributes_of(mapping_of(value["kvlistValue"]).get("values"))
    return next((value[form] for form in ("stringValue", "boolValue", "doubleValue", "bytesValue") if form in value), None)


def _service(resource: Mapping[str, Any]) -> str:
    return text_of(resource.get("service.name")) or UNKNOWN_SERVICE


def _severity(number: object) -> str:
    if not isinstance(number, int) or not 1 <= number <= 24:
        return ""
    return ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")[(number - 1) // 4]


def _nanoseconds(value: object) -> int:
    """Whole nanoseconds since 1970, sent as number or text; 0 when absent or out of any calendar."""
    try:
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return 0
    return number if 0 < number <= _LATEST else 0


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _json_text(value: object) -> str:
    return msgspec.json.encode(value).decode() if value is not None else ""
