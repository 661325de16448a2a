"""Audit records into the event store and out of it: lists, trails, metrics (contract D.2 to D.6).

A record is a row of kind `audit` in the bucket of its account or project. What queries filter, group and sum up stands in
`audit_facts`, a copy that the event store keeps by itself; whole records are read from the events.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from app.audit.contracts import Bucket
from app.audit.durations import window_text
from app.audit.shapes import RecordIn
from app.eventstore.service import get_event_store
from app.ingest import service as ingest
from app.kernel.errors import InvalidInput, NotFound

PER_PAGE: Final = 50
MOST_STAGES: Final = 10_000
LISTED: Final = ("cpu_usage", "memory_usage")
_OF_BUCKET: Final = "tenant_id = {{tenant:String}} AND project_id = {{project:String}}"
_OWNED: Final = f"{_OF_BUCKET} AND kind = 'audit'"
_SHOWN: Final = "id, toUnixTimestamp64Milli(time), source, environment, status, severity, properties"
EVENT_NUMBERS: Final = {
    "cpu_usage": "cpu_usage",
    "memory_usage": "memory_usage",
    "event_duration": "total_duration",
    "latency": "latency",
    "affected_resources": "affected",
    "event_stage": "toNullable(toFloat64(stage))",
}
CATEGORICAL: Final = {
    "application": "source",
    "environment": "environment",
    "method": "method",
    "status": "status",
    "level": "severity",
    "event_name": "name",
    "event_type": "event_type",
    "event_id": "id",
    "actor_origin": "origin",
    "resource_id": "resource_id",
    "resource_name": "resource_name",
    "resource_type": "resource_type",
}
_AT: Final = "(time, stage)"
_STAGE: Final = "JSONExtractInt(properties, 'event', 'stage')"
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


def append(bucket: Bucket, records: Sequence[RecordIn], now: datetime) -> str:
    """Keep the records durably under one id, which is returned; stages count from 1. Unavailable."""
    event_id = str(uuid4())
    rows = [_row(record, event_id, stage, now) for stage, record in enumerate(records, 1)]
    ingest.keep_from_thread(ingest.encode_records("audit", bucket.tenant_id, bucket.project_id, rows))
    return event_id


def listed(bucket: Bucket, wanted: RecordFilter, page: int, per_page: int = PER_PAGE) -> list[dict[str, Any]]:
    """One page, newest first. Unavailable."""
    where, parameters = _conditions(wanted)
    sql = (
        f"SELECT id, stage, toUnixTimestamp64Milli(time) FROM {{database}}.audit_facts WHERE {_OF_BUCKET} AND {where} "
        f"ORDER BY time DESC, stage DESC, id DESC LIMIT {{{{limit:UInt32}}}} OFFSET {{{{offset:UInt64}}}}"
    )
    found = _select(bucket, sql, {**parameters, "limit": per_page, "offset": (page - 1) * per_page})
    return _records(bucket, [(event_id, stage) for event_id, stage, _ in found], [row[2] for row in found])


def trail(bucket: Bucket, event_id: str) -> list[dict[str, Any]]:
    """Every record of the id, the last stage first; nothing for an unknown id. Unavailable."""
    sql = (
        f"SELECT id, stage, toUnixTimestamp64Milli(time) FROM {{database}}.audit_facts WHERE {_OF_BUCKET} "
        f"AND id = {{{{id:String}}}} ORDER BY {_AT} DESC LIMIT {MOST_STAGES}"
    )
    found = _select(bucket, sql, {"id": event_id})
    return _records(bucket, [(event_id, stage) for _, stage, _ in found], [row[2] for row in found])


def metric_names(bucket: Bucket) -> list[str]:
    """The bucket's own metrics by name, then those that every record may have. Unavailable."""
    sql = f"SELECT DISTINCT arrayJoin(mapKeys(metrics)) AS metric FROM {{database}}.audit_facts WHERE {_OF_BUCKET} ORDER BY metric"
    return [row[0] for row in _select(bucket, sql, {})] + list(LISTED)


def metric(bucket: Bucket, name: str, wanted: RecordFilter, step: timedelta, aggregate: str, group_by: str | None) -> list[Group]:
    """A metric by window and group; windows without a value are left out.

    NotFound for an unknown metric, InvalidInput for an unknown aggregate or group, Unavailable.
    """
    if aggregate not in AGGREGATES:
        raise InvalidInput(f"agg is one of {', '.join(AGGREGATES)}", field="agg")
    if group_by is not None and group_by not in CATEGORICAL:
        raise InvalidInput(f"group_by is one of {', '.join(CATEGORICAL)}", field="group_by")
    value, has_value = _value_of(name)
    where, parameters = _conditions(wanted)
    group = CATEGORICAL[group_by] if group_by else "'all'"
    sql = (
        f"SELECT {group} AS g, {_window()} AS w, {AGGREGATES[aggregate]} FROM "
        f"(SELECT *, {value} AS v FROM {{database}}.audit_facts WHERE {_OF_BUCKET} AND {where} AND {has_value}) "
        f"GROUP BY g, w ORDER BY g, w LIMIT 100000"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    rows = _select(bucket, sql, {**parameters, "metric": name, "step": int(step.total_seconds() * 1000)})
    for key, window, number in rows:
        shown = None if number is None or not math.isfinite(number) else float(number)
        span = window_text(window, step, wanted.start, wanted.stop)
        found.setdefault(key, []).append({"range": span, "value": shown})
    if not found and name not in EVENT_NUMBERS and name not in metric_names(bucket):
        raise NotFound("There is no such metric")
    return [Group(key, data) for key, data in found.items()]


def counts(bucket: Bucket, field: str, wanted: RecordFilter, step: timedelta) -> list[dict[str, Any]]:
    """Records by value of the field and window; records without a value are left out.

    InvalidInput for a field that has no categories, Unavailable.
    """
    if field not in CATEGORICAL:
        raise InvalidInput(f"the field is one of {', '.join(CATEGORICAL)}", field="field")
    where, parameters = _conditions(wanted)
    sql = (
        f"SELECT {_window()} AS w, {CATEGORICAL[field]} AS value, count() FROM {{database}}.audit_facts "
        f"WHERE {_OF_BUCKET} AND {where} AND value != '' GROUP BY w, value ORDER BY w, value LIMIT 100000"
    )
    found: dict[int, dict[str, int]] = {}
    for window, value, count in _select(bucket, sql, {**parameters, "step": int(step.total_seconds() * 1000)}):
        found.setdefault(window, {})[value] = count
    return [{"range": window_text(window, step, wanted.start, wanted.stop), "data": data} for window, data in found.items()]


def _records(bucket: Bucket, keys: Sequence[tuple[str, int]], times: Sequence[int]) -> list[dict[str, Any]]:
    """The records of these ids and stages in the order of the keys, read from the events."""
    if not keys:
        return []
    sql = (
        f"SELECT {_STAGE}, {_SHOWN} FROM {{database}}.events WHERE {_OWNED} AND id IN {{{{ids:Array(String)}}}} "
        "AND time >= fromUnixTimestamp64Milli({{first:Int64}}, 'UTC') AND time <= fromUnixTimestamp64Milli({{last:Int64}}, 'UTC')"
    )
    parameters = {"ids": sorted({event_id for event_id, _ in keys}), "first": min(times), "last": max(times)}
    found = {(row[1], row[0]): _out(*row[1:]) for row in _select(bucket, sql, parameters)}
    return [found[key] for key in keys if key in found]


def _window() -> str:
    # Floor also before 1970, where plain division would round up.
    milliseconds = "toUnixTimestamp64Milli(time)"
    return f"intDiv({milliseconds} - positiveModulo({milliseconds}, {{{{step:Int64}}}}), {{{{step:Int64}}}})"


def _value_of(name: str) -> tuple[str, str]:
    """The value of the metric, and the condition that a record has one."""
    if name in EVENT_NUMBERS:
        return f"assumeNotNull({EVENT_NUMBERS[name]})", f"{EVENT_NUMBERS[name]} IS NOT NULL"
    return "metrics[{{metric:String}}]", "mapContains(metrics, {{metric:String}})"


def _conditions(wanted: RecordFilter) -> tuple[str, dict[str, Any]]:
    columns = {
        "category": ("category", wanted.category),
        "app": ("source", wanted.app),
        "env": ("environment", wanted.env),
        "method": ("method", wanted.method),
        "status": ("status", wanted.status),
        "origin": ("origin", wanted.origin),
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


def _select(bucket: Bucket, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
    return get_event_store().select(sql, bucket.tenant_id, bucket.project_id, parameters)


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
