"""Which part each column of a base query plays in a scan (contract 4.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.scans.config_rules import ConfigDraft
from app.scans.contracts import ScanFailure
from app.warehouse.contracts import Column, ColumnKind, JsonPath, ScanQuery, TimeColumn

_FORMAT_KEY = re.compile(r"\{([^{}]*)\}")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns by their part. `group_columns` are the scalar ones that make events, `kept_paths` the JSON values read literally.

    `name_keys` are the keys of the name format, None without one. `notes` are sentences for the job's details.
    """

    columns: tuple[Column, ...]
    time: TimeColumn | None
    event_type_column: str | None
    app_version_column: str | None
    group_columns: tuple[str, ...]
    json_columns: tuple[str, ...]
    kept_paths: tuple[JsonPath, ...]
    name_keys: tuple[str, ...] | None
    breakdown_columns: tuple[str, ...] = ()
    distribution_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    # Asked for with every row, so they are found once.
    reserved: frozenset[str] = field(init=False)
    field_columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """`reserved` are the columns that never become fields, `field_columns` those that may, in the query's order."""
        time = self.time.name if self.time else None
        reserved = frozenset(name for name in (self.event_type_column, time, self.app_version_column) if name)
        object.__setattr__(self, "reserved", reserved)
        object.__setattr__(self, "field_columns", tuple(one.name for one in self.columns if one.name not in reserved))

    def kind_of(self, name: str) -> ColumnKind | None:
        """The column's kind; None for no column of the query."""
        return next((column.kind for column in self.columns if column.name == name), None)

    def type_name_of(self, name: str) -> str | None:
        """The warehouse's name of the column's type."""
        return next((column.type_name for column in self.columns if column.name == name), None)

    def is_plain(self, name: str) -> bool:
        """Whether the column is scalar and has no part of its own: what breakdowns and drift checks can use."""
        return name not in self.reserved and self.kind_of(name) is ColumnKind.SCALAR

    def query(self, config: ConfigDraft, *, row_limit: int, timeout_seconds: float) -> ScanQuery:
        """What the catalog sync asks for; each statement may take as long as the data source allows."""
        return ScanQuery(
            base_query=config.base_query,
            group_columns=self.group_columns,
            json_columns=self.json_columns,
            json_value_paths=self.kept_paths,
            time=self.time,
            row_limit=row_limit,
            timeout_seconds=timeout_seconds,
        )


def lay_out(columns: Sequence[Column], config: ConfigDraft) -> Layout:
    """The parts that the config gives the columns. ScanFailure names what the config needs and the query does not have."""
    if config.event_type_id is None and not config.event_type_column:
        raise ScanFailure("The scan needs an event type or a column that names it.")
    by_name = {column.name: column for column in columns}
    time = _time_column(by_name, config.time_column)
    event_type_column = None
    if config.event_type_column:
        event_type_column = _scalar(by_name, config.event_type_column, "event type column")
    app_version_column = None
    if config.app_version_column:
        app_version_column = _scalar(by_name, config.app_version_column, "app version column")
    json_columns = tuple(column.name for column in columns if column.kind is ColumnKind.JSON)
    kept_paths = tuple(_json_path(path, json_columns) for path in config.json_value_paths)
    name_keys = None
    if config.event_name_format:
        name_keys = tuple(dict.fromkeys(key.strip() for key in _FORMAT_KEY.findall(config.event_name_format)))
    excluded = {config.time_column}
    if app_version_column not in (name_keys or ()):
        excluded.add(app_version_column)
    group_columns = tuple(column.name for column in columns if column.kind is ColumnKind.SCALAR and column.name not in excluded)
    _check_name_keys(name_keys, group_columns, json_columns)
    layout = Layout(
        columns=tuple(columns), time=time, event_type_column=event_type_column, app_version_column=app_version_column,
        group_columns=group_columns, json_columns=json_columns, kept_paths=kept_paths, name_keys=name_keys,
    )  # fmt: skip
    return _with_counted_columns(layout, config)


def _with_counted_columns(layout: Layout, config: ConfigDraft) -> Layout:
    breakdown = tuple(name for name in config.metric_breakdown_columns if layout.is_plain(name))
    distribution = tuple(name for name in config.distribution_drift_fields if layout.is_plain(name))
    wanted = (*config.metric_breakdown_columns, *config.distribution_drift_fields)
    left_out = [name for name in dict.fromkeys(wanted) if not layout.is_plain(name)]
    notes = (f"Not broken down, because the query has no such plain column: {listed(left_out)}.",) if left_out else ()
    return replace(layout, breakdown_columns=breakdown, distribution_columns=distribution, notes=notes)


def _time_column(by_name: dict[str, Column], name: str | None) -> TimeColumn | None:
    if not name:
        return None
    column = by_name.get(name)
    if column is None:
        raise ScanFailure(_gone(name, "time column"))
    if column.time_kind is None:
        raise ScanFailure(f'The time column "{name}" holds no time: its type is {column.type_name}.')
    return TimeColumn(name, column.time_kind)


def _scalar(by_name: dict[str, Column], name: str, part: str) -> str:
    column = by_name.get(name)
    if column is None:
        raise ScanFailure(_gone(name, part))
    if column.kind is not ColumnKind.SCALAR:
        raise ScanFailure(f'The {part} "{name}" must be a plain column: its type is {column.type_name}.')
    return name


def _gone(name: str, part: str) -> str:
    return f'The {part} "{name}" is not among the columns of the query.'


def _json_path(path: str, json_columns: Sequence[str]) -> JsonPath:
    # A column's own name may hold dots; the longest that fits is meant.
    owner = max((name for name in json_columns if path.startswith(name + ".")), key=len, default=None)
    if owner is None:
        raise ScanFailure(f'The JSON path "{path}" does not begin with a JSON column of the query.')
    return JsonPath(owner, tuple(path[len(owner) + 1 :].split(".")))


def _check_name_keys(keys: Sequence[str] | None, group_columns: Sequence[str], json_columns: Sequence[str]) -> None:
    if keys is None:
        return
    known = {*group_columns, *json_columns}
    unknown = [key for key in keys if key not in known and not any(key.startswith(name + ".") for name in json_columns)]
    if unknown:
        available = listed([*group_columns, *(f"{name}.<path>" for name in json_columns)])
        raise ScanFailure(f"The name format has unknown keys: {listed(unknown)}. Available: {available}.")


def listed(names: Sequence[str]) -> str:
    """The names for a sentence, the first ten of many."""
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
