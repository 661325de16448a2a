"""Bake-offs as people use them: start one on a series, watch it, cancel it, adopt what did best."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.detection import bakeoff_repository as rows
from app.detection import feedback, tuning_repository
from app.detection.comparison import Contestant
from app.detection.detectors import Detector, ScopeRules
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.metrics.contracts import ScopeType, SeriesKey
from app.projects import service as projects
from models.detection import Bakeoff

LARGEST_PAGE = 100


class BakeoffStatus(StrEnum):
    """Where a bake-off stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_live(self) -> bool:
        """Whether it waits or runs."""
        return self in (BakeoffStatus.PENDING, BakeoffStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class BakeoffView:
    """A bake-off. `result` is empty until it is completed; `adopted` is the name of the contestant adopted from it."""

    id: str
    key: SeriesKey
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


def start(session: Session, actor: Actor, slug: str, key: SeriesKey) -> BakeoffView:
    """Queue a bake-off of the series. Editors and owners. Errors: NotFound, Conflict while one of the series waits or runs."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    feedback.check_scope(session, project.id, key)
    taken = "A bake-off of this series is under way"
    if rows.live_of(session, key) is not None:
        raise Conflict(taken)
    row = Bakeoff(
        project_id=project.id,
        scan_config_id=key.scan_config_id,
        scope_type=key.scope_type.value,
        scope_ref=key.ref,
        progress_phase="Waiting to start",
        requested_by=actor.user_id,
    )
    try:
        with session.begin_nested():
            rows.add(session, row)
    except IntegrityError:
        raise Conflict(taken) from None
    payload = {"scope_type": key.scope_type.value, "scope_ref": key.ref}
    identity.record_audit(session, actor, "bakeoff.start", "bakeoff", row.id, project_slug=slug, payload=payload)
    return view_of(row)


def get(session: Session, actor: Actor, slug: str, bakeoff_id: str) -> BakeoffView:
    """One bake-off of the project. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return view_of(_find(session, project.id, bakeoff_id))


def newest(session: Session, actor: Actor, slug: str, key: SeriesKey | None = None, *, limit: int = 20) -> list[BakeoffView]:
    """The project's bake-offs, or those of one series, newest first; `limit` is taken as at most 100. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return [view_of(row) for row in rows.newest(session, project.id, key, max(1, min(limit, LARGEST_PAGE)))]


def cancel(session: Session, actor: Actor, slug: str, bakeoff_id: str) -> BakeoffView:
    """End one that waits or runs; its worker stops at its next step and writes nothing. Editors and owners.

    Errors: NotFound, Conflict when it has ended.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = _find(session, project.id, bakeoff_id)
    values = {"status": BakeoffStatus.CANCELLED.value, "progress_phase": "Cancelled", "completed_at": SYSTEM_CLOCK.now()}
    is_live = BakeoffStatus(row.status).is_live
    if not is_live or not rows.change(session, row.id, row.status, row.claimed_by, **values):
        raise Conflict("Only a waiting or running bake-off can be cancelled")
    identity.record_audit(session, actor, "bakeoff.cancel", "bakeoff", bakeoff_id, project_slug=slug)
    return view_of(_find(session, project.id, bakeoff_id))


def adopt(
    session: Session, actor: Actor, slug: str, bakeoff_id: str, detector: Detector, sigma_threshold: float
) -> tuple[BakeoffView, ScopeRules]:
    """Judge the series by one of the contestants from the next collection on. Editors and owners.

    What else was tuned for the series stays. Errors: NotFound, Conflict unless the bake-off is completed, InvalidInput for a
    contestant that was not in it.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = _find(session, project.id, bakeoff_id)
    if row.status != BakeoffStatus.COMPLETED:
        raise Conflict("Only a completed bake-off has something to adopt")
    wanted = Contestant(detector, sigma_threshold)
    scores: Any = row.result.get("scores", [])
    if wanted.name not in {one["name"] for one in scores}:
        raise InvalidInput("was not part of this bake-off", field="detector")
    key = _key(row)
    tuned = tuning_repository.tuning_row(session, key)
    rules = feedback.tune_scope(
        session,
        actor,
        slug,
        key,
        detector=detector,
        sigma_threshold=sigma_threshold,
        min_expected_count=None if tuned is None else tuned.min_expected_count,
    )
    row.adopted, row.adopted_at = wanted.name, SYSTEM_CLOCK.now()
    rows.add(session, row)
    identity.record_audit(
        session, actor, "bakeoff.adopt", "bakeoff", row.id, project_slug=slug, payload={"contestant": wanted.name}
    )
    return view_of(row), rules


def view_of(row: Bakeoff) -> BakeoffView:
    """A row as others see it."""
    return BakeoffView(
        id=row.id,
        key=_key(row),
        status=BakeoffStatus(row.status),
        progress_percent=row.progress_percent,
        progress_phase=row.progress_phase,
        result=dict(row.result),
        error_message=row.error_message,
        adopted=row.adopted,
        adopted_at=row.adopted_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        created_at=row.created_at,
    )


def _key(row: Bakeoff) -> SeriesKey:
    return SeriesKey(row.scan_config_id, ScopeType(row.scope_type), row.scope_ref)


def _find(session: Session, project_id: str, bakeoff_id: str) -> Bakeoff:
    row = rows.find(session, project_id, bakeoff_id)
    if row is None:
        raise NotFound("Bake-off not found")
    return row
