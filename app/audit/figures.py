"""Statements for figures over audit records: whole hours from what the event store sums up by hour, the rest record by record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

OF_BUCKET: Final = "tenant_id = {{tenant:String}} AND project_id = {{project:String}}"
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
AT: Final = "(time, stage)"
# One number where the pair above would be compared element by element; a request has fewer stages than this.
_MOMENT: Final = "toUnixTimestamp64Milli(time) * 16384 + stage"
AGGREGATES: Final = {
    "mean": "avg(v)",
    "sum": "sum(v)",
    "count": "toFloat64(count())",
    "min": "min(v)",
    "max": "max(v)",
    "median": "quantileExactInclusive(0.5)(v)",
    "first": f"argMin(v, {_MOMENT})",
    "last": f"argMax(v, {_MOMENT})",
    "stddev": "stddevSamp(v)",
    "spread": "max(v) - min(v)",
}

_HOUR: Final = timedelta(hours=1)
_HOUR_MILLISECONDS: Final = 3_600_000
_ORDERED: Final = "ORDER BY g, w LIMIT 100000"
# What the figures by hour can answer, from their count, sum, least and greatest value.
_BY_HOUR: Final = {
    "mean": "sum(total) / sum(n)",
    "sum": "sum(total)",
    "count": "toFloat64(sum(n))",
    "min": "min(least)",
    "max": "max(greatest)",
    "spread": "max(greatest) - min(least)",
}
_HOURLY_FIELDS: Final = frozenset({"application", "environment", "method", "status", "level", "event_name", "event_type"})
RECORDS_THEMSELVES: Final = ""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Records in [start, stop), of whatever is named; the HTTP interface asks for category and application always."""

    category: str | None
    app: str | None
    start: datetime
    stop: datetime
    env: str | None = None
    method: str | None = None
    status: str | None = None
    origin: str | None = None
    level: str | None = None
    event_name: str | None = None


def figures(name: str, wanted: RecordFilter, step: timedelta, aggregate: str, group_by: str | None) -> tuple[str, dict[str, Any]]:
    """The statement for (group, window, number) and its parameters: whole hours from their figures, the rest from the facts."""
    group = CATEGORICAL[group_by] if group_by else "'all'"
    value, has_value = _value_of(name)
    where, parameters = conditions(wanted)
    parameters |= {"metric": name, "step": int(step.total_seconds() * 1000)}
    chosen = f"{OF_BUCKET} AND {where} AND {within('time')} AND {has_value}"
    facts = f"(SELECT *, {value} AS v FROM {{database}}.audit_facts WHERE {chosen})"
    first, last = -(-milliseconds(wanted.start) // _HOUR_MILLISECONDS), milliseconds(wanted.stop) // _HOUR_MILLISECONDS
    is_hourly = (
        aggregate in _BY_HOUR and step % _HOUR == timedelta(0) and wanted.origin is None and name != "event_stage"
        and (group_by is None or group_by in _HOURLY_FIELDS) and first < last
    )  # fmt: skip
    if not is_hourly:
        shown = f"{group} AS g, {_window('time', wanted.start)} AS w, {AGGREGATES[aggregate]}"
        return f"SELECT {shown} FROM {facts} GROUP BY g, w {_ORDERED}", parameters
    parameters |= {"first": first * _HOUR_MILLISECONDS, "last": last * _HOUR_MILLISECONDS}
    summed = "count() AS n, sum(v) AS total, min(v) AS least, max(v) AS greatest"
    sql = (
        f"SELECT g, w, {_BY_HOUR[aggregate]} FROM ("
        f"SELECT {group} AS g, {_window('hour', wanted.start)} AS w, n, total, least, greatest FROM {{database}}.audit_hours "
        f"WHERE {OF_BUCKET} AND {where} AND metric = {{{{metric:String}}}} AND {within('hour', 'first', 'last')} "
        f"UNION ALL SELECT {group} AS g, {_window('time', wanted.start)} AS w, {summed} FROM {facts} "
        f"WHERE NOT ({within('time', 'first', 'last')}) GROUP BY g, w"
        f") GROUP BY g, w {_ORDERED}"
    )
    return sql, parameters


def within(column: str, start: str = "start", stop: str = "stop") -> str:
    """The condition that the column lies in [start, stop), parameters in milliseconds."""
    moments = [f"fromUnixTimestamp64Milli({{{{{name}:Int64}}}}, 'UTC')" for name in (start, stop)]
    return f"{column} >= {moments[0]} AND {column} < {moments[1]}"


def _window(column: str, start: datetime) -> str:
    milliseconds = f"toUnixTimestamp64Milli(toDateTime64({column}, 3, 'UTC'))"
    if start.timestamp() >= 0:
        return f"intDiv({milliseconds}, {{{{step:Int64}}}})"
    # Floor also before 1970, where plain division would round up; it takes half as long again.
    return f"intDiv({milliseconds} - positiveModulo({milliseconds}, {{{{step:Int64}}}}), {{{{step:Int64}}}})"


def _value_of(name: str) -> tuple[str, str]:
    """The value of the metric, and the condition that a record has one."""
    if name in EVENT_NUMBERS:
        return f"assumeNotNull({EVENT_NUMBERS[name]})", f"{EVENT_NUMBERS[name]} IS NOT NULL"
    if name == RECORDS_THEMSELVES:
        return "0.", "1"
    return "metrics[{{metric:String}}]", "mapContains(metrics, {{metric:String}})"


def conditions(wanted: RecordFilter) -> tuple[str, dict[str, Any]]:
    """The condition of the filter without its times, and all of its parameters."""
    columns = {
        "category": ("category", wanted.category),
        "app": ("source", wanted.app),
        "env": ("environment", wanted.env),
        "method": ("method", wanted.method),
        "status": ("status", wanted.status),
        "origin": ("origin", wanted.origin),
        "level": ("severity", wanted.level),
        "event_name": ("name", wanted.event_name),
    }
    parts = ["1"] + [f"{column} = {{{{{name}:String}}}}" for name, (column, value) in columns.items() if value is not None]
    parameters: dict[str, Any] = {name: value for name, (_, value) in columns.items() if value is not None}
    return " AND ".join(parts), {**parameters, "start": milliseconds(wanted.start), "stop": milliseconds(wanted.stop)}


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, the next one for a part of one."""
    return math.ceil(moment.timestamp() * 1000)
