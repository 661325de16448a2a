"""What a scan config may say (contract 4.1). An update is checked after it was merged. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.kernel.errors import InvalidInput
from app.kernel.intervals import Interval
from app.scans.groups import GroupRule

LONGEST_COLUMN = 255
LONGEST_FORMAT = 1000
DEFAULT_CARDINALITY_THRESHOLD = 100
DEFAULT_KEEP_RELEASES = 10

_JSON_PATH = re.compile(r"[^.\s][^.]*(?:\.[^.]+)+")


@dataclass(frozen=True, slots=True)
class ConfigDraft:
    """Everything a person says about a scan; the names are those of the stored config."""

    name: str
    base_query: str
    event_type_id: str | None = None
    event_type_column: str | None = None
    time_column: str | None = None
    event_name_format: str | None = None
    json_value_paths: Sequence[str] = ()
    event_group_rules: Sequence[GroupRule] = ()
    metric_breakdown_columns: Sequence[str] = ()
    metric_breakdown_values_limit: int | None = None
    distribution_drift_fields: Sequence[str] = ()
    cardinality_threshold: int = DEFAULT_CARDINALITY_THRESHOLD
    interval: Interval | None = None
    replay_chunk_interval: Interval | None = None
    scan_lookback_hours: int | None = None
    scan_row_limit: int | None = None
    metrics_row_limit: int | None = None
    app_version_column: str | None = None
    app_version_keep_releases: int | None = None


@dataclass(frozen=True, slots=True)
class SpecialColumns:
    """The columns with a role of their own, by role."""

    by_role: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, draft: ConfigDraft) -> SpecialColumns:
        """Those that the draft names."""
        roles = {
            "event type column": draft.event_type_column,
            "time column": draft.time_column,
            "app version column": draft.app_version_column,
        }
        return cls({role: column for role, column in roles.items() if column})

    def role_of(self, column: str) -> str | None:
        """The role the column has."""
        return next((role for role, name in self.by_role.items() if name == column), None)


def checked_config(draft: ConfigDraft) -> ConfigDraft:
    """The draft with trimmed names and each list entry once. InvalidInput names the field that breaks a rule.

    Whether the query only reads is for the guard of its data source to say.
    """
    name = draft.name.strip()
    if not name:
        raise InvalidInput("The name must not be blank", field="name")
    if not draft.base_query.strip():
        raise InvalidInput("The query must not be blank", field="base_query")
    draft = replace(
        draft,
        name=name,
        base_query=draft.base_query.strip(),
        event_type_column=_column(draft.event_type_column, "event_type_column"),
        time_column=_column(draft.time_column, "time_column"),
        app_version_column=_column(draft.app_version_column, "app_version_column"),
        event_name_format=(draft.event_name_format or "").strip() or None,
        json_value_paths=checked_json_paths(draft.json_value_paths),
    )
    if draft.event_name_format and len(draft.event_name_format) > LONGEST_FORMAT:
        raise InvalidInput(f"The name format must have at most {LONGEST_FORMAT} characters", field="event_name_format")
    special = SpecialColumns.of(draft)
    if len(set(special.by_role.values())) < len(special.by_role):
        raise InvalidInput("Event type, time and app version must be different columns", field="app_version_column")
    draft = replace(
        draft,
        metric_breakdown_columns=_plain_columns(draft.metric_breakdown_columns, special, "metric_breakdown_columns"),
        distribution_drift_fields=_plain_columns(draft.distribution_drift_fields, special, "distribution_drift_fields"),
    )
    _check_intervals(draft)
    return draft


def checked_json_paths(paths: Sequence[str]) -> tuple[str, ...]:
    """The paths trimmed and each once. InvalidInput for one that is not `column.nested.path`."""
    trimmed = tuple(dict.fromkeys(path.strip() for path in paths))
    for path in trimmed:
        if not _JSON_PATH.fullmatch(path):
            raise InvalidInput(f'"{path[:100]}" is no JSON path: write it as column.nested.path', field="json_value_paths")
    return trimmed


def _check_intervals(draft: ConfigDraft) -> None:
    if draft.replay_chunk_interval is None:
        return
    if draft.interval is None:
        raise InvalidInput("replay_chunk_interval needs an interval", field="replay_chunk_interval")
    if draft.replay_chunk_interval.seconds < draft.interval.seconds:
        raise InvalidInput("replay_chunk_interval must not be finer than the interval", field="replay_chunk_interval")


def _column(name: str | None, field: str) -> str | None:
    trimmed = (name or "").strip()
    if len(trimmed) > LONGEST_COLUMN:
        raise InvalidInput(f"A column name must have at most {LONGEST_COLUMN} characters", field=field)
    return trimmed or None


def _plain_columns(names: Sequence[str], special: SpecialColumns, field: str) -> tuple[str, ...]:
    trimmed = tuple(dict.fromkeys(name.strip() for name in names))
    for name in trimmed:
        if not name or len(name) > LONGEST_COLUMN:
            raise InvalidInput(f"A column name must have 1 to {LONGEST_COLUMN} characters", field=field)
        if "." in name:
            raise InvalidInput(f'"{name}" must be a plain column, without a path', field=field)
        if role := special.role_of(name):
            raise InvalidInput(f'"{name}" is the {role} already', field=field)
    return trimmed
