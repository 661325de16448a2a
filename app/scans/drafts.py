"""Config drafts to rows and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from app.kernel.intervals import Interval
from app.scans.config_rules import ConfigDraft
from app.scans.groups import GroupRule
from models.scans import ScanConfig

# Columns whose change makes what the last catalog sync learned about the data worthless.
SHAPES_NAMING = frozenset({"base_query", "event_type_id", "event_type_column", "json_value_paths", "cardinality_threshold"})


def draft_of(config: ScanConfig) -> ConfigDraft:
    """What the stored config says."""
    return draft_from({field.name: getattr(config, field.name) for field in fields(ConfigDraft)})


def draft_from(stored: Mapping[str, Any]) -> ConfigDraft:
    """The draft that `stored_values` was given."""
    values = {field.name: stored[field.name] for field in fields(ConfigDraft)}
    values["event_group_rules"] = tuple(GroupRule.from_stored(rule) for rule in values["event_group_rules"])
    for name in ("interval", "replay_chunk_interval"):
        values[name] = Interval(values[name]) if values[name] else None
    return ConfigDraft(**values)


def stored_values(draft: ConfigDraft) -> dict[str, Any]:
    """The draft as columns of a row."""
    values = {field.name: getattr(draft, field.name) for field in fields(ConfigDraft)}
    for name in ("json_value_paths", "metric_breakdown_columns", "distribution_drift_fields"):
        values[name] = list(values[name])
    values["event_group_rules"] = [rule.as_stored() for rule in draft.event_group_rules]
    for name in ("interval", "replay_chunk_interval"):
        values[name] = values[name].value if values[name] else None
    return values
