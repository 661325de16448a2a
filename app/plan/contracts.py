"""The plan as pages, routes, ingest and scans see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

EVENT_NAME_LIMIT = 500
EVENT_TYPE_NAME_LIMIT = 255
UNNAMED = "unknown"


class EventStatus(StrEnum):
    """Where an event stands in its life; the last two are retirement, not progress (contract 2.1)."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    READY_FOR_DEV = "ready_for_dev"
    IMPLEMENTED = "implemented"
    LIVE = "live"
    DEPRECATED = "deprecated"
    ARCHIVED = "archived"


class DriftType(StrEnum):
    """How data departs from what an event type declares: its columns (the first three) or a field's data contract."""

    NEW_FIELD = "new_field"
    MISSING_FIELD = "missing_field"
    TYPE_CHANGED = "type_changed"
    ENUM_VIOLATION = "enum_violation"
    REQUIRED_NULL_VIOLATION = "required_null_violation"
    REGEX_VIOLATION = "regex_violation"
    RANGE_VIOLATION = "range_violation"


def shortened(text: str, limit: int) -> str:
    """The text, or its beginning and three dots when it is longer than `limit` characters (contract 4.5)."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def identity_of(source: str, name: str) -> tuple[str, str]:
    """What the plan calls an observed (source, name): the event type's name and the event's source name, within their limits."""
    # PostgreSQL keeps no NUL in text.
    source, name = source.replace("\x00", ""), name.replace("\x00", "")
    return shortened(source, EVENT_TYPE_NAME_LIMIT) or UNNAMED, shortened(name, EVENT_NAME_LIMIT) or UNNAMED


@dataclass(frozen=True, slots=True)
class EventTypeView:
    """An event type of the main branch."""

    id: str
    name: str
    display_name: str
    description: str
    color: str
    order: int
    event_count: int


@dataclass(frozen=True, slots=True)
class EventView:
    """An event of the main branch with the parts of its event type that a list shows."""

    id: str
    project_id: str
    event_type_id: str
    event_type_name: str
    event_type_color: str
    name: str
    source_name: str | None
    description: str
    status: EventStatus
    order: int
    reviewed: bool
    sunset_at: datetime | None
    last_seen_at: datetime | None
    owner_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedEvent:
    """One (source, name) that a scan found: how often, and the instant the plan may show as last seen (None: not known)."""

    source: str
    name: str
    count: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class ObservedDrift:
    """A departure that a scan found. Texts may be of any length; `event_type_id` names an event type of the scanned project."""

    event_type_id: str
    field_name: str
    drift_type: DriftType
    observed_type: str | None = None
    declared_type: str | None = None
    sample_value: str | None = None


@dataclass(frozen=True, slots=True)
class PlanIdentities:
    """How observed names resolve on main, both maps through `identity_of`: event types by name, and events by
    (event type name, source name) to (event type id, event id)."""

    event_types: Mapping[str, str]
    events: Mapping[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a catalog sync did. `event_ids` maps every observed (source, name) that now has an event to (event_type_id, event_id).

    `created` and `skipped` count events, `not_created` those beyond the limit of one pass.
    """

    created: int
    skipped: int
    event_ids: dict[tuple[str, str], tuple[str, str]]
    not_created: int = 0
    event_types_created: list[str] = field(default_factory=list)
    variables_created: int = 0


@dataclass(frozen=True, slots=True)
class ScanField:
    """A field definition as scans look at it: its type, its data contract, and whether a label forbids to show its values."""

    id: str
    name: str
    field_type: str
    is_required: bool
    enum_options: tuple[str, ...] | None
    contract_required_max_null_rate: float | None
    contract_regex: str | None
    contract_min_value: float | None
    contract_max_value: float | None
    contract_max_bad_rate: float
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """An event type of main as scans look at it."""

    id: str
    name: str
    fields: tuple[ScanField, ...]


@dataclass(frozen=True, slots=True)
class ScannedVariable:
    """A variable that a scan inferred. `source_name` is its identity; `name` is what it is called unless that is taken."""

    source_name: str
    name: str
    variable_type: str
    description: str


@dataclass(frozen=True, slots=True)
class ScannedContext:
    """Where an event shows a variable: the column, and its values there. All of them when `is_complete`, else samples."""

    source_name: str
    column: str
    is_complete: bool
    observed_count: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScannedEvent:
    """An event that a scan found, with the value of each field by field name."""

    event_type: str
    name: str
    count: int
    last_at: datetime | None
    values: Mapping[str, str]
    contexts: tuple[ScannedContext, ...] = ()


@dataclass(frozen=True, slots=True)
class ScannedCatalog:
    """All that one catalog sync found. `new_fields` are (name, field type) of event types that are not in the plan yet."""

    events: tuple[ScannedEvent, ...]
    variables: tuple[ScannedVariable, ...] = ()
    new_fields: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupableEvent:
    """An event as group rules look at it; `name` is the identity that scans match on."""

    id: str
    event_type_id: str
    name: str
    values: Mapping[str, str]
    json_fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class FieldRules:
    """What a field of an event type demands of a value (contract 2.5)."""

    name: str
    field_type: str
    is_required: bool
    enum_options: tuple[str, ...] = ()
    regex: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    sensitivity: str = "none"
