"""Bodies of the routes tagged projects and activity, field by field as the contract has them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.detection.contracts import Direction, SignalState
from app.kernel.text import PlainText
from app.projects.contracts import ActivitySeverity, ActivityType, GenerationStatus, SummarisedProject
from app.projects.policy import SLUG_PATTERN
from app.scans.contracts import JobStatus


def _not_blank(value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise ValueError("The name must not be blank")
    return value


class SignalScope(StrEnum):
    """Everything a signal can be about, on the wire."""

    PROJECT_TOTAL = "project_total"
    EVENT_TYPE = "event_type"
    EVENT = "event"
    SCHEMA = "schema"
    DISTRIBUTION = "distribution"
    RELEASE_REGRESSION = "release_regression"


Name = Annotated[PlainText, Field(min_length=1, max_length=255), AfterValidator(_not_blank)]
Slug = Annotated[str, Field(min_length=1, max_length=255, pattern=SLUG_PATTERN)]


class ProjectCreate(BaseModel):
    """A project to make."""

    name: Name
    slug: Slug
    description: PlainText = ""


class ProjectUpdate(BaseModel):
    """What to change; an absent or null key leaves its value alone."""

    name: Name | None = None
    slug: Slug | None = None
    description: PlainText | None = None


class _Response(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ProjectLatestScanJob(_Response):
    """The newest scan job."""

    id: str
    scan_config_id: str
    scan_name: str
    status: JobStatus
    started_at: datetime | None
    completed_at: datetime | None
    result_summary: dict[str, object] | None
    error_message: str | None
    created_at: datetime


class ProjectLatestSignal(_Response):
    """The newest active signal."""

    scan_config_id: str
    scan_name: str
    scope_type: SignalScope
    scope_ref: str
    scope_name: str
    state: SignalState
    bucket: datetime
    actual_count: int
    expected_count: float
    z_score: float
    direction: Direction


class ProjectSummary(_Response):
    """Figures of the main branch."""

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
    latest_scan_job: ProjectLatestScanJob | None = None
    latest_signal: ProjectLatestSignal | None = None


class ProjectResponse(_Response):
    """A project with its figures."""

    id: str
    name: str
    slug: str
    description: str
    is_demo: bool
    generation_status: GenerationStatus
    generation_stage: str
    generation_error: str | None
    created_at: datetime
    updated_at: datetime
    summary: ProjectSummary


class ActivityItemResponse(_Response):
    """One entry of the activity feed."""

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


def project_response(entry: SummarisedProject) -> ProjectResponse:
    """The wire form of a project."""
    project = entry.project
    return ProjectResponse(
        id=project.id,
        name=project.name,
        slug=project.slug,
        description=project.description,
        is_demo=project.is_demo,
        generation_status=project.generation_status,
        generation_stage=project.generation_stage,
        generation_error=project.generation_error,
        created_at=project.created_at,
        updated_at=project.updated_at,
        summary=ProjectSummary.model_validate(entry.summary),
    )
