"""Counts per bucket and which buckets were collected."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime


def _config_key() -> sa.Column[str]:
    return sa.Column(sa.String(36), sa.ForeignKey("scan_configs.id", ondelete="CASCADE"), primary_key=True)


class MetricBucket(SQLModel, table=True):
    """Observed count of one scope in one bucket. The project total is the sum over the config's event-type rows."""

    __tablename__ = "metric_buckets"
    __table_args__ = (
        # Windows are deleted, totalled and ranked by time, without a look at the rows themselves: the index holds the counts.
        # Single series are read through the primary key.
        sa.Index("ix_metric_buckets_config_scope_bucket", "scan_config_id", "scope_type", "bucket", "count"),
        {"sqlite_with_rowid": False},
    )

    scan_config_id: str = Field(sa_column=_config_key())
    scope_type: str = Field(primary_key=True, max_length=16)
    scope_ref: str = Field(primary_key=True, max_length=36)
    bucket: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))


class MetricDay(SQLModel, table=True):
    """One event's buckets that start on one UTC day, packed; to be believed only where the day has a `MetricSummedDay`.

    `counts` has a count for each bucket that the mark names, `count` is their sum.
    """

    __tablename__ = "metric_days"
    __table_args__ = (
        # Days are replaced by time; a chart reads the days of an event through the primary key.
        sa.Index("ix_metric_days_config_day", "scan_config_id", "day"),
        {"sqlite_with_rowid": False},
    )

    scan_config_id: str = Field(sa_column=_config_key())
    event_id: str = Field(primary_key=True, max_length=36)
    day: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    counts: bytes = Field(sa_column=sa.Column(sa.LargeBinary(), nullable=False))


class MetricSummedDay(SQLModel, table=True):
    """A UTC day whose rows in `MetricDay` say what the buckets say. Any other day is read from the buckets.

    `buckets` are those in which any event was counted, in seconds since 1970. `events`, `totals` and `counts` repeat the rows of
    all events side by side, for rankings of all of them; `counts`, event by event, is the longest and comes last.
    """

    # With SQLite's row numbers, unlike the other tables: without them the whole row is read to find it, megabytes included.
    __tablename__ = "metric_summed_days"

    scan_config_id: str = Field(sa_column=_config_key())
    day: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    buckets: bytes = Field(sa_column=sa.Column(sa.LargeBinary(), nullable=False))
    events: str = Field(sa_column=sa.Column(sa.Text(), nullable=False))
    totals: bytes = Field(sa_column=sa.Column(sa.LargeBinary(), nullable=False))
    counts: bytes = Field(sa_column=sa.Column(sa.LargeBinary(), nullable=False))


class MetricCoverage(SQLModel, table=True):
    """A bucket that a completed run covered; without a row here a missing count is unknown, not zero."""

    __tablename__ = "metric_coverage"
    __table_args__ = {"sqlite_with_rowid": False}

    scan_config_id: str = Field(sa_column=_config_key())
    bucket: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    total_count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    matched_count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))


class MetricBreakdown(SQLModel, table=True):
    """Observed count of one event, one event type or all types together in one bucket, for one value of a breakdown column.

    The project total is stored beside the types it sums up, so that a chart of it reads no more than one of an event. Rows of
    the config's app version column are app version counts. Only `is_other` tells the folded rest from a genuine value "Other";
    null is the empty value. Coverage is that of the config.
    """

    __tablename__ = "metric_breakdowns"
    __table_args__ = (
        # Windows are deleted by time; a scope's series of one column are read through the primary key.
        sa.Index("ix_metric_breakdowns_config_bucket", "scan_config_id", "bucket"),
        {"sqlite_with_rowid": False},
    )

    scan_config_id: str = Field(sa_column=_config_key())
    scope_type: str = Field(primary_key=True, max_length=16)
    scope_ref: str = Field(primary_key=True, max_length=36)
    breakdown_column: str = Field(primary_key=True, max_length=255)
    breakdown_value: str = Field(primary_key=True, max_length=255)
    is_other: bool = Field(primary_key=True)
    bucket: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))


class MetricDistribution(SQLModel, table=True):
    """Observed count of one value of a watched field in one bucket and event type; all events are the sum over the types."""

    __tablename__ = "metric_distributions"
    __table_args__ = (
        sa.Index("ix_metric_distributions_config_bucket", "scan_config_id", "bucket"),
        {"sqlite_with_rowid": False},
    )

    scan_config_id: str = Field(sa_column=_config_key())
    event_type_id: str = Field(primary_key=True, max_length=36)
    field_name: str = Field(primary_key=True, max_length=255)
    value: str = Field(primary_key=True, max_length=255)
    bucket: datetime = Field(sa_column=sa.Column(UtcDateTime(), primary_key=True))
    count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
