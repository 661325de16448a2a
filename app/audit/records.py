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
from app.audit.figures import (
    AGGREGATES,
    AT,
    CATEGORICAL,
    EVENT_NUMBERS,
    OF_BUCKET,
    RECORDS_THEMSELVES,
    RecordFilter,
    conditions,
    figures,
    milliseconds,
    within,
)
from app.audit.shapes import RecordIn
from app.eventstore.service import get_event_store
from app.ingest import service as ingest
from app.kernel.errors import InvalidInput, NotFound

PER_PAGE: Final = 50
MOST_STAGES: Final = 10_000
_HOUR_MILLISECONDS: Final = 3_600_000
_CHOICES: Final = {
    "category": "category",
    "app": "source",
    "env": "environment",
    "status": "status",
    "level": "severity",
    "event_name": "name",
}
LISTED: Final = ("cpu_usage", "memory_usage")
_OWNED: Final = f"{OF_BUCKET} AND kind = 'audit'"
_SHOWN: Final = "id, toUnixTimestamp64Milli(time), source, environment, status, severity, properties"
_STAGE: Final = "JSONExtractInt(properties, 'event', 'stage')"


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
    where, parameters = conditions(wanted)
    parameters |= {"limit": per_page, "offset": (page - 1) * per_page, "last": page * per_page - 1}
    chosen = f"FROM {{database}}.audit_facts WHERE {OF_BUCKET} AND {where} AND {within('time')}"
    # The time of the page's last record first: only times are read for it, and no id of a record that is not shown.
    oldest = _select(
        bucket,
        f"SELECT toUnixTimestamp64Milli(time) {chosen} ORDER BY time DESC LIMIT 1 OFFSET {{{{last:UInt64}}}}",
        parameters,
    )
    if oldest:
        parameters["start"] = oldest[0][0]
    sql = (
        f"SELECT id, stage, toUnixTimestamp64Milli(time) {chosen} "
        f"ORDER BY time DESC, stage DESC, id DESC LIMIT {{{{limit:UInt32}}}} OFFSET {{{{offset:UInt64}}}}"
    )
    found = _select(bucket, sql, parameters)
    return _records(bucket, [(event_id, stage) for event_id, stage, _ in found], [row[2] for row in found])


def trail(bucket: Bucket, event_id: str) -> list[dict[str, Any]]:
    """Every record of the id, the last stage first; nothing for an unknown id. Unavailable."""
    sql = (
        f"SELECT id, stage, toUnixTimestamp64Milli(time) FROM {{database}}.audit_facts WHERE {OF_BUCKET} "
        f"AND id = {{{{id:String}}}} ORDER BY {AT} DESC LIMIT {MOST_STAGES}"
    )
    found = _select(bucket, sql, {"id": event_id})
    return _records(bucket, [(event_id, stage) for _, stage, _ in found], [row[2] for row in found])


def total(bucket: Bucket, wanted: RecordFilter) -> int:
    """How many records there are. Unavailable."""
    where, parameters = conditions(wanted)
    sql = f"SELECT count() FROM {{database}}.audit_facts WHERE {OF_BUCKET} AND {where} AND {within('time')}"
    return int(_select(bucket, sql, parameters)[0][0])


def values(bucket: Bucket, start: datetime, stop: datetime, most: int) -> dict[str, list[str]]:
    """What records of [start, stop), by whole hours, have in the fields to choose from; at most so many each. Unavailable."""
    chosen = ", ".join(f"groupUniqArray({most})({column})" for column in _CHOICES.values())
    parameters = {"start": milliseconds(start) // _HOUR_MILLISECONDS * _HOUR_MILLISECONDS, "stop": milliseconds(stop)}
    sql = f"SELECT {chosen} FROM {{database}}.audit_hours WHERE {OF_BUCKET} AND metric = '' AND {within('hour')}"
    (row,) = _select(bucket, sql, parameters)
    return {name: sorted(value for value in found if value) for name, found in zip(_CHOICES, row, strict=True)}


def metric_names(bucket: Bucket) -> list[str]:
    """The bucket's own metrics by name, then those that every record may have. Unavailable."""
    sql = f"SELECT DISTINCT metric FROM {{database}}.audit_hours WHERE {OF_BUCKET} ORDER BY metric"
    names = [row[0] for row in _select(bucket, sql, {})]
    return [name for name in names if name != RECORDS_THEMSELVES and name not in EVENT_NUMBERS] + list(LISTED)


def metric(bucket: Bucket, name: str, wanted: RecordFilter, step: timedelta, aggregate: str, group_by: str | None) -> list[Group]:
    """A metric by window and group; windows without a value are left out. Errors: as `metric_points`."""
    return [
        Group(key, [{"range": window_text(at, step, wanted.start, wanted.stop), "value": value} for at, value in points])
        for key, points in metric_points(bucket, name, wanted, step, aggregate, group_by).items()
    ]


def metric_points(
    bucket: Bucket, name: str, wanted: RecordFilter, step: timedelta, aggregate: str, group_by: str | None
) -> dict[str, list[tuple[int, float | None]]]:
    """Number of the window since 1970 and value by group, oldest first; the value is None where it is not defined.

    NotFound for an unknown metric, InvalidInput for an unknown aggregate or group, Unavailable.
    """
    if aggregate not in AGGREGATES:
        raise InvalidInput(f"agg is one of {', '.join(AGGREGATES)}", field="agg")
    if group_by is not None and group_by not in CATEGORICAL:
        raise InvalidInput(f"group_by is one of {', '.join(CATEGORICAL)}", field="group_by")
    sql, parameters = figures(name, wanted, step, aggregate, group_by)
    found: dict[str, list[tuple[int, float | None]]] = {}
    for key, window, number in _select(bucket, sql, parameters):
        found.setdefault(key, []).append((window, None if number is None or not math.isfinite(number) else float(number)))
    if not found and name not in EVENT_NUMBERS and name not in metric_names(bucket):
        raise NotFound("There is no such metric")
    return found


def counts(bucket: Bucket, field: str, wanted: RecordFilter, step: timedelta) -> list[dict[str, Any]]:
    """Records by value of the field and window. Errors: as `window_counts`."""
    found = window_counts(bucket, field, wanted, step)
    return [{"range": window_text(window, step, wanted.start, wanted.stop), "data": data} for window, data in found.items()]


def window_counts(bucket: Bucket, field: str, wanted: RecordFilter, step: timedelta) -> dict[int, dict[str, int]]:
    """Records by number of the window since 1970 and value of the field; records without a value are left out.

    InvalidInput for a field that has no categories, Unavailable.
    """
    if field not in CATEGORICAL:
        raise InvalidInput(f"the field is one of {', '.join(CATEGORICAL)}", field="field")
    sql, parameters = figures(RECORDS_THEMSELVES, wanted, step, "count", field)
    found: dict[int, dict[str, int]] = {}
    for value, window, count in _select(bucket, sql, parameters):
        if value:
            found.setdefault(window, {})[value] = int(count)
    return dict(sorted(found.items()))


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
