"""Anomalies of event streams and how far each stream was looked at."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, json_field, moment_field, text_field, updated_field


class StreamAnomaly(SQLModel, table=True):
    """One departure of a stream (tenant and service) from what is usual for it."""

    __tablename__ = "stream_anomalies"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "service", "window_end_id"),
        sa.Index("ix_stream_anomalies_of", "tenant_id", "timestamp"),
    )

    id: str = Field(primary_key=True, max_length=64)
    tenant_id: str = Field(max_length=64)
    project_id: str = Field(
        sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    service: str = Field(max_length=500)
    window_end_id: str = Field(max_length=128)
    timestamp: datetime = moment_field()
    severity: str = Field(max_length=16)
    status: str = Field(default="open", max_length=16)
    confidence: float
    type: str = Field(max_length=32)
    description: str = text_field()
    indicators: list[dict[str, object]] = json_field(list)
    evidence: dict[str, object] = json_field(dict)
    timeline: list[dict[str, object]] = json_field(list)
    feedback: list[dict[str, object]] = json_field(list)
    details: dict[str, object] = json_field(dict)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class StreamCursor(SQLModel, table=True):
    """The newest event of a stream that was looked at, and the anomaly it belongs to when its window was one."""

    __tablename__ = "stream_cursors"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    service: str = Field(primary_key=True, max_length=500)
    received_at: datetime = moment_field()
    event_time: datetime = moment_field()
    event_id: str = Field(max_length=128)
    anomaly_id: str | None = Field(default=None, max_length=64)


class StreamSettings(SQLModel, table=True):
    """How a project's streams are looked at; without a row as shipped. Sizes count events."""

    __tablename__ = "stream_settings"

    project_id: str = Field(sa_column=sa.Column(sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    baseline_size: int
    window_size: int
    hop_size: int
    p_value: float
    effect: float
    updated_at: datetime = updated_field()
