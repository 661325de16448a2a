"""Bodies about fire drills."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from app.alerting.drills import STAGES, DrillInterval, DrillOutcome, DrillRunView, DrillSettings, DrillStage
from app.kernel.pagination import Page


class FireDrillRequest(BaseModel):
    """How a project's drill is to be set up."""

    enabled: bool = False
    destination_id: UUID | None = None
    backup_destination_id: UUID | None = None
    interval: DrillInterval = DrillInterval.DAILY

    def settings(self) -> DrillSettings:
        """The settings as the service takes them."""
        return DrillSettings(self.enabled, _text(self.destination_id), _text(self.backup_destination_id), self.interval)


class FireDrillResponse(BaseModel):
    """How a project's drill is set up."""

    enabled: bool
    destination_id: str | None
    backup_destination_id: str | None
    interval: DrillInterval
    next_run_at: datetime | None


class DrillStageResponse(BaseModel):
    """When the canary passed a stage; without moments it did not get there."""

    stage: DrillStage
    passed_at: datetime | None
    seconds: Annotated[float | None, Field(description="From the end of the stage before")]


class FireDrillRunResponse(BaseModel):
    """One drill."""

    id: str
    is_manual: bool
    outcome: DrillOutcome
    failed_stage: DrillStage | None
    detail: str
    started_at: datetime
    finished_at: datetime | None
    total_seconds: float | None
    destination_name: str
    stages: list[DrillStageResponse]


class FireDrillRunListResponse(BaseModel):
    """Drills, newest first."""

    items: list[FireDrillRunResponse]
    total: int
    limit: int
    offset: int


def drill_response(found: DrillSettings) -> FireDrillResponse:
    """The wire form of the settings."""
    return FireDrillResponse(
        enabled=found.enabled,
        destination_id=found.destination_id,
        backup_destination_id=found.backup_destination_id,
        interval=found.interval,
        next_run_at=found.next_run_at,
    )


def run_response(found: DrillRunView) -> FireDrillRunResponse:
    """The wire form of a run."""
    return FireDrillRunResponse(
        id=found.id,
        is_manual=found.is_manual,
        outcome=found.outcome,
        failed_stage=found.failed_stage,
        detail=found.detail,
        started_at=found.started_at,
        finished_at=found.finished_at,
        total_seconds=found.total_seconds,
        destination_name=found.destination_name,
        stages=[
            DrillStageResponse(stage=stage, passed_at=found.passed_at.get(stage), seconds=found.seconds.get(stage))
            for stage in STAGES
        ],
    )


def runs_response(found: Page[DrillRunView]) -> FireDrillRunListResponse:
    """The wire form of a page of runs."""
    items = [run_response(one) for one in found.items]
    return FireDrillRunListResponse(items=items, total=found.total, limit=found.limit, offset=found.offset)


def _text(found: UUID | None) -> str | None:
    return None if found is None else str(found)
