"""How a member is told about what they own, and who works on what was told."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, moment_field, reference, updated_field


class AlertContact(SQLModel, table=True):
    """Where a member is told about the events they own in a project: at one of its destinations, or by mail."""

    __tablename__ = "alert_contacts"

    project_id: str = Field(sa_column=sa.Column(sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    user_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True))
    destination_id: str | None = reference("alert_destinations.id", nullable=True, index=False, on_delete="SET NULL")
    email: str | None = Field(default=None, max_length=320)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class AlertAssignment(SQLModel, table=True):
    """The member who works on a correlation group; a group without a row is nobody's."""

    __tablename__ = "alert_assignments"

    project_id: str = Field(sa_column=sa.Column(sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    correlation_group_id: str = Field(primary_key=True, max_length=36)
    user_id: str = reference("users.id")
    assigned_at: datetime = moment_field()
