"""Routes of the retention: bounds, the newest pass, and a pass at once. Owners only."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.http import Caller, Db, WaitingOwner
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.preferences import service as preferences
from app.preferences.shapes import Days
from app.retention import service
from app.retention.contracts import Kind, RetentionView, RunStatus, RunView

router = APIRouter(tags=["retention"])

RETENTION = "/api/v1/retention"


class RetentionRunResponse(BaseModel):
    """One pass: how many rows it removed by kind, and why a kind could not be pruned."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: RunStatus
    is_manual: bool
    removed: dict[str, int]
    errors: dict[str, str]
    started_at: datetime
    finished_at: datetime | None


class RetentionResponse(BaseModel):
    """Days by kind, 0 for no bound of its own; `most_days` holds for everything in the event store."""

    days: dict[Kind, int]
    most_days: int
    last_run: RetentionRunResponse | None
    is_requested: bool


class RetentionUpdate(BaseModel):
    """Days of the kinds that change."""

    days: dict[Kind, Days] = Field(default_factory=dict)


@router.get(RETENTION, operation_id="get_retention")
def get_retention(session: Db, actor: Caller) -> RetentionResponse:
    """How long each kind is kept, and what the newest pass removed. Owners."""
    return _answer(service.get_retention(session, actor))


@router.put(RETENTION, operation_id="put_retention")
def put_retention(body: RetentionUpdate, actor: WaitingOwner) -> RetentionResponse:
    """Change the kinds that are sent; the next pass removes what is older. Owners."""
    with session_scope() as session:
        view = service.change_retention(session, actor, body.days, SYSTEM_CLOCK.now())
    with session_scope(write=False) as session:
        preferences.refresh(session)
    return _answer(view)


@router.post(RETENTION + "/runs", operation_id="request_retention_run", status_code=202)
def request_retention_run(session: Db, actor: Caller) -> RetentionRunResponse:
    """Have a pass made at once. Owners."""
    return _run(service.request_run(session, actor, SYSTEM_CLOCK.now()))


def _answer(view: RetentionView) -> RetentionResponse:
    return RetentionResponse(
        days={bound.kind: bound.days for bound in view.bounds},
        most_days=view.most_days,
        last_run=None if view.last_run is None else _run(view.last_run),
        is_requested=view.is_requested,
    )


def _run(view: RunView) -> RetentionRunResponse:
    return RetentionRunResponse.model_validate(view)
