"""The pipes of the log API: their parameters, with defaults and bounds, and their columns (contract B.4). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.kernel.errors import BadRequest
from app.logs.columns import BUILT_IN, SYSTEM_LOGS, Column
from app.logs.rows import instant

DEFAULT_LIMIT: Final = 100
MOST_ROWS: Final = 100_000
DEFAULT_PERIOD: Final = timedelta(hours=1)
LONGEST_WINDOW_MINUTES: Final = 10_080


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a client may pass to a pipe."""

    name: str
    type: str
    default: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Pipe:
    """A stored query with parameters. `name` is also the name under which SQL reads it with its defaults."""

    name: str
    description: str
    columns: tuple[Column, ...]
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The checked parameters of one call. Both ends of the period count; `window` is for `log_anomalies` only."""

    start: datetime
    stop: datetime
    service: str
    severity: str
    window: int
    limit: int


_FILTERS = (
    Parameter("service", "String", "", "exact match; empty for all"),
    Parameter("severity", "String", "", "exact match; empty for all"),
    Parameter("limit", "Int32", str(DEFAULT_LIMIT), f"rows at most; values over {MOST_ROWS} count as {MOST_ROWS}"),
)
_PERIOD = (
    Parameter("start_time", "DateTime", "now - 1 hour", "inclusive"),
    Parameter("end_time", "DateTime", "now", "inclusive"),
)
RECENT_LOGS: Final = Pipe("recent_logs", "Log lines, newest first.", BUILT_IN[SYSTEM_LOGS].columns, (*_PERIOD, *_FILTERS))
ERROR_DISTRIBUTION: Final = Pipe(
    "error_distribution",
    "Log lines per service and severity, largest first. Every severity counts unless one is asked for.",
    (
        Column("service", "String"),
        Column("severity", "String"),
        Column("error_count", "UInt64"),
        Column("first_seen", "DateTime"),
        Column("last_seen", "DateTime"),
    ),
    (*_PERIOD, *_FILTERS),
)
LOG_ANOMALIES: Final = Pipe(
    "log_anomalies",
    "Minutes with more log lines than the threshold in force allows, newest first.",
    (
        Column("minute", "DateTime"),
        Column("service", "String"),
        Column("severity", "String"),
        Column("log_count", "UInt64"),
        Column("threshold_per_minute", "Float64"),
        Column("excess_ratio", "Float64"),
        Column("window_rate_per_minute", "Float64"),
    ),
    (Parameter("time_window_minutes", "Int32", "60", f"1 to {LONGEST_WINDOW_MINUTES}"), *_FILTERS),
)
PIPES: Final = {pipe.name: pipe for pipe in (RECENT_LOGS, ERROR_DISTRIBUTION, LOG_ANOMALIES)}
PIPE_NAMES: Final = tuple(f"{name}.{written}" for name in PIPES for written in ("json", "csv", "ndjson"))
"""As addresses name them, with the format of the answer."""


def read_arguments(pipe: Pipe, given: Mapping[str, str], now: datetime) -> Arguments:
    """The parameters the pipe has, from what the client sent; an empty value counts as none. BadRequest names a faulty one."""
    known = {parameter.name for parameter in pipe.parameters}
    sent = {name: value for name, value in given.items() if name in known and value != ""}
    for name, value in sent.items():
        if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise BadRequest(f"parameter {name} holds characters that no text has")
    stop = _moment("end_time", sent["end_time"]) if "end_time" in sent else now
    return Arguments(
        start=_moment("start_time", sent["start_time"]) if "start_time" in sent else now - DEFAULT_PERIOD,
        stop=stop,
        service=sent.get("service", ""),
        severity=sent.get("severity", ""),
        window=_whole("time_window_minutes", sent.get("time_window_minutes", "60"), 1, LONGEST_WINDOW_MINUTES),
        limit=min(MOST_ROWS, _whole("limit", sent.get("limit", str(DEFAULT_LIMIT)), 0, 2**31 - 1)),
    )


def _moment(name: str, text: str) -> datetime:
    moment = instant(text)
    if moment is None:
        raise BadRequest(f"parameter {name} must be a DateTime (YYYY-MM-DD HH:MM:SS)")
    return moment


def _whole(name: str, text: str, least: int, most: int) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadRequest(f"parameter {name} must be a whole number from {least} to {most}")
    if not least <= int(text) <= most:
        raise BadRequest(f"parameter {name} must be from {least} to {most}")
    return int(text)
