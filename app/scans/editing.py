"""A scan config as texts of a form, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.kernel.errors import InvalidInput
from app.kernel.intervals import Interval
from app.scans.config_rules import DEFAULT_CARDINALITY_THRESHOLD, ConfigDraft
from app.scans.contracts import ScanConfigView
from app.scans.rule_text import parsed_rules, rules_text

_TEXTS = ("name", "base_query", "event_type_id", "event_type_column", "time_column", "event_name_format", "app_version_column")
_LISTS = ("json_value_paths", "metric_breakdown_columns", "distribution_drift_fields")
_NUMBERS = (
    "metric_breakdown_values_limit", "scan_lookback_hours", "scan_row_limit", "metrics_row_limit", "app_version_keep_releases",
)  # fmt: skip
_INTERVALS = ("interval", "replay_chunk_interval")
_LARGEST = 2**31 - 1

EMPTY_FORM: dict[str, str] = {
    **dict.fromkeys((*_TEXTS, *_LISTS, *_NUMBERS, *_INTERVALS, "data_source_id", "event_group_rules"), ""),
    "cardinality_threshold": str(DEFAULT_CARDINALITY_THRESHOLD),
}


def form_of(config: ScanConfigView) -> dict[str, str]:
    """The config as the form shows it."""
    form = {"data_source_id": config.data_source_id, "event_group_rules": rules_text(config.event_group_rules)}
    for name in (*_TEXTS, *_NUMBERS, "cardinality_threshold"):
        value = getattr(config, name)
        form[name] = "" if value is None else str(value)
    for name in _INTERVALS:
        interval = getattr(config, name)
        form[name] = "" if interval is None else str(interval.value)
    for name in _LISTS:
        form[name] = ", ".join(getattr(config, name))
    return form


def changes_of(form: Mapping[str, str]) -> dict[str, Any]:
    """What the form says, with the names of ConfigDraft. InvalidInput for a text that is no number or no rule."""
    values: dict[str, Any] = {name: form.get(name, "").strip() or None for name in _TEXTS}
    values["name"], values["base_query"] = values["name"] or "", values["base_query"] or ""
    for name in _LISTS:
        entries = form.get(name, "").replace("\n", ",").split(",")
        values[name] = tuple(entry.strip() for entry in entries if entry.strip())
    for name in (*_NUMBERS, "cardinality_threshold"):
        values[name] = _number(name, form.get(name, ""))
    values["cardinality_threshold"] = values["cardinality_threshold"] or DEFAULT_CARDINALITY_THRESHOLD
    for name in _INTERVALS:
        values[name] = Interval(form[name]) if form.get(name) else None
    values["event_group_rules"] = parsed_rules(form.get("event_group_rules", ""))
    return values


def draft_of_form(form: Mapping[str, str]) -> ConfigDraft:
    """The form as a draft. Errors: as `changes_of`."""
    return ConfigDraft(**changes_of(form))


def _number(name: str, text: str) -> int | None:
    if not text.strip():
        return None
    try:
        number = int(text.strip())
    except ValueError:
        number = 0
    if not 1 <= number <= _LARGEST:
        raise InvalidInput("Write a whole number from 1 up, or nothing", field=name)
    return number
