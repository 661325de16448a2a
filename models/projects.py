"""Projects: one tracking plan each."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, moment_field, reference, text_field, updated_field


class Project(SQLModel, table=True):
    """A tracking plan with its metrics and alerts, addressed by slug."""

    __tablename__ = "projects"

    id: str = id_field()
    tenant_id: str = reference("tenants.id")
    name: str = Field(max_length=255)
    slug: str = Field(max_length=255, unique=True)
    description: str = text_field()
    is_demo: bool = False
    generation_status: str = Field(default="ready", max_length=16)
    generation_stage: str = Field(default="", max_length=200)
    generation_percent: int = 100
    generation_error: str | None = Field(default=None, max_length=500)
    created_by: str | None = reference("users.id", nullable=True, on_delete="SET NULL")
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class ProjectRemoval(SQLModel, table=True):
    """A deleted project whose records may still be in the event store; the row goes when they are gone for certain."""

    __tablename__ = "project_removals"

    project_id: str = Field(primary_key=True, max_length=36)
    tenant_id: str = Field(max_length=64)
    slug: str = Field(max_length=255)
    requested_at: datetime = moment_field(index=True)
    attempted_at: datetime | None = moment_field(nullable=True)
    last_error: str | None = Field(default=None, max_length=500)
