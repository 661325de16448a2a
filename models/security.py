"""Alerts of the security surface, what raises them, and the web origins its keys may be used from."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
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
    """A webhook's entry that became an event, so that a repeated delivery stores nothing.

    Without `kept_at` it is claimed only: by a request that is under way, or by one that ended before it could tell that the event
    is durable.
    """

    __tablename__ = "security_deliveries"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    delivery_id: str = Field(max_length=200, primary_key=True)
    event_id: str = Field(max_length=36)
    received_at: datetime = moment_field()
    kept_at: datetime | None = Field(default=None, sa_column=sa.Column(UtcDateTime(), nullable=True))


class SecurityIncidentEvent(SQLModel, table=True):
    """An event that was counted into an incident, so that judging it again counts nothing."""

    __tablename__ = "security_incident_events"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    incident_key: str = Field(max_length=64, primary_key=True)
    event_id: str = Field(max_length=36, primary_key=True)
    alert_id: str = Field(max_length=36)
    happened_at: datetime = moment_field(index=True)


class SecurityJudgedBucket(SQLModel, table=True):
    """How many of the events that arrived in five minutes were judged; fewer than are stored means that some were missed."""

    __tablename__ = "security_judged_buckets"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    starts_at: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    events: int = 0


class SecurityThreatModel(SQLModel, table=True):
    """A rule of the project's own: events that count, a threshold within a window, and perhaps what must follow."""

    __tablename__ = "security_threat_models"
    __table_args__ = (sa.UniqueConstraint("project_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    name: str = Field(max_length=120)
    description: str = text_field()
    event_pattern: str = Field(max_length=100)
    conditions: dict[str, object] = json_field(dict)
    threshold: int = 1
    window_minutes: int = 60
    followed_by_pattern: str | None = Field(default=None, max_length=100)
    followed_by_conditions: dict[str, object] = json_field(dict)
    followed_by_window_minutes: int | None = None
    group_by: str = Field(default="any", max_length=8)
    severity: str = Field(default="medium", max_length=16)
    is_enabled: bool = True
    paused_reason: str | None = Field(default=None, max_length=500)
    created_by: str | None = reference("users.id", nullable=True, on_delete="SET NULL", index=False)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class SecurityActorScore(SQLModel, table=True):
    """How unusual an actor's day was; without a score the reason says why that is unknown."""

    __tablename__ = "security_actor_scores"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    day: date = Field(primary_key=True)
    actor_id: str = Field(max_length=320, primary_key=True)
    score: float | None = None
    is_unusual: bool = False
    contributions: list[dict[str, object]] = json_field(list)
    reason: str = Field(default="", max_length=200)
    alert_id: str | None = Field(default=None, max_length=36)
    scored_at: datetime = moment_field()
