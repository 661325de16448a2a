"""Where the data departs from what an event type declares."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import id_field, moment_field, reference, text_field


class SchemaDrift(SQLModel, table=True):
    """One departure of one column, with what people decided about it; detecting it again keeps the decision."""

    __tablename__ = "schema_drifts"
    __table_args__ = (sa.UniqueConstraint("event_type_id", "field_name", "drift_type"),)

    id: str = id_field()
    event_type_id: str = reference("event_types.id", index=False)
    scan_config_id: str | None = reference("scan_configs.id", nullable=True, on_delete="SET NULL")
    field_name: str = Field(max_length=255)
    drift_type: str = Field(max_length=32)
    observed_type: str | None = Field(default=None, max_length=128)
    declared_type: str | None = Field(default=None, max_length=128)
    sample_value: str | None = Field(default=None, max_length=255)
    status: str = Field(default="open", max_length=16)
    resolution_note: str | None = text_field(None)
    snoozed_until: datetime | None = moment_field(nullable=True)
    resolved_at: datetime | None = moment_field(nullable=True)
    resolved_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    detected_at: datetime = moment_field()
