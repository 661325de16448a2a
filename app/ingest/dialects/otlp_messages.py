"""Protobuf messages of OpenTelemetry in the names of OTLP/JSON, so that both encodings share one reader."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def traces_message(message: Any) -> Json:
    """An ExportTraceServiceRequest."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(group.resource.attributes)},
                "scopeSpans": [
                    {"scope": {"name": scoped.scope.name}, "spans": [_span(span) for span in scoped.spans]}
                    for scoped in group.scope_spans
                ],
            }
            for group in message.resource_spans
        ]
    }


def logs_message(message: Any) -> Json:
    """An ExportLogsServiceRequest."""
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": _attributes(group.resource.attributes)},
                "scopeLogs": [
                    {"scope": {"name": scoped.scope.name}, "logRecords": [_log(record) for record in scoped.log_records]}
                    for scoped in group.scope_logs
                ],
            }
            for group in message.resource_logs
        ]
    }


def metrics_message(message: Any) -> Json:
    """An ExportMetricsServiceRequest."""
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": _attributes(group.resource.attributes)},
                "scopeMetrics": [
                    {"scope": {"name": scoped.scope.name}, "metrics": [_metric(metric) for metric in scoped.metrics]}
                    for scoped in group.scope_metrics
                ],
            }
            for group in message.resource_metrics
        ]
    }


def _span(span: Any) -> Json:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano,
        "endTimeUnixNano": span.end_time_unix_nano,
        "attributes": _attributes(span.attributes),
        "status": {"code": span.status.code, "message": span.status.message},
    }


def _log(record: Any) -> Json:
    return {
        "timeUnixNano": record.time_unix_nano,
        "observedTimeUnixNano": record.observed_time_unix_nano,
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "eventName": getattr(record, "event_name", ""),
        "body": _value(record.body),
        "attributes": _attributes(record.attributes),
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
    }


def _metric(metric: Any) -> Json:
    form = metric.WhichOneof("data")
    if form is None:
        return {"name": metric.name, "unit": metric.unit}
    name = "exponentialHistogram" if form == "exponential_histogram" else form
    return {
        "name": metric.name,
        "unit": metric.unit,
        name: {"dataPoints": [_point(form, point) for point in getattr(metric, form).data_points]},
    }


def _point(form: str, point: Any) -> Json:
    found: Json = {"attributes": _attributes(point.attributes), "timeUnixNano": point.time_unix_nano}
    if form in ("gauge", "sum"):
        which = point.WhichOneof("value")
        if which == "as_double":
            found["asDouble"] = point.as_double
        elif which == "as_int":
            found["asInt"] = point.as_int
        return found
    found |= {"count": point.count, "sum": point.sum}
    if form == "histogram":
        found |= {"bucketCounts": list(point.bucket_counts), "explicitBounds": list(point.explicit_bounds)}
    elif form == "summary":
        found["quantileValues"] = [{"quantile": entry.quantile, "value": entry.value} for entry in point.quantile_values]
    return found


def _attributes(attributes: Any) -> list[Json]:
    return [{"key": entry.key, "value": _value(entry.value)} for entry in attributes]


_FORMS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "string_value": ("stringValue", lambda value: value),
    "int_value": ("intValue", lambda value: value),
    "double_value": ("doubleValue", lambda value: value),
    "bool_value": ("boolValue", lambda value: value),
    "bytes_value": ("bytesValue", lambda value: base64.b64encode(value).decode()),
    "array_value": ("arrayValue", lambda value: {"values": [_value(entry) for entry in value.values]}),
    "kvlist_value": ("kvlistValue", lambda value: {"values": _attributes(value.values)}),
}


def _value(value: Any) -> Json:
    form = _FORMS.get(value.WhichOneof("value") or "")
    return {} if form is None else {form[0]: form[1](getattr(value, value.WhichOneof("value")))}
