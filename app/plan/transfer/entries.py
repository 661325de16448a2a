"""The shape of each entry of a file. Attributes that a file leaves out stay as they are, or take their usual value when new."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.kernel.text import PlainText
from app.plan.contracts import EVENT_NAME_LIMIT, EVENT_TYPE_NAME_LIMIT, EventStatus
from app.plan.rules import LONGEST_TAG
from app.plan.shapes.value_types import Moment, Number, Order, Rate
from app.plan.snapshot import EntityType
from app.plan.transfer.records import MOST_IN_ENTRY
from app.plan.vocabulary import FieldType, MetaFieldType, Sensitivity, VariableType


def _legible(name: str) -> str:
    if not name.strip():
        raise ValueError("must not be blank")
    return name


def _calendar_text(value: object) -> object:
    # A bare number would otherwise be taken as seconds since 1970.
    if not isinstance(value, datetime) and not (isinstance(value, str) and value[:4].isdecimal() and value[4:5] == "-"):
        raise ValueError("must be a date or an instant such as 2026-11-25T09:30:00Z")
    return value


Legible = Annotated[PlainText, AfterValidator(_legible)]
Shown = Annotated[PlainText, Field(min_length=1, max_length=255)]
Instant = Annotated[Moment, BeforeValidator(_calendar_text)]
TypeName = Annotated[Legible, Field(max_length=EVENT_TYPE_NAME_LIMIT)]
FieldName = Annotated[Legible, Field(max_length=255)]
MetaName = Annotated[Legible, Field(max_length=100)]
Values = dict[PlainText, PlainText]


class Entry(BaseModel):
    """What all entries share: no attribute that is not known, and the words of closed sets as plain text."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)


class EventTypeEntry(Entry):
    """An event type; its fields and events stand beside it."""

    name: TypeName
    display_name: Shown = ""
    description: PlainText = ""
    color: str = Field("", pattern=r"^#[0-9a-fA-F]{6}$")
    order: Order = 0


class FieldEntry(Entry):
    """A field of the event type it stands under."""

    name: FieldName
    display_name: Shown = ""
    field_type: FieldType = FieldType.STRING
    is_required: bool = False
    enum_options: list[PlainText] | None = None
    description: PlainText = ""
    order: Order = 0
    sensitivity: Sensitivity = Sensitivity.NONE
    contract_required_max_null_rate: Rate | None = None
    contract_regex: PlainText | None = None
    contract_min_value: Number | None = None
    contract_max_value: Number | None = None
    contract_max_bad_rate: Rate = 0.0


class EventEntry(Entry):
    """An event of the event type it stands under. Its owner is a member of one instance and travels in no file."""

    name: Annotated[Legible, Field(max_length=EVENT_NAME_LIMIT)]
    description: PlainText = ""
    status: EventStatus = EventStatus.DRAFT
    sunset_at: Instant | None = None
    source_name: Annotated[Legible, Field(max_length=EVENT_NAME_LIMIT)] | None = None
    reviewed: bool = False
    order: Order = 0
    tags: list[Annotated[PlainText, Field(max_length=LONGEST_TAG)]] = []
    metric_breakdown_columns: list[PlainText] = []
    field_values: Values = {}
    meta_values: Values = {}


class VariableEntry(Entry):
    """A variable."""

    name: MetaName
    variable_type: VariableType = VariableType.STRING
    source_name: Annotated[PlainText, Field(max_length=500)] | None = None
    description: PlainText = ""


class MetaFieldEntry(Entry):
    """A meta field."""

    name: MetaName
    display_name: Shown = ""
    field_type: MetaFieldType = MetaFieldType.STRING
    is_required: bool = False
    enum_options: list[PlainText] | None = None
    default_value: PlainText | None = None
    link_template: Annotated[PlainText, Field(max_length=2000)] | None = None
    order: Order = 0
    sensitivity: Sensitivity = Sensitivity.NONE


class RelationEntry(Entry):
    """A relation, known by what it joins."""

    source_event_type: TypeName
    source_field: FieldName
    target_event_type: TypeName
    target_field: FieldName
    relation_type: Annotated[Legible, Field(max_length=50)] = "belongs_to"
    description: PlainText = ""


ENTRIES: Mapping[EntityType, type[Entry]] = {
    EntityType.EVENT_TYPE: EventTypeEntry,
    EntityType.FIELD: FieldEntry,
    EntityType.EVENT: EventEntry,
    EntityType.VARIABLE: VariableEntry,
    EntityType.META_FIELD: MetaFieldEntry,
    EntityType.RELATION: RelationEntry,
}
RELATION_KEY = ("source_event_type", "source_field", "target_event_type", "target_field")


_REASONS = {
    "missing": "is missing",
    "too_short": "must not be empty",
    "extra_forbidden": "is not known here",
    "string_type": "must be text; in quotes when it looks like a number, a date or yes and no",
    "string_pattern_mismatch": "must be a colour such as #6366f1",
}


def key_names(sort: EntityType) -> tuple[str, ...]:
    """The attributes of an entry that make up its key, the event type above it aside."""
    return RELATION_KEY if sort is EntityType.RELATION else ("name",)


def carried(sort: EntityType) -> tuple[str, ...]:
    """The attributes that travel in files, in the order of the entry."""
    return tuple(name for name in ENTRIES[sort].model_fields if name not in key_names(sort))


def defaults(sort: EntityType) -> dict[str, object]:
    """What attributes are when a file makes an entity without naming them; places and display names are not among them."""
    values = {name: field.get_default(call_default_factory=True) for name, field in ENTRIES[sort].model_fields.items()}
    plain = {name: str(value) if isinstance(value, str) else value for name, value in values.items()}
    return {name: plain[name] for name in carried(sort)}


def read_entry(sort: EntityType, raw: Mapping[str, object]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The attributes that the raw entry names, and its faults as (attribute, reason). With a fault there are no attributes."""
    for name, held in (("", raw), *raw.items()):
        if isinstance(held, dict | list) and len(held) > MOST_IN_ENTRY:
            return {}, [(name, f"holds more than {MOST_IN_ENTRY} entries")]
    try:
        entry = ENTRIES[sort].model_validate(raw)
    except ValidationError as error:
        return {}, [
            (".".join(map(str, fault["loc"])), _reason(fault)) for fault in error.errors(include_url=False, include_input=False)
        ]
    given = {name: getattr(entry, name) for name in entry.model_fields_set}
    if isinstance(given.get("sunset_at"), datetime):
        given["sunset_at"] = given["sunset_at"].isoformat()
    return given, []


def _reason(fault: Any) -> str:
    """The checker's sentence in our words; it never repeats what was read."""
    if fault["type"] == "enum":
        return f"must be one of {fault['ctx']['expected']}"
    if fault["type"] in ("too_long", "string_too_long"):
        return f"must have at most {fault['ctx']['max_length']} characters"
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return _REASONS.get(fault["type"]) or str(fault["msg"]).replace("Input should be", "must be").replace("should", "must")
