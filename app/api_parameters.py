"""What the parameters of the wire surfaces may be, by operation, for the merged API description (contract A to D).

Their routes read parameters as texts, so that refusals are in the surface's own words, and the framework knows no more.
"""

from __future__ import annotations

from typing import Any, Final

from app.anomalies.contracts import SEVERITIES
from app.anomalies.service import ALIASES
from app.api_answers import TEXT, words
from app.audit.figures import AGGREGATES, CATEGORICAL
from app.logs.pipes import LONGEST_WINDOW_MINUTES, PIPE_NAMES, PIPES
from app.security.plans import ALERTS_PAGE, EVENTS_PAGE
from app.security.vocabulary import ALERT_SEVERITIES, ALERT_STATUSES, ALERT_TYPES, CRITICAL

Json = dict[str, Any]

_MOMENT: Final[Json] = {"type": "string", "format": "date-time"}
_DURATION: Final = "(?:[1-9][0-9]{0,8}(?:mo|s|m|h|d|w|y))+"
_ANY_SEVERITY: Final = words("info", "low", "warning", "medium", "high", CRITICAL)
_DAYS: Final[Json] = {"type": "integer", "minimum": 1, "maximum": 90, "default": 30}
_SQL: Final[Json] = {"type": "string", "minLength": 1, "example": "SELECT count() FROM system_logs FORMAT JSON"}
_SOURCE: Final[Json] = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,63}$", "example": "system_logs"}


def _whole(least: int, most: int | None = None, default: int = 0) -> Json:
    bounds: Json = {"type": "integer", "minimum": least, "default": default}
    return bounds if most is None else {**bounds, "maximum": most}


_ANOMALY_LIST: Final[Json] = {
    "limit": _whole(1, 1000, 20), "offset": _whole(0, 10_000_000), "start_time": _MOMENT, "end_time": _MOMENT,
    "severity": words(*SEVERITIES), "status": words(*ALIASES),
}  # fmt: skip
_PIPE_READ: Final[Json] = {
    "start_time": {"type": "string", "description": "DateTime, inclusive; an hour ago unless sent"},
    "end_time": {"type": "string", "description": "DateTime, inclusive; now unless sent"},
    "service": TEXT,
    "severity": TEXT,
    "time_window_minutes": {**_whole(1, LONGEST_WINDOW_MINUTES, 60), "description": "of log_anomalies"},
    "limit": _whole(0, 2**31 - 1, 100),
    "q": {"type": "string", "description": "a SELECT over the pipe's rows, named _"},
}
_RANGE: Final[Json] = {
    "start": {"type": "string", "default": "1d", "description": f"{_DURATION} ago, or an ISO date and time"},
    "stop": {"type": "string", "default": "now()", "description": f"{_DURATION} ago, now(), or an ISO date and time"},
}
_INTERVAL: Final[Json] = {"type": "string", "pattern": f"^{_DURATION}$", "default": "1m"}
_PARAMETERS: Final[dict[str, Json]] = {
    "list_tenants": {"limit": _whole(1, 1000, 20), "offset": _whole(0, 10_000_000)},
    "get_tenant_quota": {"resource": words("events", "anomalies", "storage", "api_requests")},
    "list_anomalies": _ANOMALY_LIST,
    "anomaly_summary": {"days": _DAYS},
    "compression_timeline": {"days": _DAYS},
    "append_log_rows": {"name": _SOURCE, "wait": words("true", "false")},
    "load_log_data_source": {"name": _SOURCE, "format": words("csv", "ndjson", "json")},
    "read_log_pipe": {"name": words(*PIPE_NAMES, *PIPES), **_PIPE_READ},
    "read_log_pipe_by_post": {"name": words(*PIPE_NAMES)},  # the others come in its body
    "run_log_sql": {"q": _SQL},
    "truncate_log_data_source": {"name": _SOURCE},
    "list_security_events": {
        "limit": _whole(1, default=EVENTS_PAGE), "offset": _whole(0), "from": _MOMENT, "to": _MOMENT, "severity": _ANY_SEVERITY,
    },
    "list_security_alerts": {
        "limit": _whole(1, default=ALERTS_PAGE), "offset": _whole(0), "status": words(*ALERT_STATUSES),
        "severity": words(*ALERT_SEVERITIES), "alert_type": words(*ALERT_TYPES),
    },
    "audit_log_list": _RANGE,
    "audit_metric_counts": {**_RANGE, "interval": _INTERVAL, "field": words(*CATEGORICAL)},
    "audit_metric": {
        **_RANGE, "interval": _INTERVAL, "agg": {**words(*AGGREGATES), "default": "mean"}, "group_by": words(*CATEGORICAL),
    },
}  # fmt: skip
_NEEDED: Final = {("append_log_rows", "name"), ("load_log_data_source", "name"), ("run_log_sql", "q")}


def describe_parameters(operation: Json) -> None:
    """Say of the operation's parameters what they may be, and add those that its route reads by itself."""
    name = operation["operationId"]
    rules = dict(_PARAMETERS.get(name, {}))
    for parameter in operation.get("parameters", []):
        schema = rules.pop(parameter["name"], None)
        if schema is not None:
            parameter["schema"] = schema
            parameter["required"] = parameter["in"] == "path" or (name, parameter["name"]) in _NEEDED
    added = [{"name": key, "in": "query", "required": False, "schema": schema} for key, schema in rules.items()]
    if added:
        operation.setdefault("parameters", []).extend(added)
