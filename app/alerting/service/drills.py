"""Fire drills for the people of a project: set up, started by hand, looked back at. The road is `app.alerting.drills_road`."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.alerting import drills_road as road
from app.alerting.drills import STAGES, DrillInterval, DrillOutcome, DrillRunView, DrillSettings, DrillStage
from app.alerting.repository import destinations
from app.alerting.repository import drills as rows
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.pagination import Page
from app.projects import service as projects
from models.alerting import AlertDrill, AlertDrillRun

LARGEST_PAGE = 200


def get_drill(session: Session, actor: Actor, slug: str) -> DrillSettings:
    """How the project's drill is set up; switched off until somebody did. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    row = rows.drill_of(session, project.id)
    return DrillSettings() if row is None else _settings_of(row)


def set_drill(session: Session, actor: Actor, slug: str, wanted: DrillSettings, *, now: datetime | None = None) -> DrillSettings:
    """Set the drill up; a drill that is switched on runs for the first time at once. Editors and owners.

    Errors: NotFound, InvalidInput for a destination of another project, for none at all while it is switched on, and for a
    backup that is the same one.
    """
    actor.require_editor()
    now = now or SYSTEM_CLOCK.now()
    project = projects.get_project(session, actor, slug)
    for name in ("destination_id", "backup_destination_id"):
        chosen = getattr(wanted, name)
        if chosen is not None and destinations.find_destination(session, project.id, chosen) is None:
            raise InvalidInput("This destination does not exist in the project", field=name)
    if wanted.enabled and wanted.destination_id is None:
        raise InvalidInput("Choose where the drill is to arrive", field="destination_id")
    if wanted.destination_id is not None and wanted.destination_id == wanted.backup_destination_id:
        raise InvalidInput(
            "The backup must be another destination, else nobody hears of a broken one", field="backup_destination_id"
        )
    row = rows.drill_of(session, project.id, lock=True)
    if row is None:
        row = AlertDrill(project_id=project.id)
        session.add(row)
    if not wanted.enabled:
        row.next_run_at = None
    elif not row.enabled or row.next_run_at is None:
        row.next_run_at = now
    else:
        row.next_run_at = min(row.next_run_at, now + wanted.interval.duration)
    row.enabled, row.interval = wanted.enabled, wanted.interval.value
    row.destination_id, row.backup_destination_id = wanted.destination_id, wanted.backup_destination_id
    session.flush()
    payload = {"enabled": row.enabled, "interval": row.interval, "destination_id": row.destination_id}
    identity.record_audit(session, actor, "fire_drill.update", "fire_drill", project.id, project_slug=slug, payload=payload)
    return _settings_of(row)


def run_drill(session: Session, actor: Actor, slug: str, *, now: datetime | None = None) -> DrillRunView:
    """Begin a drill now. Editors and owners. Errors: NotFound, Conflict while one runs and when no destination is chosen."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = rows.drill_of(session, project.id, lock=True)
    if row is None or row.destination_id is None:
        raise Conflict("Choose where the drill is to arrive first")
    if rows.running(session, project.id):
        raise Conflict("A fire drill is already under way")
    run = road.begin(session, row, now or SYSTEM_CLOCK.now(), is_manual=True)
    identity.record_audit(session, actor, "fire_drill.run", "fire_drill", project.id, project_slug=slug, payload={"run_id": run.id})
    return view_of(run)


def list_drill_runs(session: Session, actor: Actor, slug: str, *, limit: int = 50, offset: int = 0) -> Page[DrillRunView]:
    """The project's drills, newest first. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    limit, offset = max(1, min(limit, LARGEST_PAGE)), max(0, offset)
    found, total = rows.page(session, project.id, limit=limit, offset=offset)
    return Page([view_of(row) for row in found], total, limit, offset)


def view_of(row: AlertDrillRun) -> DrillRunView:
    """A run as others see it."""
    moments = {stage: getattr(row, f"{stage.value}_at") for stage in STAGES}
    return DrillRunView(
        id=row.id,
        is_manual=row.is_manual,
        outcome=DrillOutcome(row.outcome),
        failed_stage=DrillStage(row.failed_stage) if row.failed_stage else None,
        detail=row.detail,
        bucket=row.bucket,
        started_at=row.started_at,
        finished_at=row.finished_at,
        passed_at={stage: at for stage, at in moments.items() if at is not None},
        destination_name=row.destination_name,
        backup_delivery_id=row.backup_delivery_id,
    )


def _settings_of(row: AlertDrill) -> DrillSettings:
    interval = DrillInterval(row.interval)
    return DrillSettings(row.enabled, row.destination_id, row.backup_destination_id, interval, row.next_run_at)
