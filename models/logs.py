"""Thresholds of the log API, kept by adding rows, and what is known of its data sources."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, json_field, moment_field, reference, updated_field


class LogThreshold(SQLModel, table=True):
    """One row of `log_anomaly_thresholds`; the row in force is the one with the greatest `updated_at`, then the greatest id."""

    __tablename__ = "log_thresholds"
    __table_args__ = (sa.Index("ix_log_thresholds_project_key", "project_id", "service", "severity", "updated_at"),)

    id: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    )
    project_id: str = reference("projects.id", index=False)
    service: str = Field(max_length=500)
    severity: str = Field(max_length=200)
    threshold_per_minute: float
    active: bool
    updated_at: datetime = moment_field()


class LogDataSource(SQLModel, table=True):
    """A data source that a client made, or a built-in one that was emptied; rows received up to `emptied_at` are not shown."""

    __tablename__ = "log_data_sources"
    __table_args__ = (sa.UniqueConstraint("project_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    name: str = Field(max_length=64)
    columns: list[list[str]] = json_field(list)
    emptied_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()
