"""What detection is told and what it found."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
from models.base import created_field, id_field, moment_field, reference, updated_field


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
