"""Scan configs and jobs as pages, routes and jobs see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.kernel.intervals import Interval
from app.scans.groups import GroupRule


class JobStatus(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_live(self) -> bool:
        """Whether the job waits or runs."""
        return self in (JobStatus.PENDING, JobStatus.RUNNING)


LIVE_STATUSES = (JobStatus.PENDING.value, JobStatus.RUNNING.value)


class JobMode(StrEnum):
    """What a job's summary carries as `mode`; a scan that a person starts carries none (contract 5.1)."""

    COLLECTION = "metrics_collection"
    REPLAY = "metrics_replay"
    GROUPING = "event_groups_apply"

    @classmethod
    def is_of_collection(cls, summary: Mapping[str, object]) -> bool:
        """Whether a job with that summary collected what is due, on schedule or because a person started it."""
        return summary.get("mode") not in (cls.REPLAY, cls.GROUPING)


# A collection's summary says with these what it wants to look at once more, and since when.
SECOND_LOOK_KEYS = ("look_again_from", "look_again_since")


class LookKind(StrEnum):
    """What a look shows: rows of a query, or what a scan would create."""

    PREVIEW = "preview"
    DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True)
class ScanConfigView:
    """A scan config. `collected_until` is the end of the newest collected bucket."""

    id: str
    project_id: str
    data_source_id: str
    data_source_name: str
    is_builtin: bool
    event_type_id: str | None
    name: str
    base_query: str
    event_type_column: str | None
    time_column: str | None
    event_name_format: str | None
    json_value_paths: tuple[str, ...]
    event_group_rules: tuple[GroupRule, ...]
    metric_breakdown_columns: tuple[str, ...]
    metric_breakdown_values_limit: int | None
    distribution_drift_fields: tuple[str, ...]
    cardinality_threshold: int
    interval: Interval | None
    replay_chunk_interval: Interval | None
    scan_lookback_hours: int | None
    scan_row_limit: int | None
    metrics_row_limit: int | None
    app_version_column: str | None
    app_version_keep_releases: int | None
    is_paused: bool
    collected_until: datetime | None
    received_until: datetime | None
    consecutive_failures: int
    next_attempt_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_schedulable(self) -> bool:
        """Whether the scheduler collects it by itself."""
        return self.interval is not None and bool(self.time_column)


@dataclass(frozen=True, slots=True)
class ScanJobView:
    """One run. `mode` is None for a scan that a person started; `progress_percent` is 0 to 100."""

    id: str
    project_id: str
    scan_config_id: str
    status: JobStatus
    mode: str | None
    progress_percent: int
    progress_phase: str
    result_summary: dict[str, object]
    error_message: str | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LookView:
    """A preview or a dry run. `result_summary` is None until it is completed."""

    id: str
    project_id: str
    kind: LookKind
    status: JobStatus
    started_at: datetime | None
    completed_at: datetime | None
    result_summary: dict[str, object] | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime


class ScanFailure(Exception):
    """A run cannot go on, for a reason its owner may read: short, no SQL, no stack (contract 5.1)."""
