"""Projects as pages, routes and other areas see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.detection.contracts import Signal


class GenerationStatus(StrEnum):
    """How far the filling of a demo project has got; an ordinary project is ready from the start."""

    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project. `tenant_id` and `id` lead to its records in the event store."""

    id: str
    tenant_id: str
    name: str
    slug: str
    description: str
    is_demo: bool
    generation_status: GenerationStatus
    generation_stage: str
    generation_percent: int
    generation_error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LatestScanJob:
    """The project's newest scan job."""

    id: str
    scan_config_id: str
    scan_name: str
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    result_summary: Mapping[str, object] | None
    error_message: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """Figures of the main branch. Active means not archived; a significant signal departs by half of what is expected."""

    event_type_count: int = 0
    event_count: int = 0
    active_event_count: int = 0
    implemented_event_count: int = 0
    review_pending_event_count: int = 0
    archived_event_count: int = 0
    variable_count: int = 0
    scan_count: int = 0
    failing_scan_config_count: int = 0
    alert_destination_count: int = 0
    monitoring_signal_count: int = 0
    firing_monitor_count: int = 0
    latest_scan_job: LatestScanJob | None = None
    latest_signal: Signal | None = None


@dataclass(frozen=True, slots=True)
class SummarisedProject:
    """A project with its figures, as lists of projects show it."""

    project: ProjectView
    summary: ProjectSummary


class ActivityType(StrEnum):
    """What an entry of the activity feed is about."""

    ANOMALY = "anomaly"
    SCAN = "scan"
    ALERT = "alert"
    EVENT = "event"


class ActivitySeverity(StrEnum):
    """How much an entry of the activity feed deserves attention."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class ActivityItem:
    """One thing that happened. `target_path` is the page that shows it."""

    id: str
    project_id: str
    project_slug: str
    project_name: str
    type: ActivityType
    severity: ActivitySeverity
    title: str
    detail: str
    occurred_at: datetime
    target_path: str | None
