"""Audit records into the event store and out of it: lists, trails, metrics (contract D.2 to D.6).

A record is a row of kind `audit` in the bucket of its account; what a query filters or groups by beyond the row's own columns is
read from its properties.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from app.audit.durations import window_text
from app.audit.shapes import RecordIn
from app.eventstore.service import get_event_store
from app.ingest import service as ingest
from app.kernel.errors import InvalidInput, NotFound

PER_PAGE: Final = 50
LISTED: Final = ("cpu_usage", "memory_usage")
_OWNED: Final = "tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'audit'"
_SHOWN: Final = "id, toUnixTimestamp64Milli(time), source, environment, status, severity, properties"
_JSON: Final = "JSONExtractString(properties, {path})"
_EVENT_NUMBERS: Final = {
    "cpu_usage": "cpuUsage",
    "memory_usage": "memoryUsage",
    "event_duration": "totalDuration",
    "latency": "latency",
    "affected_resources": "affectedResources",
    "event_stage": "stage",
}
CATEGORICAL: Final = {
    "application": "source",
    "environment": "environment",
    "method": _JSON.format(path="'method'"),
    "status": "status",
    "level": "severity",
    "event_name": "name",
    "event_type": _JSON.format(path="'event', 'type'"),
    "event_id": "id",
    "actor_origin": _JSON.format(path="'actor', 'origin'"),
    "resource_id": _JSON.format(path="'resource', 'id'"),
    "resource_name": _JSON.format(path="'resource', 'name'"),
    "resource_type": _JSON.format(path="'resource', 'type'"),
}
_AT: Final = "(time, JSONExtractInt(properties, 'event', 'stage'))"
AGGREGATES: Final = {
    "mean": "avg(v)",
    "sum": "sum(v)",
    "count": "toFloat64(count())",
    "min": "min(v)",
    "max": "max(v)",
    "median": "quantileExactInclusive(0.5)(v)",
    "first": f"argMin(v, {_AT})",
    "last": f"argMax(v, {_AT})",
    "stddev": "stddevSamp(v)",
    "spread": "max(v) - min(v)",
}


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Records of one category and application in [start, stop); the rest only when it is named."""

    category: str
    app: str
    start: datetime
    stop: datetime
    env: str | None = None
    method: str | None = None
    status: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Values of one group by window, oldest first."""

    key: str
    data: list[dict[str, Any]]


def append(account_id: str, records: Sequence[RecordIn], now: datetime) -> str:
    """Keep the records durably under one id, which is returned; stages count from 1. Unavailable."""
    event_id = str(uuid4())
    rows = [_row(record, event_id, stage, now) for stage, record in enumerate(records, 1)]
    ingest.keep_from_thread(ingest.encode_records("audit", bucket(account_id), account_id, rows))
    return event_id


def bucket(account_id: str) -> str:
    """The tenant that an account's records are stored under."""
    return f"audit_{account_id}"


def listed(account_id: str, wanted: RecordFilter, page: int) -> list[dict[str, Any]]:
    """One page of fifty, newest first. Unavailable."""
    where, parameters = _conditions(wanted)
    sql = (
        f"SELECT {_SHOWN} FROM {{database}}.events WHERE {_OWNED} AND {where} "
        f"ORDER BY {_AT} DESC, id DESC LIMIT {PER_PAGE} OFFSET {{{{offset:UInt64}}}}"
    )
    return [_out(*row) for row in _select(account_id, sql, {**parameters, "offset": (page - 1) * PER_PAGE})]


def trail(account_id: str, event_id: str) -> list[dict[str, Any]]:
    """Every record of the id, the last stage first; nothing for an unknown id. Unavailable."""
    sql = f"SELECT {_SHOWN} FROM {{database}}.events WHERE {_OWNED} AND id = {{{{id:String}}}} ORDER BY {_AT} DESC LIMIT 10000"
    return [_out(*row) for row in _select(account_id, sql, {"id": event_id})]


def metric_names(account_id: str) -> list[str]:
    """The account's own metrics by name, then those that every record may have. Unavailable."""
    names = "arrayJoin(JSONExtractKeys(properties, 'metrics'))"
    sql = f"SELECT DISTINCT {names} AS name FROM {{database}}.events WHERE {_OWNED} ORDER BY name"
    return [row[0] for row in _select(account_id, sql, {})] + list(LISTED)


def metric(account_id: str, name: str, wanted: RecordFilter, step: timedelta, aggregate: str, group_by: str | None) -> list[Group]:
    """A metric by window and group; windows without a value are left out.

    NotFound for an unknown metric, InvalidInput for an unknown aggregate or group, Unavailable.
    """
    if aggregate not in AGGREGATES:
        raise InvalidInput(f"agg is one of {', '.join(AGGREGATES)}", field="agg")
    if group_by is not None and group_by not in CATEGORICAL:
        raise InvalidInput(f"group_by is one of {', '.join(CATEGORICAL)}", field="group_by")
    value, parameters = _value_of(account_id, name)
    where, more = _conditions(wanted)
    group = CATEGORICAL[group_by] if group_by else "'all'"
    sql = (
        f"SELECT {group} AS g, {_window()} AS w, {AGGREGATES[aggregate]} FROM "
        f"(SELECT *, {value} AS v FROM {{database}}.events WHERE {_OWNED} AND {where}) "
        f"WHERE v IS NOT NULL GROUP BY g, w ORDER BY g, w LIMIT 100000"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for key, window, number in _select(account_id, sql, {**parameters, **more, "step": int(step.total_seconds() * 1000)}):
        shown = None if number is None or not math.isfinite(number) else float(number)
        span = window_text(window, step, wanted.start, wanted.stop)
        found.setdefault(key, []).append({"range": span, "value": shown})
    return [Group(key, data) for key, data in found.items()]


def counts(account_id: str, field: str, wanted: RecordFilter, step: timedelta) -> list[dict[str, Any]]:
    """Records by value of the field and window; records without a value are left out.

    InvalidInput for a field that has no categories, Unavailable.
    """
    if field not in CATEGORICAL:
        raise InvalidInput(f"the field is one of {', '.join(CATEGORICAL)}", field="field")
    where, parameters = _conditions(wanted)
    sql = (
        f"SELECT {_window()} AS w, {CATEGORICAL[field]} AS value, count() FROM {{database}}.events "
        f"WHERE {_OWNED} AND {where} AND value != '' GROUP BY w, value ORDER BY w, value LIMIT 100000"
    )
    found: dict[int, dict[str, int]] = {}
    for window, value, count in _select(account_id, sql, {**parameters, "step": int(step.total_seconds() * 1000)}):
        found.setdefault(window, {})[value] = count
    return [{"range": window_text(window, step, wanted.start, wanted.stop), "data": data} for window, data in found.items()]


def _window() -> str:
    # Floor also before 1970, where plain division would round up.
    milliseconds = "toUnixTimestamp64Milli(time)"
    return f"intDiv({milliseconds} - positiveModulo({milliseconds}, {{{{step:Int64}}}}), {{{{step:Int64}}}})"


def _value_of(account_id: str, name: str) -> tuple[str, dict[str, Any]]:
    if name in _EVENT_NUMBERS:
        path = f"'event', '{_EVENT_NUMBERS[name]}'"
        return f"JSONExtract(properties, {path}, 'Nullable(Float64)')", {}
    if name not in metric_names(account_id):
        raise NotFound("There is no such metric")
    return "JSONExtract(properties, 'metrics', {{metric:String}}, 'Nullable(Float64)')", {"metric": name}


def _conditions(wanted: RecordFilter) -> tuple[str, dict[str, Any]]:
    category, method, origin = (_JSON.format(path=path) for path in ("'category'", "'method'", "'actor', 'origin'"))
    columns = {
        "category": (category, wanted.category),
        "app": ("source", wanted.app),
        "env": ("environment", wanted.env),
        "method": (method, wanted.method),
        "status": ("status", wanted.status),
        "origin": (origin, wanted.origin),
    }
    parts = [f"{column} = {{{{{name}:String}}}}" for name, (column, value) in columns.items() if value is not None]
    parts += [
        "time >= fromUnixTimestamp64Milli({{start:Int64}}, 'UTC')",
        "time < fromUnixTimestamp64Milli({{stop:Int64}}, 'UTC')",
    ]
    parameters: dict[str, Any] = {name: value for name, (_, value) in columns.items() if value is not None}
    return " AND ".join(parts), {**parameters, "start": _milliseconds(wanted.start), "stop": _milliseconds(wanted.stop)}


def _milliseconds(moment: datetime) -> int:
    return math.ceil(moment.timestamp() * 1000)


def _select(account_id: str, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
    return get_event_store().select(sql, bucket(account_id), account_id, parameters)


def _row(record: RecordIn, event_id: str, stage: int, now: datetime) -> ingest.Record:
    event = {**record.event.model_dump(by_alias=True), "stage": stage}
    extra = record.metadata or []
    properties: dict[str, Any] = {
        "category": record.category,
        "method": record.method,
        "event": event,
        "actor": record.actor.model_dump(by_alias=True),
        "resource": record.resource.model_dump(by_alias=True) if record.resource else None,
        "metadata": {item.name: item.value for item in extra if not item.is_metric},
        "metrics": {item.name: item.value for item in extra if item.is_metric},
    }
    return ingest.Record(
        kind="audit",
        source=record.source_information.application,
        name=record.event.name,
        time=now,
        received_at=now,
        id=event_id,
        properties=properties,
        severity=record.level,
        status=record.status,
        value=record.event.total_duration,
        environment=record.source_information.environment,
    )


def _out(  # the columns of a row, in the order of the statements
    event_id: str, milliseconds: int, application: str, environment: str, status: str, level: str, text: str
) -> dict[str, Any]:
    found = json.loads(text)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return {
        "category": found["category"],
        "tags": {"application": application, "environment": environment},
        "method": found["method"],
        "status": status,
        "level": level,
        "event": {"id": event_id, **found["event"]},
        "actor": found["actor"],
        "resource": found["resource"],
        "metadata": {**found["metadata"], **found["metrics"]},
        "timestamp": moment.isoformat().replace("+00:00", "Z"),
    }
