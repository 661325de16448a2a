"""Tables of the event store. The same statements run on the embedded engine and on a ClickHouse server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError

EVENTS = "events"
QUARANTINE = "quarantine"
ROLLUP = "events_1m"
AUDIT_FACTS = "audit_facts"
AUDIT_FACTS_VIEW = "audit_facts_mv"
AUDIT_HOURS = "audit_hours"
AUDIT_HOURS_VIEW = "audit_hours_mv"

INSERTABLE_TABLES = (EVENTS, QUARANTINE)
PROJECT_TABLES = (EVENTS, ROLLUP, QUARANTINE, AUDIT_FACTS, AUDIT_HOURS)
"""Every table with rows of a project; deleting a project empties all of them."""

# A block that comes again with its token is dropped while its token is among the last ones kept. Each target of a
# materialized view needs its own window: without one a repeated block is counted again in the roll-up.
_DEDUPLICATION = "non_replicated_deduplication_window = 10000"
# The log of acknowledged events is deleted once the insert returned, so the insert itself has to survive a power cut.
_DURABILITY = "fsync_after_insert = 1, fsync_part_directory = 1"

# Each rewriting of a row costs about as much processor as storing it. Merging some sixteen parts at a time instead of five halves
# how often that happens; queries then meet a few dozen parts a month, which they do not feel. Quiet tables are tidied up as before.
_MERGED_AT_A_TIME = ("merge_selector_base", "16")

# Where the store itself compresses new parts quickly and merged ones well (see `server.py`), it says so by this macro; then the
# long columns leave the choice to it. Elsewhere the default may be quick for ever, and they would take half as much space again.
COMPRESSES_BY_SIZE = "plumbline_compresses_by_size"
_LONG_COLUMNS = ("id", "actor_id", "session_id", "value", "ip", "body", "properties")
_GOOD_CODEC = "CODEC(ZSTD(1))"
_CHOSEN_CODEC = "CODEC(Default)"

TIME_COLUMN = {EVENTS: "time", ROLLUP: "minute", QUARANTINE: "received_at", AUDIT_FACTS: "time", AUDIT_HOURS: "hour"}
"""What each table is partitioned by month of, and its rows grow old by."""

_EVENTS_TABLE = """
CREATE TABLE IF NOT EXISTS {database}.events (
  tenant_id      LowCardinality(String),
  project_id     LowCardinality(String),
  kind           LowCardinality(String),
  source         LowCardinality(String),
  name           LowCardinality(String),
  time           DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  received_at    DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  id             String CODEC(ZSTD(1)),
  actor_id       String CODEC(ZSTD(1)),
  session_id     String CODEC(ZSTD(1)),
  severity       LowCardinality(String),
  status         LowCardinality(String),
  value          Nullable(Float64) CODEC(ZSTD(1)),
  ip             String CODEC(ZSTD(1)),
  environment    LowCardinality(String),
  verdict        LowCardinality(String) DEFAULT 'accepted',
  verdict_reason LowCardinality(String),
  plan_revision  LowCardinality(String),
  body           String CODEC(ZSTD(1)),
  properties     String DEFAULT '{{}}' CODEC(ZSTD(1)),
  INDEX received_range received_at TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (project_id, name, time)
TTL time + toIntervalDay({days})
SETTINGS {deduplication}, {durability}
"""

_ROLLUP_TABLE = """
CREATE TABLE IF NOT EXISTS {database}.events_1m (
  tenant_id  LowCardinality(String),
  project_id LowCardinality(String),
  kind       LowCardinality(String),
  source     LowCardinality(String),
  name       LowCardinality(String),
  minute     DateTime64(0, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  n          SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(minute)
ORDER BY (project_id, name, minute, source, kind, tenant_id)
TTL minute + toIntervalDay({days})
SETTINGS {deduplication}, {durability}
"""

# Plain toStartOfMinute() yields 1970 for every earlier time.
_ROLLUP_VIEW_STATEMENT = """
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_1m_mv TO {database}.events_1m AS
SELECT tenant_id, project_id, kind, source, name,
  fromUnixTimestamp64Second(intDiv(toUnixTimestamp64Milli(time) - positiveModulo(toUnixTimestamp64Milli(time), 60000), 1000), 'UTC')
    AS minute,
  count() AS n
FROM {database}.events GROUP BY tenant_id, project_id, kind, source, name, minute
"""

_QUARANTINE_TABLE = """
CREATE TABLE IF NOT EXISTS {database}.quarantine (
  tenant_id   LowCardinality(String),
  project_id  LowCardinality(String),
  kind        LowCardinality(String),
  received_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  reason      LowCardinality(String),
  raw         String CODEC(ZSTD(1)),
  message_id  String CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toYYYYMM(received_at) ORDER BY (project_id, received_at)
TTL received_at + toIntervalDay({days})
SETTINGS {deduplication}, {durability}
"""

# What queries on audit records filter, group and sum up, taken out of the JSON once: reading it anew for every question takes
# fifty times as long.
_AUDIT_FACTS_TABLE = """
CREATE TABLE IF NOT EXISTS {database}.audit_facts (
  tenant_id      LowCardinality(String),
  project_id     LowCardinality(String),
  category       LowCardinality(String),
  source         LowCardinality(String),
  time           DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  stage          UInt32 CODEC(ZSTD(1)),
  id             String CODEC(ZSTD(1)),
  environment    LowCardinality(String),
  method         LowCardinality(String),
  status         LowCardinality(String),
  severity       LowCardinality(String),
  name           LowCardinality(String),
  event_type     LowCardinality(String),
  origin         LowCardinality(String),
  resource_id    String CODEC(ZSTD(1)),
  resource_name  LowCardinality(String),
  resource_type  LowCardinality(String),
  total_duration Nullable(Float64) CODEC(ZSTD(1)),
  latency        Nullable(Float64) CODEC(ZSTD(1)),
  affected       Nullable(Float64) CODEC(ZSTD(1)),
  cpu_usage      Nullable(Float64) CODEC(ZSTD(1)),
  memory_usage   Nullable(Float64) CODEC(ZSTD(1)),
  metrics        Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
  INDEX of_id id TYPE bloom_filter(0.01) GRANULARITY 2
) ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (project_id, category, source, time)
TTL time + toIntervalDay({days})
SETTINGS {deduplication}, {durability}
"""

_AUDIT_FACTS = """
SELECT tenant_id, project_id, JSONExtractString(properties, 'category') AS category, source, time,
  toUInt32(JSONExtractUInt(properties, 'event', 'stage')) AS stage, id, environment,
  JSONExtractString(properties, 'method') AS method, status, severity, name,
  JSONExtractString(properties, 'event', 'type') AS event_type, JSONExtractString(properties, 'actor', 'origin') AS origin,
  JSONExtractString(properties, 'resource', 'id') AS resource_id,
  JSONExtractString(properties, 'resource', 'name') AS resource_name,
  JSONExtractString(properties, 'resource', 'type') AS resource_type,
  JSONExtract(properties, 'event', 'totalDuration', 'Nullable(Float64)') AS total_duration,
  JSONExtract(properties, 'event', 'latency', 'Nullable(Float64)') AS latency,
  JSONExtract(properties, 'event', 'affectedResources', 'Nullable(Float64)') AS affected,
  JSONExtract(properties, 'event', 'cpuUsage', 'Nullable(Float64)') AS cpu_usage,
  JSONExtract(properties, 'event', 'memoryUsage', 'Nullable(Float64)') AS memory_usage,
  CAST(JSONExtractKeysAndValues(properties, 'metrics', 'Float64'), 'Map(LowCardinality(String), Float64)') AS metrics
FROM {database}.events WHERE kind = 'audit'
"""

# Figures by hour for questions over weeks. The metric without a name counts the records themselves.
_AUDIT_HOURS_TABLE = """
CREATE TABLE IF NOT EXISTS {database}.audit_hours (
  tenant_id   LowCardinality(String),
  project_id  LowCardinality(String),
  category    LowCardinality(String),
  source      LowCardinality(String),
  metric      LowCardinality(String),
  hour        DateTime64(0, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  environment LowCardinality(String),
  method      LowCardinality(String),
  status      LowCardinality(String),
  severity    LowCardinality(String),
  name        LowCardinality(String),
  event_type  LowCardinality(String),
  n           SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  total       SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  least       SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)),
  greatest    SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(hour)
ORDER BY (project_id, category, source, metric, hour, environment, method, status, severity, name, event_type, tenant_id)
TTL hour + toIntervalDay({days})
SETTINGS {deduplication}, {durability}
"""

_AUDIT_HOURS = """
SELECT tenant_id, project_id, category, source, pair.1 AS metric, toDateTime64(toStartOfHour(time), 0, 'UTC') AS hour,
  environment, method, status, severity, name, event_type,
  count() AS n, sum(assumeNotNull(pair.2)) AS total, min(assumeNotNull(pair.2)) AS least, max(assumeNotNull(pair.2)) AS greatest
FROM {database}.audit_facts
ARRAY JOIN arrayFilter(one -> isNotNull(one.2), arrayConcat(
  [('', toNullable(0.)), ('event_duration', total_duration), ('latency', latency), ('affected_resources', affected),
   ('cpu_usage', cpu_usage), ('memory_usage', memory_usage)],
  arrayMap((metric_name, metric_value) -> (metric_name, toNullable(metric_value)),
    CAST(mapKeys(metrics), 'Array(String)'), mapValues(metrics)))) AS pair
GROUP BY tenant_id, project_id, category, source, metric, hour, environment, method, status, severity, name, event_type
"""

_STATEMENTS = (
    "CREATE DATABASE IF NOT EXISTS {database}",
    _EVENTS_TABLE,
    _ROLLUP_TABLE,
    _ROLLUP_VIEW_STATEMENT,
    _QUARANTINE_TABLE,
)

_LATER_COLUMNS = (
    (EVENTS, "plan_revision", "LowCardinality(String) AFTER verdict_reason"),
    (QUARANTINE, "message_id", "String CODEC(ZSTD(1)) AFTER raw"),
)

Command = Callable[[str], object]
Rows = Callable[[str], Sequence[Sequence[Any]]]


def ensure_schema(command: Command, rows: Rows, database: str, retention_days: int) -> None:
    """Create what is missing and bring the retention of every table to `retention_days`. Safe to call at every start.

    `command` runs a statement, `rows` a query. The database name is a checked identifier. Shorter retention deletes
    older rows in the background.
    """
    for statement in _STATEMENTS:
        command(
            statement.format(
                database=database, days=int(retention_days), deduplication=_DEDUPLICATION, durability=_DURABILITY
            ).strip()
        )
    for table, column, definition in _LATER_COLUMNS:
        _ensure_column(command, rows, f"{database}.{table}", column, definition)
    _ensure_audit_facts(command, rows, database, retention_days)
    engines = {
        str(name): str(engine)
        for name, engine in rows(f"SELECT name, engine_full FROM system.tables WHERE database = '{database}'")
    }
    setting, value = _MERGED_AT_A_TIME
    is_known = rows(f"SELECT 1 FROM system.merge_tree_settings WHERE name = '{setting}'")  # old servers lack it
    if is_known and f"{setting} = {value}" not in engines.get(EVENTS, ""):
        command(f"ALTER TABLE {database}.{EVENTS} MODIFY SETTING {setting} = {value}")
    _ensure_codecs(command, rows, database)
    for table, column in TIME_COLUMN.items():
        wanted = f"{column} + toIntervalDay({int(retention_days)})"
        if f"TTL {wanted}" not in engines.get(table, ""):
            command(f"ALTER TABLE {database}.{table} MODIFY TTL {wanted}")


def _ensure_column(command: Command, rows: Rows, table: str, column: str, definition: str) -> None:
    """The column in a table that was made before it; its rows have it empty, and no file is written anew."""
    database, name = table.split(".")
    if not rows(f"SELECT name FROM system.columns WHERE database = '{database}' AND table = '{name}' AND name = '{column}'"):
        command(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {definition}")


def _ensure_codecs(command: Command, rows: Rows, database: str) -> None:
    """The codec of the long columns, for parts to come; those that are there are rewritten only when they are merged."""
    try:
        is_chosen = bool(rows(f"SELECT 1 FROM system.macros WHERE macro = '{COMPRESSES_BY_SIZE}'"))
    except ClickHouseError:  # at a server of their own, not everybody may read them
        is_chosen = False
    wanted = _CHOSEN_CODEC if is_chosen else _GOOD_CODEC
    found = rows(
        "SELECT name, compression_codec FROM system.columns"
        f" WHERE database = '{database}' AND table = '{EVENTS}' AND name IN {_LONG_COLUMNS}"
    )
    changes = [f"MODIFY COLUMN {name} {wanted}" for name, codec in found if codec != wanted]
    if changes:
        command(f"ALTER TABLE {database}.{EVENTS} {', '.join(changes)}")


def _ensure_audit_facts(command: Command, rows: Rows, database: str, retention_days: int) -> None:
    """The facts of audit records, also of those that were stored before there was a table for them."""
    views = rows(f"SELECT name FROM system.tables WHERE database = '{database}' AND name = '{AUDIT_FACTS_VIEW}'")
    if views:
        return
    for table in (_AUDIT_FACTS_TABLE, _AUDIT_HOURS_TABLE):
        command(
            table.format(database=database, days=int(retention_days), deduplication=_DEDUPLICATION, durability=_DURABILITY).strip()
        )
    facts, hours = (text.format(database=database).strip() for text in (_AUDIT_FACTS, _AUDIT_HOURS))
    create = "CREATE MATERIALIZED VIEW IF NOT EXISTS"
    command(f"{create} {database}.{AUDIT_HOURS_VIEW} TO {database}.{AUDIT_HOURS} AS {hours}")
    # Whoever was stopped between these steps begins again with empty tables; the view fills the hours from the facts.
    for name in (AUDIT_FACTS, AUDIT_HOURS):
        command(f"TRUNCATE TABLE {database}.{name}")
    command(f"INSERT INTO {database}.{AUDIT_FACTS} {facts}")
    command(f"{create} {database}.{AUDIT_FACTS_VIEW} TO {database}.{AUDIT_FACTS} AS {facts}")
