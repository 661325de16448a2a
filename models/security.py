"""Alerts of the security surface and the web origins its keys may be used from."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, json_field, moment_field, reference, text_field, updated_field


class SecurityAlert(SQLModel, table=True):
    """One incident; `open_key` is set while further events of the same kind count into it."""

    __tablename__ = "security_alerts"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "open_key"),
        sa.Index("ix_security_alerts_project_created", "project_id", "created_at"),
    )

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    open_key: str | None = Field(default=None, max_length=64)
    alert_type: str = Field(max_length=32)
    severity: str = Field(max_length=16)
    status: str = Field(default="open", max_length=16)
    title: str = Field(max_length=255)
    description: str = text_field()
    source_ip: str | None = Field(default=None, max_length=45)
    actor_id: str | None = Field(default=None, max_length=320)
    trigger_event_id: str = Field(max_length=36)
    event_ids: list[str] = json_field(list)
    occurrences: int = 1
    network: dict[str, object] = json_field(dict)
    location: dict[str, object] = json_field(dict)
    details: dict[str, object] = json_field(dict)
    last_event_at: datetime = moment_field()
    resolved_at: datetime | None = moment_field(nullable=True)
    resolved_by: str | None = Field(default=None, max_length=255)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class SecurityOrigin(SQLModel, table=True):
    """A web origin, exact or `https://*.domain`, from which browsers may use the project's security keys."""

    __tablename__ = "security_origins"
    __table_args__ = (sa.UniqueConstraint("project_id", "origin"),)

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    origin: str = Field(max_length=300)
    created_at: datetime = created_field()


class SecurityDelivery(SQLModel, table=True):
    """The id of a webhook's entry that was taken in, so that a repeated delivery stores nothing."""

    __tablename__ = "security_deliveries"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    delivery_id: str = Field(max_length=200, primary_key=True)
    received_at: datetime = moment_field()
