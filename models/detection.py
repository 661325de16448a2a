"""What detection is told and what it found."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
from models.base import created_field, id_field, json_field, moment_field, reference, updated_field


class AnomalySettings(SQLModel, table=True):
    """A project's detection settings."""

    __tablename__ = "anomaly_settings"

    id: str = id_field()
    project_id: str = Field(
        sa_column=sa.Column(sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, unique=True)
    )
    anomaly_detection_enabled: bool = False
    detect_project_total: bool = True
    detect_event_types: bool = True
    detect_events: bool = True
    baseline_window_buckets: int = 14
    min_history_buckets: int = 7
    sigma_threshold: float = 3.0
    min_expected_count: int = 10
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class Anomaly(SQLModel, table=True):
    """A bucket of one series that departs from its baseline.

    A contiguous run of zeros is one row at its first abnormal bucket; `last_bucket` is then the run's last abnormal one, in
    all other rows it equals `bucket`. `bucket_seconds` is the width of the buckets.
    """

    __tablename__ = "anomalies"
    __table_args__ = (
        sa.UniqueConstraint("scan_config_id", "scope_type", "scope_ref", "bucket"),
        sa.Index("ix_anomalies_project_bucket", "project_id", "bucket"),
    )

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    scan_config_id: str = reference("scan_configs.id", index=False)
    scope_type: str = Field(max_length=16)
    scope_ref: str = Field(max_length=36)
    bucket: datetime = moment_field()
    last_bucket: datetime = moment_field()
    bucket_seconds: int
    direction: str = Field(max_length=8)
    actual_count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    expected_count: float
    stddev: float
    z_score: float
    created_at: datetime = created_field()


class SeriesEvaluation(SQLModel, table=True):
    """How the newest evaluation of a series ended: ok, anomaly, or unknown with the reason."""

    __tablename__ = "series_evaluations"

    scan_config_id: str = Field(
        sa_column=sa.Column(sa.String(36), sa.ForeignKey("scan_configs.id", ondelete="CASCADE"), primary_key=True)
    )
    scope_type: str = Field(primary_key=True, max_length=16)
    scope_ref: str = Field(primary_key=True, max_length=36)
    outcome: str = Field(max_length=16)
    reason: str = Field(default="", max_length=200)
    bucket: datetime = Field(sa_column=sa.Column(UtcDateTime(), nullable=False))
    evaluated_at: datetime = moment_field()


class ScopeTuning(SQLModel, table=True):
    """What one series of a scan is judged with instead of its project's settings; null keeps the project's."""

    __tablename__ = "scope_tunings"
    __table_args__ = (sa.UniqueConstraint("scan_config_id", "scope_type", "scope_ref"),)

    id: str = id_field()
    project_id: str = reference("projects.id")
    scan_config_id: str = reference("scan_configs.id", index=False)
    scope_type: str = Field(max_length=16)
    scope_ref: str = Field(max_length=36)
    detector: str = Field(default="baseline", max_length=16)
    sigma_threshold: float | None = None
    min_expected_count: int | None = None
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class SignalVerdict(SQLModel, table=True):
    """What a person said about an incident of one series, from its first to its last bucket.

    Verdicts are never changed or deleted: undoing one notes who did and when, and takes its effect on the series away.
    """

    __tablename__ = "signal_verdicts"
    __table_args__ = (sa.Index("ix_signal_verdicts_scope", "scan_config_id", "scope_type", "scope_ref"),)

    id: str = id_field()
    project_id: str = reference("projects.id")
    scan_config_id: str = reference("scan_configs.id", index=False)
    scope_type: str = Field(max_length=16)
    scope_ref: str = Field(max_length=36)
    direction: str = Field(max_length=8)
    started_at: datetime = moment_field()
    ended_at: datetime = moment_field()
    verdict: str = Field(max_length=16)
    note: str = Field(default="", max_length=1000)
    created_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    created_by_name: str = Field(default="", max_length=255)
    created_at: datetime = created_field()
    undone_at: datetime | None = moment_field(nullable=True)
    undone_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")


class PlannedEvent(SQLModel, table=True):
    """A window [starts_at, ends_at) in which departures are expected: a campaign, a migration, a load test."""

    __tablename__ = "planned_events"
    __table_args__ = (sa.Index("ix_planned_events_project_start", "project_id", "starts_at"),)

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    name: str = Field(max_length=200)
    note: str = Field(default="", max_length=1000)
    starts_at: datetime = moment_field()
    ends_at: datetime = moment_field()
    # Null means every series of the project.
    scope_type: str | None = Field(default=None, max_length=16)
    scope_ref: str | None = Field(default=None, max_length=36)
    created_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    created_at: datetime = created_field()


# At most one bake-off of a series is under way at any time; the index holds even when two people ask at once.
_LIVE = "status IN ('pending', 'running')"


class Bakeoff(SQLModel, table=True):
    """A comparison of detectors on one series; its row is where progress and result live.

    A running one belongs to `claimed_by` for as long as `heartbeat_at` is fresh. `adopted` is the choice that was adopted from it.
    """

    __tablename__ = "bakeoffs"
    __table_args__ = (
        sa.Index("ix_bakeoffs_project_created", "project_id", "created_at"),
        sa.Index(
            "ux_bakeoffs_live_series",
            "scan_config_id",
            "scope_type",
            "scope_ref",
            unique=True,
            sqlite_where=sa.text(_LIVE),
            postgresql_where=sa.text(_LIVE),
        ),
    )

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    scan_config_id: str = reference("scan_configs.id", index=False)
    scope_type: str = Field(max_length=16)
    scope_ref: str = Field(max_length=36)
    status: str = Field(default="pending", max_length=16, index=True)
    progress_percent: int = 0
    progress_phase: str = Field(default="", max_length=200)
    result: dict[str, object] = json_field(dict)
    error_message: str | None = Field(default=None, max_length=1000)
    adopted: str | None = Field(default=None, max_length=64)
    adopted_at: datetime | None = moment_field(nullable=True)
    requested_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    claimed_by: str | None = Field(default=None, max_length=100)
    started_at: datetime | None = moment_field(nullable=True)
    heartbeat_at: datetime | None = moment_field(nullable=True)
    completed_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()
