"""Routes of verdicts on incidents, of the tuning of single series and of planned events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from app.detection import feedback, planned
from app.detection.contracts import Direction
from app.detection.detectors import Detector
from app.detection.feedback import Verdict, VerdictKind
from app.http import PROJECT, Caller, Db
from app.metrics.contracts import ScopeType, SeriesKey
from app.plan.shapes.value_types import Id, Moment
from models.detection import PlannedEvent

router = APIRouter(tags=["detection"])


class ScopeBody(BaseModel):
    """The series that is meant: its scan, and the scan itself, an event type or an event."""

    scan_config_id: Id
    scope_type: ScopeType
    scope_ref: Id

    @property
    def key(self) -> SeriesKey:
        """The same as other areas name it."""
        return SeriesKey(str(self.scan_config_id), self.scope_type, str(self.scope_ref))


class VerdictCreate(ScopeBody):
    """What an incident was; its times are its first and last bucket."""

    direction: Direction
    started_at: Moment
    ended_at: Moment
    verdict: VerdictKind
    note: str = Field("", max_length=feedback.LONGEST_NOTE)


class VerdictResponse(BaseModel):
    """A verdict; one that was taken back says when."""

    id: str
    scan_config_id: str
    scope_type: ScopeType
    scope_ref: str
    direction: Direction
    started_at: datetime
    ended_at: datetime
    verdict: VerdictKind
    note: str
    created_by_name: str
    created_at: datetime
    undone_at: datetime | None


class ScopeTuningUpdate(ScopeBody):
    """What a series is judged with; null takes the project's setting."""

    detector: Detector = Detector.BASELINE
    sigma_threshold: float | None = Field(None, ge=0.1, le=40, allow_inf_nan=False)
    min_expected_count: int | None = Field(None, ge=0, le=2_000_000_000)


class ScopeTuningResponse(BaseModel):
    """What a series is judged with beyond its project's settings."""

    detector: Detector
    sigma_threshold: float | None
    min_expected_count: int | None
    false_positive_count: int


class DetectorScoreResponse(BaseModel):
    """How one detector did on known departures."""

    detector: Detector
    injected_count: int
    found_count: int
    false_alarm_count: int
    precision: float
    recall: float
    delay_buckets: float | None
    alarms_per_week: float


class PlannedEventCreate(BaseModel):
    """A window whose departures are expected; without a scope those of every series."""

    name: str = Field(min_length=1, max_length=planned.LONGEST_NAME)
    note: str = Field("", max_length=planned.LONGEST_NOTE)
    starts_at: Moment
    ends_at: Moment
    scope_type: ScopeType | None = None
    scope_ref: Id | None = None


class PlannedEventResponse(BaseModel):
    """A planned event."""

    id: str
    name: str
    note: str
    starts_at: datetime
    ends_at: datetime
    scope_type: ScopeType | None
    scope_ref: str | None
    created_at: datetime


def _verdict(found: Verdict) -> VerdictResponse:
    return VerdictResponse(
        id=found.id,
        scan_config_id=found.key.scan_config_id,
        scope_type=found.key.scope_type,
        scope_ref=found.key.ref,
        direction=found.direction,
        started_at=found.started_at,
        ended_at=found.ended_at,
        verdict=found.kind,
        note=found.note,
        created_by_name=found.created_by_name,
        created_at=found.created_at,
        undone_at=found.undone_at,
    )


@router.get(PROJECT + "/signal-verdicts", operation_id="list_signal_verdicts")
def list_signal_verdicts(
    slug: str,
    session: Db,
    actor: Caller,
    scope_type: ScopeType | None = None,
    scope_ref: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=feedback.LARGEST_PAGE)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[VerdictResponse]:
    """Verdicts, newest first, those taken back too."""
    ref = None if scope_ref is None else str(scope_ref)
    found = feedback.list_verdicts(session, actor, slug, scope_type=scope_type, scope_ref=ref, limit=limit, offset=offset)
    return [_verdict(one) for one in found]


@router.post(PROJECT + "/signal-verdicts", operation_id="create_signal_verdict", status_code=201)
def create_signal_verdict(slug: str, body: VerdictCreate, session: Db, actor: Caller) -> VerdictResponse:
    """Say what an incident was; a false positive makes this series, and no other, less sensitive, an expected one goes
    untold."""
    made = feedback.record_verdict(
        session, actor, slug, body.key, body.direction, body.started_at, body.ended_at, body.verdict, body.note
    )
    return _verdict(made)


@router.post(PROJECT + "/signal-verdicts/{verdict_id}/undo", operation_id="undo_signal_verdict")
def undo_signal_verdict(slug: str, verdict_id: UUID, session: Db, actor: Caller) -> VerdictResponse:
    """Take a verdict and its effect back."""
    return _verdict(feedback.undo_verdict(session, actor, slug, str(verdict_id)))


@router.put(PROJECT + "/scope-tunings", operation_id="tune_scope")
def tune_scope(slug: str, body: ScopeTuningUpdate, session: Db, actor: Caller) -> ScopeTuningResponse:
    """Judge one series by its own detector and limits."""
    rules = feedback.tune_scope(
        session,
        actor,
        slug,
        body.key,
        detector=body.detector,
        sigma_threshold=body.sigma_threshold,
        min_expected_count=body.min_expected_count,
    )
    return ScopeTuningResponse.model_validate(rules, from_attributes=True)


@router.get(PROJECT + "/detector-comparison", operation_id="compare_detectors")
def compare_detectors(
    slug: str, session: Db, actor: Caller, scan_config_id: UUID, scope_type: ScopeType, scope_ref: UUID
) -> list[DetectorScoreResponse]:
    """How each detector does on known departures put into the series' own history; nothing for a short one."""
    key = SeriesKey(str(scan_config_id), scope_type, str(scope_ref))
    found = feedback.compare_detectors(session, actor, slug, key)
    return [DetectorScoreResponse.model_validate(one, from_attributes=True) for one in found]


@router.get(PROJECT + "/planned-events", operation_id="list_planned_events")
def list_planned_events(slug: str, session: Db, actor: Caller) -> list[PlannedEventResponse]:
    """Planned events, newest start first."""
    return [_planned(row) for row in planned.planned_windows(session, actor, slug)]


@router.post(PROJECT + "/planned-events", operation_id="create_planned_event", status_code=201)
def create_planned_event(slug: str, body: PlannedEventCreate, session: Db, actor: Caller) -> PlannedEventResponse:
    """Say that departures in a window are expected: they are shown as such, and nobody is alerted about them."""
    ref = None if body.scope_ref is None else str(body.scope_ref)
    row = planned.plan_window(
        session, actor, slug, body.name, body.starts_at, body.ends_at, note=body.note, scope_type=body.scope_type, scope_ref=ref
    )
    return _planned(row)


@router.delete(PROJECT + "/planned-events/{planned_event_id}", operation_id="delete_planned_event", status_code=204)
def delete_planned_event(slug: str, planned_event_id: UUID, session: Db, actor: Caller) -> Response:
    """Remove a planned event."""
    planned.drop_window(session, actor, slug, str(planned_event_id))
    return Response(status_code=204)


def _planned(row: PlannedEvent) -> PlannedEventResponse:
    return PlannedEventResponse.model_validate(row, from_attributes=True)
