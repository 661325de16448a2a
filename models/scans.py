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
    host: str = Field(default="", max_length=500)
    port: int = 0
    database_name: str = Field(default="", max_length=255)
    username: str = text_field()
    sealed_password: str | None = text_field(None)
    timeout_seconds: int | None = None
    # Secret entries hold a mask here; their values are in `sealed_params`, a sealed JSON object.
    extra_params: dict[str, object] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True), nullable=True))
    sealed_params: str | None = text_field(None)
    last_test_at: datetime | None = moment_field(nullable=True)
    last_test_status: str | None = Field(default=None, max_length=16)
    last_test_message: str | None = Field(default=None, max_length=500)
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
    json_value_paths: list[str] = json_field(list)
    event_group_rules: list[dict[str, object]] = json_field(list)
    metric_breakdown_columns: list[str] = json_field(list)
    metric_breakdown_values_limit: int | None = None
    distribution_drift_fields: list[str] = json_field(list)
    cardinality_threshold: int = 100
    interval: str | None = Field(default=None, max_length=8)
    replay_chunk_interval: str | None = Field(default=None, max_length=8)
    scan_lookback_hours: int | None = None
    scan_row_limit: int | None = None
    metrics_row_limit: int | None = None
    app_version_column: str | None = Field(default=None, max_length=255)
    app_version_keep_releases: int | None = None
    # How the last catalog sync read the columns; counts of later windows and replays are named by it.
    naming: dict[str, object] = json_field(dict)
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


class ScanLook(SQLModel, table=True):
    """A look into a data source that somebody waits for: a preview, or a rehearsal of a scan that writes nothing."""

    __tablename__ = "scan_looks"

    id: str = id_field()
    project_id: str = reference("projects.id")
    data_source_id: str = reference("data_sources.id")
    kind: str = Field(max_length=16)
    status: str = Field(default="pending", max_length=16, index=True)
    request: dict[str, object] = json_field(dict)
    result_summary: dict[str, object] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True), nullable=True))
    error_message: str | None = Field(default=None, max_length=1000)
    requested_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    claimed_by: str | None = Field(default=None, max_length=100)
    started_at: datetime | None = moment_field(nullable=True)
    completed_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class JobLease(SQLModel, table=True):
    """Who may run a named piece of background work, and until when."""

    __tablename__ = "job_leases"

    name: str = Field(primary_key=True, max_length=100)
    holder: str = Field(max_length=100)
    expires_at: datetime = moment_field()
