"""Bodies of the routes tagged event-types, event-type-owners, fields and meta-fields, as the contract has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, Field

from app.kernel.text import PlainText
from app.plan.drafts import (
    EventTypeChanges,
    EventTypeDraft,
    FieldChanges,
    FieldDraft,
    MetaFieldChanges,
    MetaFieldDraft,
)
from app.plan.shapes.value_types import Id, Number, Order, Rate, Response
from app.plan.vocabulary import FieldType, MetaFieldType, Sensitivity

_COLOR = r"^#[0-9a-fA-F]{6}$"


def _attributes(body: BaseModel) -> dict[str, Any]:
    return {name: getattr(body, name) for name in type(body).model_fields}


def _present(body: BaseModel) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.model_fields_set}


class FieldDefinitionCreate(BaseModel):
    """A field to make."""

    name: PlainText = Field(min_length=1, max_length=100)
    display_name: PlainText = Field(min_length=1, max_length=255)
    field_type: FieldType
    is_required: bool = False
    enum_options: list[PlainText] | None = None
    description: PlainText = ""
    order: Order = 0
    sensitivity: Sensitivity = Sensitivity.NONE
    contract_required_max_null_rate: Rate | None = None
    contract_regex: PlainText | None = None
    contract_min_value: Number | None = None
    contract_max_value: Number | None = None
    contract_max_bad_rate: Rate = 0

    def draft(self) -> FieldDraft:
        """What the service takes."""
        return FieldDraft(**_attributes(self))


class FieldDefinitionBulkCreate(BaseModel):
    """Fields to append."""

    fields: list[FieldDefinitionCreate] = Field(min_length=1)


class FieldReorder(BaseModel):
    """The order of the fields."""

    field_ids: list[Id]


class FieldDefinitionUpdate(BaseModel):
    """What to change; only the keys that are present count."""

    display_name: PlainText | None = Field(None, min_length=1, max_length=255)
    field_type: FieldType | None = None
    is_required: bool | None = None
    enum_options: list[PlainText] | None = None
    description: PlainText | None = None
    order: Order | None = None
    sensitivity: Sensitivity | None = None
    contract_required_max_null_rate: Rate | None = None
    contract_regex: PlainText | None = None
    contract_min_value: Number | None = None
    contract_max_value: Number | None = None
    contract_max_bad_rate: Rate | None = None

    def changes(self) -> FieldChanges:
        """What the service takes."""
        return cast(FieldChanges, _present(self))


class FieldDefinitionResponse(Response):
    """A field."""

    id: str
    event_type_id: str
    name: str
    display_name: str
    field_type: FieldType
    is_required: bool
    enum_options: list[Any] | None
    description: str
    order: int
    sensitivity: Sensitivity
    contract_required_max_null_rate: float | None
    contract_regex: str | None
    contract_min_value: float | None
    contract_max_value: float | None
    contract_max_bad_rate: float


class EventTypeCreate(BaseModel):
    """An event type to make, with its fields."""

    name: PlainText = Field(min_length=1, max_length=100)
    display_name: PlainText = Field(min_length=1, max_length=255)
    description: PlainText = ""
    color: str = Field("#6366f1", pattern=_COLOR)
    order: Order = 0
    field_definitions: list[FieldDefinitionCreate] = []

    def draft(self) -> EventTypeDraft:
        """What the service takes."""
        return EventTypeDraft(**{**_attributes(self), "field_definitions": [field.draft() for field in self.field_definitions]})


class EventTypeUpdate(BaseModel):
    """What to change; only the keys that are present count."""

    display_name: PlainText | None = Field(None, min_length=1, max_length=255)
    description: PlainText | None = None
    color: str | None = Field(None, pattern=_COLOR)
    order: Order | None = None

    def changes(self) -> EventTypeChanges:
        """What the service takes."""
        return cast(EventTypeChanges, _present(self))


class EventTypeResponse(Response):
    """An event type with its fields."""

    id: str
    project_id: str
    name: str
    display_name: str
    description: str
    color: str
    order: int
    created_at: datetime
    updated_at: datetime
    field_definitions: list[FieldDefinitionResponse]


class EventTypeOwnerCreate(BaseModel):
    """The person to make an owner."""

    user_id: Id


class EventTypeOwnerResponse(Response):
    """An ownership."""

    id: str
    event_type_id: str
    user_id: str
    user_email: str
    user_name: str
    granted_by: str | None
    created_at: datetime


class MetaFieldCreate(BaseModel):
    """A meta field to make."""

    name: PlainText = Field(min_length=1, max_length=100)
    display_name: PlainText = Field(min_length=1, max_length=255)
    field_type: MetaFieldType
    is_required: bool = False
    enum_options: list[PlainText] | None = None
    default_value: PlainText | None = None
    link_template: PlainText | None = Field(None, max_length=2000)
    order: Order = 0
    sensitivity: Sensitivity = Sensitivity.NONE

    def draft(self) -> MetaFieldDraft:
        """What the service takes."""
        return MetaFieldDraft(**_attributes(self))


class MetaFieldUpdate(BaseModel):
    """What to change; only the keys that are present count."""

    display_name: PlainText | None = Field(None, min_length=1, max_length=255)
    field_type: MetaFieldType | None = None
    is_required: bool | None = None
    enum_options: list[PlainText] | None = None
    default_value: PlainText | None = None
    link_template: PlainText | None = Field(None, max_length=2000)
    order: Order | None = None
    sensitivity: Sensitivity | None = None

    def changes(self) -> MetaFieldChanges:
        """What the service takes."""
        return cast(MetaFieldChanges, _present(self))


class MetaFieldResponse(Response):
    """A meta field."""

    id: str
    project_id: str
    name: str
    display_name: str
    field_type: MetaFieldType
    is_required: bool
    enum_options: list[Any] | None
    default_value: str | None
    link_template: str | None
    order: int
    sensitivity: Sensitivity
