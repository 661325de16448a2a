"""What people hand in to change the plan. A `...Changes` holds only the attributes to change; an absent key is left alone.

In `...Changes` a None clears an attribute that may be empty and leaves alone one that may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from app.plan.contracts import EventStatus
from app.plan.vocabulary import AnnotationScope, FieldType, MetaFieldType, Sensitivity, VariableType

Values = Sequence[tuple[str, str]]
"""Pairs of definition id and value."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list shows; every condition must hold. Blank texts and None ask for nothing.

    `search` looks in name, description and source name, `field_value` and `meta_value` in the values, all whatever the case;
    `silent_since_days` finds events never seen or not since that many days.
    """

    event_type_id: str | None = None
    search: str = ""
    statuses: Sequence[str] = ()
    tag: str = ""
    silent_since_days: int | None = None
    field_value: str = ""
    meta_value: str = ""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event to make; `source_name` is what scans know it as, None for one that no scan has found."""

    event_type_id: str
    name: str
    description: str = ""
    status: EventStatus = EventStatus.DRAFT
    sunset_at: datetime | None = None
    owner_id: str | None = None
    reviewed: bool = False
    metric_breakdown_columns: Sequence[str] = ()
    tags: Sequence[str] = ()
    field_values: Values = ()
    meta_values: Values = ()
    source_name: str | None = None


class EventChanges(TypedDict, total=False):
    """What to change in an event; tags and values replace the whole list."""

    name: str | None
    description: str | None
    status: EventStatus | None
    sunset_at: datetime | None
    owner_id: str | None
    reviewed: bool | None
    metric_breakdown_columns: Sequence[str] | None
    tags: Sequence[str] | None
    field_values: Values | None
    meta_values: Values | None


@dataclass(frozen=True, slots=True)
class BulkChanges:
    """What to set in many events; None does not touch the attribute."""

    status: EventStatus | None = None
    sunset_at: datetime | None = None
    owner_id: str | None = None
    reviewed: bool | None = None


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """A field to make."""

    name: str
    display_name: str
    field_type: FieldType
    is_required: bool = False
    enum_options: Sequence[str] | None = None
    description: str = ""
    order: int = 0
    sensitivity: Sensitivity = Sensitivity.NONE
    contract_required_max_null_rate: float | None = None
    contract_regex: str | None = None
    contract_min_value: float | None = None
    contract_max_value: float | None = None
    contract_max_bad_rate: float = 0.0


class FieldChanges(TypedDict, total=False):
    """What to change in a field; its name stays."""

    display_name: str | None
    field_type: FieldType | None
    is_required: bool | None
    enum_options: Sequence[str] | None
    description: str | None
    order: int | None
    sensitivity: Sensitivity | None
    contract_required_max_null_rate: float | None
    contract_regex: str | None
    contract_min_value: float | None
    contract_max_value: float | None
    contract_max_bad_rate: float | None


@dataclass(frozen=True, slots=True)
class EventTypeDraft:
    """An event type to make."""

    name: str
    display_name: str
    description: str = ""
    color: str = "#6366f1"
    order: int = 0
    field_definitions: Sequence[FieldDraft] = ()


class EventTypeChanges(TypedDict, total=False):
    """What to change in an event type; its name stays."""

    display_name: str | None
    description: str | None
    color: str | None
    order: int | None


@dataclass(frozen=True, slots=True)
class MetaFieldDraft:
    """A meta field to make."""

    name: str
    display_name: str
    field_type: MetaFieldType
    is_required: bool = False
    enum_options: Sequence[str] | None = None
    default_value: str | None = None
    link_template: str | None = None
    order: int = 0
    sensitivity: Sensitivity = Sensitivity.NONE


class MetaFieldChanges(TypedDict, total=False):
    """What to change in a meta field; its name stays."""

    display_name: str | None
    field_type: MetaFieldType | None
    is_required: bool | None
    enum_options: Sequence[str] | None
    default_value: str | None
    link_template: str | None
    order: int | None
    sensitivity: Sensitivity | None


class VariableChanges(TypedDict, total=False):
    """What to change in a variable."""

    name: str | None
    variable_type: VariableType | None
    description: str | None


@dataclass(frozen=True, slots=True)
class RelationDraft:
    """A relation to make."""

    source_event_type_id: str
    target_event_type_id: str
    source_field_id: str
    target_field_id: str
    relation_type: str = "belongs_to"
    description: str = ""


@dataclass(frozen=True, slots=True)
class AnnotationDraft:
    """An annotation to make; scope type and ref are both given or both None."""

    bucket: datetime
    label: str
    description: str | None = None
    color: str = "#ef4444"
    scope_type: AnnotationScope | None = None
    scope_ref: str | None = None
