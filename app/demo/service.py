"""The demo project: made by one call, filled by a job through the same store, scan and detection as any other (contract 10).

Filling starts from nothing each time, so a run that was cut off is simply run again. It is all or nothing: what fails leaves
an empty project that says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session

from app.demo import house_rules, repository, scanning, surfaces, warehouse_copy
from app.demo.plan_builder import PlanBuilder, dated, pictures_for
from app.demo.plan_story import PICTURED, PLAN_DAYS
from app.demo.scanning import GenerationFailed
from app.demo.shop_events import event_batches, refused_batch
from app.demo.story import EVENTS, SHOP_DESCRIPTION, SHOP_NAME, SOURCES, ShopEvent, Timeline
from app.demo.watching import Watch
from app.eventstore.contracts import EventStore
from app.eventstore.service import get_event_store
from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, Actor
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import session_scope
from app.kernel.errors import AppError, BadRequest, Conflict
from app.kernel.ids import new_id
from app.plan import service as plan
from app.plan.contracts import ObservedEvent
from app.plan.photos import files
from app.plan.photos.storage import StoredFile
from app.projects import policy
from app.projects import service as projects
from app.projects.contracts import GenerationStatus, ProjectView
from app.scans import service as scans

_WAITING = "Waiting to start"
_INTERNAL_ERROR = "The demo data could not be made because of an internal error."

log = logging.getLogger("plumbline.demo")


StopCheck = Callable[[], bool]


def never() -> bool:
    """Nobody asks to stop."""
    return False


class _Interrupted(Exception):
    """The process is to end; the project stays as one that waits."""


@dataclass(frozen=True, slots=True)
class DemoTools:
    """What filling works with. `holder` is the worker under whose name the scan runs; `store` None is the process's own."""

    holder: str
    store: EventStore | None = None
    clock: Clock = SYSTEM_CLOCK
    transaction: Callable[..., AbstractContextManager[Session]] = session_scope
    run_scan: Callable[[str, str], object] = scans.run_job
    should_stop: StopCheck = never

    @property
    def events(self) -> EventStore:
        """The event store."""
        return self.store or get_event_store()


def create_demo_project(session: Session, actor: Actor) -> ProjectView:
    """A demo project that is still empty; a job fills it and its row tells how far that is. Editors and owners."""
    slug = policy.random_slug("demo")
    project = projects.create_project(
        session, actor, SHOP_NAME, slug, SHOP_DESCRIPTION, is_demo=True, generation_status=GenerationStatus.RUNNING
    )
    _report(session, project.id, _WAITING, 0)
    return projects.get_project(session, actor, slug)


def reset_demo_project(session: Session, actor: Actor, slug: str) -> ProjectView:
    """Have a demo project filled afresh, ending at the current hour. Editors and owners.

    Errors: NotFound, BadRequest for a project that is no demo, Conflict while it is being filled.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    if not project.is_demo:
        raise BadRequest("Only a demo project can be reset")
    if project.generation_status is GenerationStatus.RUNNING:
        raise Conflict("The demo project is being filled already")
    identity.record_audit(session, actor, "project.reset", "project", project.id, project_slug=slug, payload={"name": project.name})
    _report(session, project.id, _WAITING, 0, status=GenerationStatus.RUNNING)
    return projects.get_project(session, actor, slug)


def waiting_projects(session: Session) -> list[str]:
    """Ids of demo projects to fill, oldest first."""
    return repository.running_projects(session)


def generate_demo_project(project_id: str, tools: DemoTools) -> bool:
    """Fill the project and say whether that worked; never raises for a failure, which the project's row explains.

    Opens its own transactions. Call it from one process at a time.
    """
    with tools.transaction(write=False) as session:
        row = repository.find_project(session, project_id)
        project = None if row is None else projects.view_of(row)
    if project is None or project.generation_status is not GenerationStatus.RUNNING:
        return False
    try:
        _fill(project, tools)
    except _Interrupted:
        log.info("demo project %s is begun again later", project.slug)
    except (GenerationFailed, AppError) as problem:
        log.warning("demo project %s failed: %s", project.slug, problem)
        _fail(project, tools, str(problem))
    except Exception:
        log.exception("demo project %s failed", project.slug)
        _fail(project, tools, _INTERNAL_ERROR)
    else:
        _score(project, tools)
        return True
    return False


def _score(project: ProjectView, tools: DemoTools) -> None:
    """After the project is ready; what fails here is made up for by the hourly job."""
    try:
        surfaces.score_actors(project, tools.clock.now(), tools.transaction)
    except Exception:
        log.exception("people of demo project %s are scored later", project.slug)


def _fill(project: ProjectView, tools: DemoTools) -> None:
    timeline = Timeline(tools.clock.now())
    _say(project, tools, "Making room for the demo", 2)
    if tools.events.recent(project.tenant_id, project.id, after=None, limit=1):
        tools.events.delete_project(project.tenant_id, project.id)
    _clear(project, tools)

    def say(stage: str, percent: int) -> None:
        _say(project, tools, stage, percent)

    say("Writing the plan", 5)
    with tools.transaction() as session:
        made = _prepare(session, project, timeline)
    _write_events(project, tools, timeline)
    say("Scanning", 60)
    scanning.scan(project.slug, made.config_id, tools, say)
    scanning.count_by_traits(project.slug, made.config_id, timeline, tools, say)
    say("Reading logs and sign-ins", 90)
    surfaces.watch(project, made.author, timeline, tools.transaction)
    say("Discussing the plan", 95)
    with pictures_for(made.event_ids[PICTURED]) as pictures, tools.transaction() as session:
        PlanBuilder(session, project, timeline, made.author.user_id).write_work(made.event_ids, pictures)
        house_rules.write(session, project, made.author, timeline)
    say("Comparing with the warehouse, telling people", 97)
    with tools.transaction() as session:
        warehouse_copy.count(session, project, made.warehouse_id, made.author, timeline)
        Watch(session, project, made.author, timeline).write(made.config_id, made.event_ids, made.type_ids)
        house_rules.ask_for_erasure(session, project, timeline)
        if not _report(session, project.id, "Ready", 100, status=GenerationStatus.READY):
            raise GenerationFailed("The project was deleted.")


def _clear(project: ProjectView, tools: DemoTools) -> None:
    with tools.transaction() as session:
        stored = [StoredFile(*file) for file in repository.photo_files(session, project.id)]
        repository.clear(session, project.id)
    files.remove_unreferenced(stored)


@dataclass(frozen=True, slots=True)
class _Made:
    """What later steps go on with: the scans, the planned events and their types by name, and in whose name things are done."""

    config_id: str
    warehouse_id: str
    event_ids: dict[str, str]
    type_ids: dict[str, str]
    author: Actor


def _prepare(session: Session, project: ProjectView, timeline: Timeline) -> _Made:
    planned = {(event.source, event.name): event for event in EVENTS if event.status is not None}
    author = replace(SYSTEM_ACTOR, user_id=repository.creator(session, project.id))
    with dated(session, project.id, timeline.current_hour - timedelta(days=PLAN_DAYS)):
        observed = [ObservedEvent(*key, count=0, last_at=None) for key in planned]
        synced = plan.sync_observed_events(session, project.id, observed)
        session.flush()
        repository.finish_event_types(session, SOURCES, project.id)
        event_ids = {event.name: synced.event_ids[key][1] for key, event in planned.items()}
        type_ids = {event.source: synced.event_ids[key][0] for key, event in planned.items()}
        repository.finish_events(session, {event_ids[event.name]: _texts(event) for event in planned.values()})
        PlanBuilder(session, project, timeline, author.user_id).write_definitions(event_ids)
    warehouse_id = warehouse_copy.make_scan(session, project)
    config_id = scans.ensure_builtin_scan(session, project).id
    return _Made(config_id, warehouse_id, event_ids, type_ids, author)


def _texts(event: ShopEvent) -> tuple[str, str]:
    return event.status or "in_review", event.description


def _write_events(project: ProjectView, tools: DemoTools, timeline: Timeline) -> None:
    _say(project, tools, "Inventing five weeks of events", 10)
    # A token is good for one attempt: after a reset the same batches must be stored again.
    attempt = new_id()
    written = 0
    for number, batch in enumerate(event_batches(project.tenant_id, project.id, timeline)):
        tools.events.insert_lines("events", batch.lines, rows=batch.rows, token=f"demo-{attempt}-{number}")
        written += batch.rows
        _say(project, tools, f"{written:,} events stored", min(58, 15 + 7 * number))
    refused = refused_batch(project.tenant_id, project.id, timeline)
    tools.events.insert_lines("quarantine", refused.lines, rows=refused.rows, token=f"demo-{attempt}-refused")
    surfaces.write_records(project, tools.events, attempt, timeline)


def _fail(project: ProjectView, tools: DemoTools, message: str) -> None:
    try:
        tools.events.delete_project(project.tenant_id, project.id)
    except AppError:
        log.warning("records of the failed demo project %s stay until it is reset or deleted", project.slug)
    _clear(project, tools)
    with tools.transaction() as session:
        if repository.find_project(session, project.id) is None:
            return
        plan.main_branch_id(session, project.id)
        _report(session, project.id, "Failed", 0, status=GenerationStatus.FAILED, error=message)


def _say(project: ProjectView, tools: DemoTools, stage: str, percent: int) -> None:
    if tools.should_stop():
        raise _Interrupted
    with tools.transaction() as session:
        if not _report(session, project.id, stage, percent):
            raise GenerationFailed("The project was deleted.")


def _report(
    session: Session,
    project_id: str,
    stage: str,
    percent: int,
    *,
    status: GenerationStatus | None = None,
    error: str | None = None,
) -> bool:
    row = repository.find_project(session, project_id)
    if row is None:
        return False
    row.generation_stage, row.generation_percent, row.generation_error = stage[:200], percent, error and error[:500]
    if status is not None:
        row.generation_status = status.value
    session.flush()
    return True
