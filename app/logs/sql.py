"""The rows behind every name that SQL and pipes may use, as sub-queries bound to one project. Doubled braces are for `str.format`.

What lives in the metadata database (thresholds) is written into the query as hexadecimal text, which can end no literal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from app.logs.columns import Column

_SCOPE: Final = "project_id = {{project:String}} AND tenant_id = {{tenant:String}} AND kind = 'log'"
_LOGS: Final = _SCOPE + " AND name = 'system_logs' AND received_at > fromUnixTimestamp64Milli({{emptied:Int64}})"
_AT: Final = "toDateTime(time, 'UTC')"
_FILTERED: Final = (
    " AND ({{service:String}} = '' OR source = {{service:String}}) AND ({{severity:String}} = '' OR severity = {{severity:String}})"
)
_PERIOD: Final = (
    f" AND {_AT} >= toDateTime({{{{start:Int64}}}}, 'UTC') AND {_AT} <= toDateTime({{{{stop:Int64}}}}, 'UTC')" + _FILTERED
)
_LOG_COLUMNS: Final = f"""{_AT} AS timestamp, JSONExtractString(properties, 'server_id') AS server_id,
  CAST(source, 'String') AS service, CAST(events.severity, 'String') AS severity, body AS message,
  JSONExtractString(properties, 'error_code') AS error_code, JSONExtractString(properties, 'resource_id') AS resource_id,
  JSONExtractString(properties, 'metadata') AS metadata"""

SYSTEM_LOGS: Final = f"SELECT {_LOG_COLUMNS} FROM {{database}}.events WHERE {_LOGS}"
RECENT_LOGS: Final = f"""SELECT {_LOG_COLUMNS} FROM {{database}}.events
WHERE {_LOGS}{_PERIOD.replace(" severity =", " events.severity =")} ORDER BY time DESC, id DESC LIMIT {{{{limit:UInt32}}}}"""
MATCHING_LOGS: Final = f"SELECT count() FROM {{database}}.events WHERE {_LOGS}{_PERIOD}"
_DISTRIBUTION: Final = f"""SELECT CAST(source, 'String') AS service, CAST(any(events.severity), 'String') AS severity,
  count() AS error_count, min({_AT}) AS first_seen, max({_AT}) AS last_seen
FROM {{database}}.events WHERE {_LOGS}{_PERIOD.replace(" severity =", " events.severity =")} GROUP BY source, events.severity"""
ERROR_DISTRIBUTION: Final = f"{_DISTRIBUTION} ORDER BY error_count DESC, service, severity LIMIT {{{{limit:UInt32}}}}"
MATCHING_GROUPS: Final = f"SELECT count() FROM ({_DISTRIBUTION})"
_PER_MINUTE: Final = f"""SELECT toStartOfMinute({_AT}) AS minute, CAST(source, 'String') AS service,
  CAST(any(events.severity), 'String') AS severity, count() AS n
FROM {{database}}.events
WHERE {_LOGS} AND time > fromUnixTimestamp64Milli({{{{since:Int64}}}}) AND time <= fromUnixTimestamp64Milli({{{{now:Int64}}}})
  {_FILTERED.replace(" severity =", " events.severity =")}
GROUP BY minute, source, events.severity"""
_ANOMALIES: Final = f"""SELECT minute, service, severity, n AS log_count, threshold AS threshold_per_minute,
  if(threshold = 0, toFloat64(n), n / threshold) AS excess_ratio, in_window / {{{{window:UInt32}}}} AS window_rate_per_minute
FROM (SELECT *, sum(n) OVER (PARTITION BY service, severity) AS in_window FROM ({_PER_MINUTE})) AS counted
INNER JOIN (@thresholds@) AS current USING (service, severity) WHERE n > threshold"""
LOG_ANOMALIES: Final = f"""{_ANOMALIES}
ORDER BY minute DESC, excess_ratio DESC, service, severity LIMIT {{{{limit:UInt32}}}}"""
MATCHING_ANOMALIES: Final = f"SELECT count() FROM ({_ANOMALIES})"
SETTINGS: Final = (
    "\nSETTINGS max_execution_time = 20, max_result_rows = 100000, max_result_bytes = 100000000,"
    " max_memory_usage = 1000000000, max_threads = 2"
)
HISTOGRAM: Final = f"""SELECT toUnixTimestamp({_AT}) - toUnixTimestamp({_AT}) % {{{{seconds:UInt32}}}} AS bucket,
  CAST(any(events.severity), 'String') AS level, count() AS n
FROM {{database}}.events WHERE {_LOGS}{_PERIOD.replace(" severity =", " events.severity =")}
  AND ({{{{text:String}}}} = '' OR positionCaseInsensitiveUTF8(body, {{{{text:String}}}}) > 0)
GROUP BY bucket, events.severity ORDER BY bucket, level LIMIT 5000"""
SEARCH: Final = f"""SELECT {_LOG_COLUMNS} FROM {{database}}.events
WHERE {_LOGS}{_PERIOD.replace(" severity =", " events.severity =")}
  AND ({{{{text:String}}}} = '' OR positionCaseInsensitiveUTF8(body, {{{{text:String}}}}) > 0)
ORDER BY time DESC, id DESC LIMIT {{{{limit:UInt32}}}} OFFSET {{{{offset:UInt32}}}}"""


def inline_rows(rows: Sequence[Sequence[object]], columns: Sequence[tuple[str, str]]) -> str:
    """A SELECT that yields these rows; `columns` are names and ClickHouse types."""
    types = ", ".join(kind if kind != "DateTime" else "UInt32" for _, kind in columns)
    text = msgspec.json.encode([list(row) for row in rows]).hex()
    chosen = ", ".join(f"{_element(place, kind)} AS {name}" for place, (name, kind) in enumerate(columns, 1))
    entries = f"SELECT arrayJoin(JSONExtract(unhex('{text}'), 'Array(Tuple({types}))')) AS entry"
    # The rows are the project's already; naming it keeps the rule that every query of the store does.
    return f"SELECT {chosen} FROM ({entries}) WHERE {{{{project:String}}}} != '' AND {{{{tenant:String}}}} != ''"


def _element(place: int, kind: str) -> str:
    element = f"tupleElement(entry, {place})"
    return f"toDateTime({element}, 'UTC')" if kind == "DateTime" else element


def custom_rows(columns: Sequence[Column], parameter: str) -> str:
    """The rows of a data source that a client made; column names are checked identifiers. `parameter` prefixes what it binds."""
    chosen = ", ".join(f"{_property(column)} AS `{column.name}`" for column in columns)
    return (
        f"SELECT {chosen} FROM {{database}}.events WHERE {_SCOPE} AND events.name = {{{{{parameter}_name:String}}}}"
        f" AND events.received_at > fromUnixTimestamp64Milli({{{{{parameter}_emptied:Int64}}}})"
    )


def _property(column: Column) -> str:
    match column.type:
        case "Float64":
            return f"JSONExtractFloat(events.properties, '{column.name}')"
        case "DateTime":
            return f"toDateTime(JSONExtractUInt(events.properties, '{column.name}'), 'UTC')"
        case _:
            return f"JSONExtractString(events.properties, '{column.name}')"


def refused_rows(parameter: str) -> str:
    """Quarantined rows of a data source; the parameter holds what their reasons begin with."""
    bound = f"{{{{{parameter}_prefix:String}}}}"
    return (
        "SELECT toDateTime(received_at, 'UTC') AS insertion_date,"
        f" substring(CAST(reason, 'String'), length({bound}) + 1) AS error, raw AS row"
        f" FROM {{database}}.quarantine WHERE {_SCOPE} AND startsWith(reason, {bound})"
    )


def anomalies(sql: str, thresholds: Sequence[tuple[str, str, float]]) -> str:
    """The statement with the thresholds in force in their place."""
    rows = inline_rows(thresholds, [("service", "String"), ("severity", "String"), ("threshold", "Float64")])
    return sql.replace("@thresholds@", rows)
