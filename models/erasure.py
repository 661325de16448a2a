"""What was removed because it was old, and what was removed because it was somebody's."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, json_field, moment_field, reference, text_field, updated_field


class RetentionRun(SQLModel, table=True):
    """One pass over everything that has a bound. `removed` and `errors` are by kind; `status` is pending, running, completed,
    partial (the time was up) or failed."""

    __tablename__ = "retention_runs"

    id: str = id_field()
    status: str = Field(default="running", max_length=16)
    is_manual: bool = False
    removed: dict[str, int] = json_field(dict)
    errors: dict[str, str] = json_field(dict)
    started_at: datetime = moment_field(index=True)
    finished_at: datetime | None = moment_field(nullable=True)


class Erasure(SQLModel, table=True):
    """The removal of one person's records from a project. The user id stands here sealed and only until the work is done; what
    stays is its keyed hash. `status` is pending, running, completed or failed."""

    __tablename__ = "erasures"
    __table_args__ = (sa.Index("ix_erasures_project_created", "project_id", "created_at"),)

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    status: str = Field(default="pending", max_length=16, index=True)
    user_hash: str = Field(max_length=64)
    sealed_user_id: str | None = text_field(None)
    requested_by: str = Field(default="", max_length=320)
    requested_at: datetime = moment_field()
    phase: str = Field(default="", max_length=200)
    progress_percent: int = 0
    before: dict[str, int] = json_field(dict)
    error_message: str | None = Field(default=None, max_length=500)
    next_attempt_at: datetime | None = moment_field(nullable=True)
    claimed_by: str | None = Field(default=None, max_length=100)
    claimed_until: datetime | None = moment_field(nullable=True)
    certificate: str | None = text_field(None)
    completed_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()
