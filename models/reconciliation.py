"""What data holds beyond the plan, and how counts of two paths compare."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
from models.base import created_field, id_field, moment_field, reference, updated_field


class ShadowEvent(SQLModel, table=True):
    """An identity that a scan counted and the plan does not have; seeing it again keeps what people decided."""

    __tablename__ = "shadow_events"
    __table_args__ = (
        sa.UniqueConstraint("scan_config_id", "event_type_name", "event_name"),
        sa.Index("ix_shadow_events_project_count", "project_id", "observed_count"),
    )

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    scan_config_id: str = reference("scan_configs.id", index=False)
    event_type_name: str = Field(max_length=255)
    event_name: str = Field(max_length=500)
    event_type_id: str | None = reference("event_types.id", nullable=True, on_delete="SET NULL")
    observed_count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    first_seen_at: datetime = moment_field()
    last_seen_at: datetime = moment_field()
    status: str = Field(default="new", max_length=16)
    accepted_event_id: str | None = reference("events.id", nullable=True, on_delete="SET NULL")
    decided_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    decided_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class LedgerSettings(SQLModel, table=True):
    """How long a project's warehouse may take before a difference counts as one."""

    __tablename__ = "ledger_settings"

    project_id: str = Field(sa_column=sa.Column(sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    settling_minutes: int = 60
    lateness_minutes: int = 15
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class LedgerFirstCount(SQLModel, table=True):
    """What a warehouse held of an event's hour when that hour was first counted, soon after it closed.

    The stored counts of a scan are overwritten when the hour is counted again; the first count is what tells late from lost. Rows
    of the built-in scan hold what had arrived here when the warehouse was last looked at.
    """

    __tablename__ = "ledger_first_counts"
    __table_args__ = {"sqlite_with_rowid": False}

    scan_config_id: str = Field(
        sa_column=sa.Column(sa.String(36), sa.ForeignKey("scan_configs.id", ondelete="CASCADE"), primary_key=True)
    )
    event_id: str = Field(sa_column=sa.Column(sa.String(36), sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True))
    hour: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    counted_at: datetime = moment_field()
