"""Routes tagged anomaly-settings, and those of active signals (contract sections 6.1 and 6.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.detection import bakeoff_api, feedback_api, report_api, service
from app.detection.contracts import StoredSettings
from app.detection.shapes import MetricSignalResponse, signal_response
from app.detection.why import api as why_api
from app.http import PROJECT, Caller, Db

router = APIRouter()
# Flat: the edge reads every route's path.
for part in (report_api, feedback_api, why_api, bakeoff_api):
    router.routes.extend(part.router.routes)


class ProjectAnomalySettingsResponse(BaseModel):
    """A project's detection settings."""

    id: str
    project_id: str
    anomaly_detection_enabled: bool
    detect_project_total: bool
    detect_event_types: bool
    detect_events: bool
    baseline_window_buckets: int
    min_history_buckets: int
    sigma_threshold: float
    min_expected_count: int
    created_at: datetime
    updated_at: datetime


class ProjectAnomalySettingsUpdate(BaseModel):
    """What to change; absent and null leave a setting alone."""

    anomaly_detection_enabled: bool | None = None
    detect_project_total: bool | None = None
    detect_event_types: bool | None = None
    detect_events: bool | None = None
    baseline_window_buckets: int | None = Field(None, ge=1, le=10_000)
    min_history_buckets: int | None = Field(None, ge=1, le=10_000)
    sigma_threshold: float | None = Field(None, ge=0.1, allow_inf_nan=False)
    min_expected_count: int | None = Field(None, ge=0, le=2_000_000_000)


class ActiveSignalsQuery(BaseModel):
    """Which events' signals to add; none means no filter."""

    event_ids: list[UUID] = []


def settings_response(stored: StoredSettings) -> ProjectAnomalySettingsResponse:
    """Settings as the API shows them."""
    settings = stored.settings
    return ProjectAnomalySettingsResponse(
        id=stored.id,
        project_id=stored.project_id,
        anomaly_detection_enabled=settings.anomaly_detection_enabled,
        detect_project_total=settings.detect_project_total,
        detect_event_types=settings.detect_event_types,
        detect_events=settings.detect_events,
        baseline_window_buckets=settings.baseline_window_buckets,
        min_history_buckets=settings.min_history_buckets,
        sigma_threshold=settings.sigma_threshold,
        min_expected_count=settings.min_expected_count,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )


@router.get(PROJECT + "/anomaly-settings", operation_id="get_project_anomaly_settings", tags=["anomaly-settings"])
def get_project_anomaly_settings(slug: str, session: Db, actor: Caller) -> ProjectAnomalySettingsResponse:
    """The project's settings, defaults when nobody chose any."""
    return settings_response(service.get_stored_settings(session, actor, slug))


@router.patch(PROJECT + "/anomaly-settings", operation_id="update_project_anomaly_settings", tags=["anomaly-settings"])
def update_project_anomaly_settings(
    slug: str, body: ProjectAnomalySettingsUpdate, session: Db, actor: Caller
) -> ProjectAnomalySettingsResponse:
    """Change settings; switching detection off deletes what it found."""
    changes = body.model_dump(exclude_none=True)
    return settings_response(service.update_settings(session, actor, slug, changes))


@router.get(PROJECT + "/anomalies/signals", operation_id="get_active_signals", tags=["metrics"])
def get_active_signals(
    slug: str,
    session: Db,
    actor: Caller,
    event_id: Annotated[list[UUID] | None, Query(description="Also signals of these events")] = None,
    expanded: Annotated[bool, Query(description="All scopes, flat", include_in_schema=False)] = False,
) -> list[MetricSignalResponse]:
    """Active signals of totals and event types, and of the events named; newest bucket first."""
    found = service.list_signals(session, actor, slug, event_ids=[str(one) for one in event_id or ()], expanded=expanded)
    return [signal_response(signal) for signal in found]


@router.post(PROJECT + "/anomalies/signals/query", operation_id="query_active_signals", tags=["metrics"])
def query_active_signals(slug: str, body: ActiveSignalsQuery, session: Db, actor: Caller) -> list[MetricSignalResponse]:
    """The same with the events in the body, for lists too long for an address. Nothing is changed."""
    found = service.list_signals(session, actor, slug, event_ids=[str(one) for one in body.event_ids])
    return [signal_response(signal) for signal in found]
