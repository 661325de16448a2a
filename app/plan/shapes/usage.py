"""Bodies of the routes tagged variables, relations and chart-annotations, as the contract has them."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from pydantic import BaseModel, Field

from app.kernel.text import PlainText
from app.plan.drafts import AnnotationDraft, RelationDraft, VariableChanges
from app.plan.shapes.value_types import Id, Moment, Response
from app.plan.vocabulary import AnnotationScope, ValueKind, VariableType


class VariableCreate(BaseModel):
    """A variable to make."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_]*$")
    variable_type: VariableType = VariableType.STRING
    description: PlainText = ""


class VariableUpdate(BaseModel):
    """What to change; only the keys that are present count. A name with a dot may stay and cannot be given anew."""

    name: str | None = Field(None, min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_.]*$")
    variable_type: VariableType | None = None
    description: PlainText | None = None

    def changes(self) -> VariableChanges:
        """What the service takes."""
        return cast(VariableChanges, {name: getattr(self, name) for name in self.model_fields_set})


class VariableResponse(Response):
    """A variable and how far it was observed."""

    id: str
    project_id: str
    name: str
    source_name: str | None
    variable_type: VariableType
    description: str
    event_count: int
    context_count: int
    low_context_count: int
    high_context_count: int
    sample_values: list[str] = Field(max_length=20)


class VariableListResponse(BaseModel):
    """A page of variables; the answer when offset or limit is given."""

    items: list[VariableResponse]
    total: int


class VariableValueContextResponse(Response):
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
    values: list[str]


class RelationCreate(BaseModel):
    """A relation to make."""

    source_event_type_id: Id
    target_event_type_id: Id
    source_field_id: Id
    target_field_id: Id
    relation_type: PlainText = Field("belongs_to", max_length=50)
    description: PlainText = ""

    def draft(self) -> RelationDraft:
        """What the service takes."""
        return RelationDraft(**self.model_dump())


class RelationResponse(Response):
    """A relation."""

    id: str
    project_id: str
    source_event_type_id: str
    target_event_type_id: str
    source_field_id: str
    target_field_id: str
    relation_type: str
    description: str


class ChartAnnotationCreate(BaseModel):
    """An annotation to make; scope type and ref both or neither."""

    bucket: Moment
    label: PlainText = Field(min_length=1, max_length=200)
    description: PlainText | None = Field(None, max_length=2000)
    color: PlainText = Field("#ef4444", max_length=20)
    scope_type: AnnotationScope | None = None
    scope_ref: PlainText | None = Field(None, max_length=120)

    def draft(self) -> AnnotationDraft:
        """What the service takes."""
        return AnnotationDraft(**self.model_dump())


class ChartAnnotationResponse(Response):
    """An annotation."""

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
