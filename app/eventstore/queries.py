"""Every read of the event store. Tenant and project come first; values are bound, only the checked database name is not.

Instants travel as whole milliseconds since 1970 UTC in both directions, which no time zone of client or server touches.
"""

from __future__ import annotations

_OWNED = "tenant_id = {{tenant:String}} AND project_id = {{project:String}}"
_KIND = f"{_OWNED} AND kind = {{{{kind:String}}}}"


def _since(column: str, parameter: str, comparison: str) -> str:
    return f"{column} {comparison} fromUnixTimestamp64Milli({{{{{parameter}:Int64}}}}, 'UTC')"


_IN_WINDOW = f"{_since('time', 'start', '>=')} AND {_since('time', 'stop', '<')}"

GROUPS = f"""
SELECT source, name, count() AS n, toUnixTimestamp64Milli(min(time)), toUnixTimestamp64Milli(max(time))
FROM {{database}}.events WHERE {_KIND} AND {_IN_WINDOW}
GROUP BY source, name ORDER BY n DESC, source, name
"""

_BUCKETS = """
SELECT source, name, {second} - positiveModulo({second} - {{{{anchor:Int64}}}}, {{{{seconds:Int64}}}}) AS bucket, {count}
FROM {{database}}.{table} WHERE {where}
GROUP BY source, name, bucket ORDER BY source, name, bucket LIMIT {{{{limit:UInt64}}}}
"""

ROLLUP_BUCKETS = _BUCKETS.format(
    second="toUnixTimestamp64Second(minute)",
    count="sum(n)",
    table="events_1m",
    where=f"{_KIND} AND {_since('minute', 'start', '>=')} AND {_since('minute', 'stop', '<')}",
)

EVENT_BUCKETS = _BUCKETS.format(
    second="toUnixTimestamp64Second(toDateTime64(time, 0, 'UTC'))",
    count="count()",
    table="events",
    where=f"{_KIND} AND {_IN_WINDOW}",
)

SPAN = f"""
SELECT count(), toUnixTimestamp64Milli(min(time)), toUnixTimestamp64Milli(max(time)), toUnixTimestamp64Milli(max(received_at))
FROM {{database}}.events WHERE {_KIND}
"""

SPAN_AFTER = f"{SPAN} AND {_since('received_at', 'after', '>')}"

_RECENT_EVENTS = f"""
SELECT id, kind, source, name, toUnixTimestamp64Milli(time) AS happened, toUnixTimestamp64Milli(received_at) AS received,
  actor_id, session_id, severity, status, value, verdict, verdict_reason, body, properties, plan_revision
FROM {{database}}.events WHERE {_OWNED} AND {_since("received_at", "after", ">")}"""

_NEWEST = "ORDER BY received DESC, id DESC LIMIT {{limit:UInt32}}"

# A refused record has no id of its own; one made of its content keeps it recognisable from look to look.
_RECENT_QUARANTINE = f"""
SELECT concat('quarantined-', lower(hex(sipHash64(raw, received_at)))) AS id, kind, '' AS source, '' AS name,
  toUnixTimestamp64Milli(received_at) AS happened, toUnixTimestamp64Milli(received_at) AS received,
  '' AS actor_id, '' AS session_id, '' AS severity, '' AS status, CAST(NULL, 'Nullable(Float64)') AS value,
  'quarantined' AS verdict, reason AS verdict_reason, '' AS body, raw AS properties, '' AS plan_revision
FROM {{database}}.quarantine WHERE {_OWNED} AND {_since("received_at", "after", ">")}"""

RECENT = f"""
SELECT * FROM (({_RECENT_EVENTS} {_NEWEST}) UNION ALL ({_RECENT_QUARANTINE} {_NEWEST})) {_NEWEST}
"""

RECENT_NAMED = f"{_RECENT_EVENTS} AND name = {{{{name:String}}}} {_NEWEST}"


def _newest_ids(column: str, table: str, condition: str) -> str:
    return f"""
SELECT project_id, {column} AS recent_id, toUnixTimestamp64Milli(received_at) AS received
FROM {{database}}.{table} WHERE {_since("received_at", "after", ">=")} AND {condition}
ORDER BY received_at DESC LIMIT {{{{limit:UInt32}}}}"""


RECENT_IDS = f"""
SELECT * FROM (({_newest_ids("id", "events", "kind = 'event'")})
  UNION ALL ({_newest_ids("message_id", "quarantine", "message_id != ''")}))
ORDER BY received DESC LIMIT {{{{limit:UInt32}}}}
"""
"""The one read over all tenants: it feeds the memory of ids and is shown to nobody."""

STORED_BYTES = """
SELECT tenant_id, sum(n)
  * ifNull((SELECT sum(bytes_on_disk) / greatest(sum(rows), 1) FROM system.parts
    WHERE active AND database = '{database}' AND table = 'events'), 0)
FROM {database}.events_1m WHERE tenant_id IN {{tenants:Array(String)}} GROUP BY tenant_id
"""
"""Each tenant's share of what the events take on disk, by its share of the rows."""

QUARANTINED = f"""
SELECT count() FROM {{database}}.quarantine WHERE {_OWNED} AND {_since("received_at", "after", ">")}
"""


def delete_of(database: str, table: str) -> str:
    """The statement that removes a project's rows from one table."""
    return f"DELETE FROM {database}.{table} WHERE {_OWNED.format()}"
