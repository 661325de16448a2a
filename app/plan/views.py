"""The plan in full, as the HTTP API and the editing pages see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.plan.contracts import DriftType, EventStatus
from app.plan.vocabulary import (
    AnnotationScope,
    DriftStatus,
    FieldType,
    MetaFieldType,
    Sensitivity,
    ValueKind,
    VariableType,
)


@dataclass(frozen=True, slots=True)
class EventTypeBrief:
    """The parts of an event type that its events show."""

    id: str
    name: str
    display_name: str
    color: str


@dataclass(frozen=True, slots=True)
class TagView:
    """A tag of an event."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class VariableValueView:
    """What a variable in a field's value was observed to stand for."""

    id: str
    variable_id: str
    variable_name: str
    source_column: str
    value_kind: ValueKind
    observed_count: int
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class FieldValueView:
    """The value an event gives a field; `is_authored` when a person wrote it."""

    id: str
    field_definition_id: str
    value: str
    is_authored: bool
    variable_values: Sequence[VariableValueView] = ()


@dataclass(frozen=True, slots=True)
class MetaValueView:
    """The value an event gives a meta field."""

    id: str
    meta_field_definition_id: str
    value: str


@dataclass(frozen=True, slots=True)
class EventDetail:
    """An event with its tags and values. `updated_at` is what `If-Match` compares."""

    id: str
    project_id: str
    event_type_id: str
    event_type: EventTypeBrief
    name: str
    source_name: str | None
    description: str
    order: int
    status: EventStatus
    sunset_at: datetime | None
    last_seen_at: datetime | None
    owner_id: str | None
    reviewed: bool
    metric_breakdown_columns: Sequence[str]
    drift_count: int
    tags: Sequence[TagView]
    field_values: Sequence[FieldValueView]
    meta_values: Sequence[MetaValueView]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EventChangeView:
    """One change in an event's history: who made what of which attribute."""

    id: str
    event_id: str
    user_id: str | None
    user_email: str | None
    field: str
    old_value: str | None
    new_value: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field of an event type with its data contract."""

    id: str
    event_type_id: str
    name: str
    display_name: str
    field_type: FieldType
    is_required: bool
    enum_options: Sequence[str] | None
    description: str
    order: int
    sensitivity: Sensitivity
    contract_required_max_null_rate: float | None
    contract_regex: str | None
    contract_min_value: float | None
    contract_max_value: float | None
    contract_max_bad_rate: float


@dataclass(frozen=True, slots=True)
class EventTypeDetail:
    """An event type with its fields in their order."""

    id: str
    project_id: str
    name: str
    display_name: str
    description: str
    color: str
    order: int
    created_at: datetime
    updated_at: datetime
    field_definitions: Sequence[FieldView]


@dataclass(frozen=True, slots=True)
class MetaFieldView:
    """A field about events themselves."""

    id: str
    project_id: str
    name: str
    display_name: str
    field_type: MetaFieldType
    is_required: bool
    enum_options: Sequence[str] | None
    default_value: str | None
    link_template: str | None
    order: int
    sensitivity: Sensitivity


@dataclass(frozen=True, slots=True)
class VariableView:
    """A variable and how far it was observed; `sample_values` are at most 20, each once."""

    id: str
    project_id: str
    name: str
    source_name: str | None
    variable_type: VariableType
    description: str
    event_count: int = 0
    context_count: int = 0
    low_context_count: int = 0
    high_context_count: int = 0
    sample_values: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class VariableContextView:
    """Where a variable was observed, and its values there."""

    id: str
    variable_id: str
    variable_name: str
    event_id: str
    event_name: str
    field_definition_id: str
    field_name: str
    field_display_name: str
    source_column: str
    value_kind: ValueKind
    observed_count: int
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class EventSortKey:
    """What a list of events is ordered by."""

    id: str
    name: str
    event_type_name: str
    status: str
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SavedCatalogueView:
    """A person's view of the catalogue; `query` is what follows the question mark of its address."""

    id: str
    name: str
    query: str


@dataclass(frozen=True, slots=True)
class RelationView:
    """A join of two event types through a field on each side."""

    id: str
    project_id: str
    source_event_type_id: str
    target_event_type_id: str
    source_field_id: str
    target_field_id: str
    relation_type: str
    description: str


@dataclass(frozen=True, slots=True)
class OwnerView:
    """A person whose approval merges need that touch the event type. `user_name` falls back to the email."""

    id: str
    event_type_id: str
    user_id: str
    user_email: str
    user_name: str
    granted_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AnnotationView:
    """A mark on charts at an instant; without a scope it is on every chart."""

    id: str
    project_id: str
    scope_type: AnnotationScope | None
    scope_ref: str | None
    bucket: datetime
    label: str
    description: str | None
    color: str
    created_by_user_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DriftView:
    """A departure of the data from the plan. `snoozed_until` may lie in the past: then the drift is active again."""

    id: str
    event_type_id: str
    scan_config_id: str | None
    field_name: str
    drift_type: DriftType
    observed_type: str | None
    declared_type: str | None
    sample_value: str | None
    status: DriftStatus
    resolution_note: str | None
    snoozed_until: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    detected_at: datetime
