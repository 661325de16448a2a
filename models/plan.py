"""The plan: branches, event types and events."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, json_field, moment_field, reference, text_field, updated_field


class PlanBranch(SQLModel, table=True):
    """A line of work on the plan; `main` is one of them."""

    __tablename__ = "plan_branches"
    __table_args__ = (sa.UniqueConstraint("project_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id")
    name: str = Field(max_length=255)
    kind: str = Field(default="main", max_length=16)
    status: str = Field(default="merged", max_length=32)
    description: str = text_field()
    base_revision_id: str | None = reference("plan_revisions.id", nullable=True, index=False, on_delete="SET NULL")
    created_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    merged_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    merged_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class EventType(SQLModel, table=True):
    """A schema that events of one sort share."""

    __tablename__ = "event_types"
    __table_args__ = (sa.UniqueConstraint("branch_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id")
    branch_id: str = reference("plan_branches.id")
    name: str = Field(max_length=255)
    display_name: str = Field(max_length=255)
    description: str = text_field()
    color: str = Field(default="#6366f1", max_length=16)
    order: int = 0
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class Event(SQLModel, table=True):
    """One event of the plan. `source_name` is the identity that scans match on and survives a rename."""

    __tablename__ = "events"
    __table_args__ = (
        sa.UniqueConstraint("branch_id", "event_type_id", "name"),
        sa.UniqueConstraint("branch_id", "event_type_id", "source_name"),
        sa.Index("ix_events_branch_order", "branch_id", "order"),
    )

    id: str = id_field()
    project_id: str = reference("projects.id")
    branch_id: str = reference("plan_branches.id", index=False)
    event_type_id: str = reference("event_types.id")
    name: str = Field(max_length=500)
    source_name: str | None = Field(default=None, max_length=500)
    description: str = text_field()
    order: int = 0
    status: str = Field(default="draft", max_length=32)
    reviewed: bool = False
    sunset_at: datetime | None = moment_field(nullable=True)
    last_seen_at: datetime | None = moment_field(nullable=True)
    owner_id: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    metric_breakdown_columns: list[str] = json_field(list)
    origin_id: str | None = Field(default=None, max_length=36)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()
