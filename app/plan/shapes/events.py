"""Bodies of the routes tagged events, field by field as the contract has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, Field

from app.kernel.text import PlainText
from app.plan.contracts import EventStatus
from app.plan.drafts import BulkChanges, EventChanges, EventDraft
from app.plan.shapes.value_types import Id, Moment, Response
from app.plan.vocabulary import MoveDirection, ValueKind

LONGEST_VALUE = 100_000


class EventFieldValueIn(BaseModel):
    """The value to give a field."""

    field_definition_id: Id
    value: PlainText = Field(max_length=LONGEST_VALUE)


class EventMetaValueIn(BaseModel):
    """The value to give a meta field."""

    meta_field_definition_id: Id
    value: PlainText = Field(max_length=LONGEST_VALUE)


def _pairs(values: list[EventFieldValueIn] | list[EventMetaValueIn]) -> list[tuple[str, str]]:
    return [
        (str(entry.field_definition_id if isinstance(entry, EventFieldValueIn) else entry.meta_field_definition_id), entry.value)
        for entry in values
    ]


class EventCreate(BaseModel):
    """An event to make."""

    event_type_id: Id
    name: PlainText = Field(min_length=1, max_length=500)
    description: PlainText = ""
    status: EventStatus = EventStatus.DRAFT
    sunset_at: Moment | None = None
    owner_id: Id | None = None
    reviewed: bool = False
    metric_breakdown_columns: list[PlainText] = []
    tags: list[PlainText] = []
    field_values: list[EventFieldValueIn] = []
    meta_values: list[EventMetaValueIn] = []

    def draft(self) -> EventDraft:
        """What the service takes."""
        return EventDraft(
            event_type_id=str(self.event_type_id),
            name=self.name,
            description=self.description,
            status=self.status,
            sunset_at=self.sunset_at,
            owner_id=None if self.owner_id is None else str(self.owner_id),
            reviewed=self.reviewed,
            metric_breakdown_columns=self.metric_breakdown_columns,
            tags=self.tags,
            field_values=_pairs(self.field_values),
            meta_values=_pairs(self.meta_values),
        )


class EventUpdate(BaseModel):
    """What to change; only the keys that are present count."""

    name: PlainText | None = Field(None, min_length=1, max_length=500)
    description: PlainText | None = None
    status: EventStatus | None = None
    sunset_at: Moment | None = None
    owner_id: Id | None = None
    reviewed: bool | None = None
    metric_breakdown_columns: list[PlainText] | None = None
    tags: list[PlainText] | None = None
    field_values: list[EventFieldValueIn] | None = None
    meta_values: list[EventMetaValueIn] | None = None

    def changes(self) -> EventChanges:
        """What the service takes."""
        present: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if self.owner_id is not None:
            present["owner_id"] = str(self.owner_id)
        if self.field_values is not None:
            present["field_values"] = _pairs(self.field_values)
        if self.meta_values is not None:
            present["meta_values"] = _pairs(self.meta_values)
        return cast(EventChanges, present)


class EventBulkDelete(BaseModel):
    """Events to delete."""

    event_ids: list[Id] = Field(min_length=1)


class EventBulkUpdate(BaseModel):
    """What to set in many events; a null does not touch the attribute."""

    event_ids: list[Id] = Field(min_length=1)
    status: EventStatus | None = None
    sunset_at: Moment | None = None
    owner_id: Id | None = None
    reviewed: bool | None = None

    def changes(self) -> BulkChanges:
        """What the service takes."""
        owner_id = None if self.owner_id is None else str(self.owner_id)
        return BulkChanges(status=self.status, sunset_at=self.sunset_at, owner_id=owner_id, reviewed=self.reviewed)


class EventReorder(BaseModel):
    """The complete order."""

    event_ids: list[Id] = Field(min_length=1)


class EventMove(BaseModel):
    """Up or down by one among the events that the caller shows."""

    direction: MoveDirection
    visible_event_ids: list[Id] | None = None


class EventTypeBrief(Response):
    """The parts of an event type that its events show."""

    id: str
    name: str
    display_name: str
    color: str


class EventTagResponse(Response):
    """A tag."""

    id: str
    name: str


class EventFieldVariableValueResponse(Response):
    """What a variable in a field's value was observed to stand for."""

    id: str
    variable_id: str
    variable_name: str
    source_column: str
    value_kind: ValueKind
    observed_count: int
    values: list[str]


class EventFieldValueResponse(Response):
    """The value of a field."""

    id: str
    field_definition_id: str
    value: str
    variable_values: list[EventFieldVariableValueResponse]


class EventMetaValueResponse(Response):
    """The value of a meta field."""

    id: str
    meta_field_definition_id: str
    value: str


class EventListItemResponse(Response):
    """An event as lists show it."""

    id: str
    project_id: str
    event_type_id: str
    name: str
    description: str
    order: int
    status: EventStatus
    sunset_at: datetime | None
    last_seen_at: datetime | None
    owner_id: str | None
    reviewed: bool
    metric_breakdown_columns: list[str]
    drift_count: int
    tags: list[EventTagResponse]
    field_values: list[EventFieldValueResponse]
    meta_values: list[EventMetaValueResponse]
    created_at: datetime
    updated_at: datetime


class EventResponse(EventListItemResponse):
    """An event with the brief of its event type."""

    event_type: EventTypeBrief


class EventListResponse(BaseModel):
    """A page of events; `total` counts before slicing."""

    items: list[EventListItemResponse]
    total: int


class EventChangeResponse(Response):
    """One change in an event's history."""

    id: str
    event_id: str
    user_id: str | None
    user_email: str | None
    field: str
    old_value: str | None
    new_value: str | None
    created_at: datetime
