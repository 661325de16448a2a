"""Scan configs and jobs as pages, routes and jobs see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.kernel.intervals import Interval


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
    interval: Interval | None
    replay_chunk_interval: Interval | None
    metrics_row_limit: int | None
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


class ScanFailure(Exception):
    """A run cannot go on, for a reason its owner may read: short, no SQL, no stack (contract 5.1)."""
