"""Routes of bake-offs: detectors compared on one series in the background."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.detection import bakeoff
from app.detection.bakeoff import BakeoffStatus, BakeoffView
from app.detection.detectors import Detector
from app.detection.feedback_api import ScopeBody
from app.http import PROJECT, Caller, Db
from app.kernel.errors import InvalidInput
from app.metrics.contracts import ScopeType, SeriesKey

router = APIRouter(tags=["detection"])


class BakeoffCreate(ScopeBody):
    """The series to compare detectors on."""


class BakeoffResponse(BaseModel):
    """A bake-off. `result` is empty until it is completed: scores per contestant, the best one, and what the chart shows."""

    id: str
    scan_config_id: str
    scope_type: ScopeType
    scope_ref: str
    status: BakeoffStatus
    progress_percent: int
    progress_phase: str
    result: dict[str, Any]
    error_message: str | None
    adopted: str | None
    adopted_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime


class BakeoffAdopt(BaseModel):
    """The contestant to judge the series by."""

    detector: Detector
    sigma_threshold: float = Field(ge=0.1, le=40, allow_inf_nan=False)


def _response(view: BakeoffView) -> BakeoffResponse:
    return BakeoffResponse(
        id=view.id,
        scan_config_id=view.key.scan_config_id,
        scope_type=view.key.scope_type,
        scope_ref=view.key.ref,
        status=view.status,
        progress_percent=view.progress_percent,
        progress_phase=view.progress_phase,
        result=view.result,
        error_message=view.error_message,
        adopted=view.adopted,
        adopted_at=view.adopted_at,
        started_at=view.started_at,
        completed_at=view.completed_at,
        created_at=view.created_at,
    )


@router.get(PROJECT + "/bakeoffs", operation_id="list_bakeoffs")
def list_bakeoffs(
    slug: str,
    session: Db,
    actor: Caller,
    scan_config_id: UUID | None = None,
    scope_type: ScopeType | None = None,
    scope_ref: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=bakeoff.LARGEST_PAGE)] = 20,
) -> list[BakeoffResponse]:
    """Bake-offs, newest first; those of one series when scan, scope type and ref are all given."""
    named = (scan_config_id, scope_type, scope_ref)
    key = None
    if scan_config_id is not None and scope_type is not None and scope_ref is not None:
        key = SeriesKey(str(scan_config_id), scope_type, str(scope_ref))
    elif any(one is not None for one in named):
        raise InvalidInput("Give scan_config_id, scope_type and scope_ref together, or none of them", field="scope_ref")
    return [_response(view) for view in bakeoff.newest(session, actor, slug, key, limit=limit)]


@router.post(PROJECT + "/bakeoffs", operation_id="start_bakeoff", status_code=202)
def start_bakeoff(slug: str, body: BakeoffCreate, session: Db, actor: Caller) -> BakeoffResponse:
    """Compare the detectors on departures of known size put into the series' own history; one at a time per series."""
    return _response(bakeoff.start(session, actor, slug, body.key))


@router.get(PROJECT + "/bakeoffs/{bakeoff_id}", operation_id="get_bakeoff")
def get_bakeoff(slug: str, bakeoff_id: UUID, session: Db, actor: Caller) -> BakeoffResponse:
    """One bake-off with its progress or result."""
    return _response(bakeoff.get(session, actor, slug, str(bakeoff_id)))


@router.post(PROJECT + "/bakeoffs/{bakeoff_id}/cancel", operation_id="cancel_bakeoff")
def cancel_bakeoff(slug: str, bakeoff_id: UUID, session: Db, actor: Caller) -> BakeoffResponse:
    """End a bake-off that waits or runs."""
    return _response(bakeoff.cancel(session, actor, slug, str(bakeoff_id)))


@router.post(PROJECT + "/bakeoffs/{bakeoff_id}/adopt", operation_id="adopt_bakeoff")
def adopt_bakeoff(slug: str, bakeoff_id: UUID, body: BakeoffAdopt, session: Db, actor: Caller) -> BakeoffResponse:
    """Judge the series by one of the contestants from the next collection on."""
    view, _ = bakeoff.adopt(session, actor, slug, str(bakeoff_id), body.detector, body.sigma_threshold)
    return _response(view)
