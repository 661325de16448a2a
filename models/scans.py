"""Data sources, scan configs and the jobs that run them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, json_field, moment_field, reference, text_field, updated_field


class DataSource(SQLModel, table=True):
    """A warehouse the instance can read; the built-in event store is always one of them."""

    __tablename__ = "data_sources"

    id: str = id_field()
    name: str = Field(max_length=255, unique=True)
    db_type: str = Field(max_length=32)
    is_builtin: bool = False
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class ScanConfig(SQLModel, table=True):
    """What to read from a data source, how rows become events, and how often."""

    __tablename__ = "scan_configs"
    __table_args__ = (sa.UniqueConstraint("project_id", "data_source_id", "name"),)

    id: str = id_field()
    project_id: str = reference("projects.id")
    data_source_id: str = reference("data_sources.id")
    event_type_id: str | None = reference("event_types.id", nullable=True, on_delete="SET NULL")
    name: str = Field(max_length=255)
    base_query: str = text_field()
    event_type_column: str | None = Field(default=None, max_length=255)
    time_column: str | None = Field(default=None, max_length=255)
    event_name_format: str | None = Field(default=None, max_length=1000)
    interval: str | None = Field(default=None, max_length=8)
    replay_chunk_interval: str | None = Field(default=None, max_length=8)
    metrics_row_limit: int | None = None
    is_paused: bool = False
    collected_until: datetime | None = moment_field(nullable=True)
    received_until: datetime | None = moment_field(nullable=True)
    consecutive_failures: int = 0
    next_attempt_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


# At most one job of a config is under way at any time; the index holds even when two processes ask at once.
_LIVE = "status IN ('pending', 'running')"


class ScanJob(SQLModel, table=True):
    """One run of a scan config; its row is where progress lives."""

    __tablename__ = "scan_jobs"
    __table_args__ = (
        sa.Index("ix_scan_jobs_config_created", "scan_config_id", "created_at"),
        sa.Index(
            "ux_scan_jobs_live_config",
            "scan_config_id",
            unique=True,
            sqlite_where=sa.text(_LIVE),
            postgresql_where=sa.text(_LIVE),
        ),
    )

    id: str = id_field()
    project_id: str = reference("projects.id")
    scan_config_id: str = reference("scan_configs.id", index=False)
    status: str = Field(default="pending", max_length=16, index=True)
    requested_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    claimed_by: str | None = Field(default=None, max_length=100)
    progress_percent: int = 0
    progress_phase: str = Field(default="", max_length=200)
    result_summary: dict[str, object] = json_field(dict)
    error_message: str | None = Field(default=None, max_length=1000)
    started_at: datetime | None = moment_field(nullable=True)
    heartbeat_at: datetime | None = moment_field(nullable=True)
    completed_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class JobLease(SQLModel, table=True):
    """Who may run a named piece of background work, and until when."""

    __tablename__ = "job_leases"

    name: str = Field(primary_key=True, max_length=100)
    holder: str = Field(max_length=100)
    expires_at: datetime = moment_field()
