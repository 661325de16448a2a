"""The data sources of the log API and the types of their columns (contract B.3). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SYSTEM_LOGS: Final = "system_logs"
THRESHOLDS: Final = "log_anomaly_thresholds"
QUARANTINE_SUFFIX: Final = "_quarantine"
MOST_COLUMNS: Final = 200

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
# A data source must not bear the name of a table of the event store, nor of what SQL and pipes give a meaning.
_RESERVED: Final = frozenset(
    {
        "events",
        "quarantine",
        "events_1m",
        "events_1m_mv",
        "audit_facts",
        "audit_facts_mv",
        "audit_hours",
        "audit_hours_mv",
        "system",
        "default",
        "tinybird",
        "information_schema",
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as clients see it; `type` is String, Float64, DateTime, UInt8 or UInt64."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class DataSource:
    """A named list of columns that rows are appended to."""

    name: str
    columns: tuple[Column, ...]
    description: str = ""
    is_builtin: bool = False


def _columns(text: str) -> tuple[Column, ...]:
    pairs = [pair.split(":") for pair in text.split()]
    return tuple(Column(name, kind) for name, kind in pairs)


BUILT_IN: Final = {
    SYSTEM_LOGS: DataSource(
        SYSTEM_LOGS,
        _columns(
            "timestamp:DateTime server_id:String service:String severity:String message:String error_code:String"
            " resource_id:String metadata:String"
        ),
        "Log lines of services.",
        is_builtin=True,
    ),
    THRESHOLDS: DataSource(
        THRESHOLDS,
        _columns("service:String severity:String threshold_per_minute:Float64 active:UInt8 updated_at:DateTime"),
        "Log lines per minute above which a service and severity are anomalous. Append a row to change one.",
        is_builtin=True,
    ),
}


def is_name(text: str) -> bool:
    """Whether the text may name a column or an existing data source."""
    return _NAME.fullmatch(text) is not None


def may_be_made(name: str, taken: frozenset[str]) -> bool:
    """Whether a client may make a data source of this name; `taken` are the names of pipes."""
    return is_name(name) and name.lower() not in _RESERVED | taken and not name.endswith(QUARANTINE_SUFFIX)
