"""What hangs on event types and events: fields, values, tags, meta fields, variables, relations, owners."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, reference, text_field, updated_field


class FieldDefinition(SQLModel, table=True):
    """A field of an event type, with its data contract."""

    __tablename__ = "field_definitions"
    __table_args__ = (sa.UniqueConstraint("event_type_id", "name"),)

    id: str = id_field()
    event_type_id: str = reference("event_types.id", index=False)
    name: str = Field(max_length=255)
    display_name: str = Field(max_length=255)
    field_type: str = Field(max_length=16)
    is_required: bool = False
    enum_options: list[str] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True), nullable=True))
    description: str = text_field()
    order: int = 0
    sensitivity: str = Field(default="none", max_length=16)
    contract_required_max_null_rate: float | None = None
    contract_regex: str | None = text_field(None)
    contract_min_value: float | None = None
    contract_max_value: float | None = None
    contract_max_bad_rate: float = 0.0
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class EventFieldValue(SQLModel, table=True):
    """The value an event gives a field; an authored one is never overwritten by a scan."""

    __tablename__ = "event_field_values"
    __table_args__ = (sa.UniqueConstraint("event_id", "field_definition_id"),)

    id: str = id_field()
    event_id: str = reference("events.id", index=False)
    field_definition_id: str = reference("field_definitions.id")
    value: str = text_field()
    is_authored: bool = True


class EventTag(SQLModel, table=True):
    """A tag of an event, trimmed and lower-cased."""

    __tablename__ = "event_tags"
    __table_args__ = (sa.UniqueConstraint("event_id", "name"),)

    id: str = id_field()
    event_id: str = reference("events.id", index=False)
    name: str = Field(max_length=100, index=True)


class MetaField(SQLModel, table=True):
    """A field about events themselves: a ticket, a team, a launch date."""

    __tablename__ = "meta_fields"
    __table_args__ = (sa.UniqueConstraint("branch_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id")
    branch_id: str = reference("plan_branches.id", index=False)
    name: str = Field(max_length=100)
    display_name: str = Field(max_length=255)
    field_type: str = Field(max_length=16)
    is_required: bool = False
    enum_options: list[str] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True), nullable=True))
    default_value: str | None = text_field(None)
    link_template: str | None = Field(default=None, max_length=2000)
    order: int = 0
    sensitivity: str = Field(default="none", max_length=16)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class EventMetaValue(SQLModel, table=True):
    """The value an event gives a meta field."""

    __tablename__ = "event_meta_values"
    __table_args__ = (sa.UniqueConstraint("event_id", "meta_field_id"),)

    id: str = id_field()
    event_id: str = reference("events.id", index=False)
    meta_field_id: str = reference("meta_fields.id")
    value: str = text_field()


class Variable(SQLModel, table=True):
    """A placeholder `${name}` for values too many to list."""

    __tablename__ = "variables"
    __table_args__ = (sa.UniqueConstraint("branch_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id")
    branch_id: str = reference("plan_branches.id", index=False)
    name: str = Field(max_length=100)
    source_name: str | None = Field(default=None, max_length=500)
    variable_type: str = Field(default="string", max_length=16)
    description: str = text_field()
    origin_id: str | None = Field(default=None, max_length=36)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class VariableContext(SQLModel, table=True):
    """Where a variable was observed, with its values: all of them (`low`) or samples (`high`)."""

    __tablename__ = "variable_contexts"
    __table_args__ = (sa.UniqueConstraint("variable_id", "event_id", "field_definition_id"),)

    id: str = id_field()
    variable_id: str = reference("variables.id", index=False)
    event_id: str = reference("events.id")
    field_definition_id: str = reference("field_definitions.id")
    source_column: str = Field(default="", max_length=500)
    value_kind: str = Field(default="high", max_length=8)
    observed_count: int = 0
    values: list[str] = Field(default_factory=list, sa_column=sa.Column(sa.JSON(), nullable=False))
    updated_at: datetime = updated_field()


class Relation(SQLModel, table=True):
    """A join of two event types through a field on each side."""

    __tablename__ = "relations"

    id: str = id_field()
    project_id: str = reference("projects.id")
    branch_id: str = reference("plan_branches.id")
    source_event_type_id: str = reference("event_types.id")
    target_event_type_id: str = reference("event_types.id")
    source_field_id: str = reference("field_definitions.id")
    target_field_id: str = reference("field_definitions.id")
    relation_type: str = Field(default="belongs_to", max_length=50)
    description: str = text_field()
    created_at: datetime = created_field()


class EventTypeOwner(SQLModel, table=True):
    """A user who must approve merges that touch the event type on main."""

    __tablename__ = "event_type_owners"
    __table_args__ = (sa.UniqueConstraint("event_type_id", "user_id"),)

    id: str = id_field()
    event_type_id: str = reference("event_types.id", index=False)
    user_id: str = reference("users.id")
    granted_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    created_at: datetime = created_field()


class EventChange(SQLModel, table=True):
    """One changed attribute of an event: its history."""

    __tablename__ = "event_changes"

    id: str = id_field()
    event_id: str = reference("events.id")
    user_id: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    field_name: str = Field(max_length=255)
    old_value: str | None = text_field(None)
    new_value: str | None = text_field(None)
    created_at: datetime = created_field()
