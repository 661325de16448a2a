"""Projects: found, made, changed, deleted, and what they amount to at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from app.detection.contracts import Signal
from app.identity import service as identity
from app.identity.contracts import DEFAULT_TENANT_ID, SYSTEM_ACTOR, Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, NotFound
from app.projects import policy, repository
from app.projects.contracts import (
    GenerationStatus,
    LatestScanJob,
    ProjectSummary,
    ProjectView,
    SummarisedProject,
)
from models.projects import Project, ProjectRemoval
from models.scans import ScanJob

_IMPLEMENTED = ("implemented", "live")
_IN_REVIEW = "in_review"
_ARCHIVED = "archived"


def get_project(session: Session, actor: Actor, slug: str) -> ProjectView:
    """The project, for anybody signed in. Errors: NotFound; Forbidden for a key bound to another project."""
    return view_of(_find(session, actor, slug))


def list_projects(session: Session, actor: Actor) -> list[ProjectView]:
    """All projects by name. Errors: Forbidden for a key bound to one project."""
    actor.require_reach(None)
    return [view_of(project) for project in repository.list_projects(session)]


def list_summarised_projects(session: Session, actor: Actor) -> list[SummarisedProject]:
    """All projects by name, with their figures. Errors: Forbidden for a key bound to one project."""
    return summarise(session, actor, list_projects(session, actor))


def summarise(session: Session, actor: Actor, projects: Sequence[ProjectView]) -> list[SummarisedProject]:
    """The projects with their figures, in the given order."""
    figures = repository.figures(session, [project.id for project in projects])
    return [SummarisedProject(project, _summary(session, actor, project, figures[project.id])) for project in projects]


def create_project(
    session: Session,
    actor: Actor,
    name: str,
    slug: str,
    description: str = "",
    *,
    tenant_id: str = DEFAULT_TENANT_ID,
    is_demo: bool = False,
    generation_status: GenerationStatus = GenerationStatus.READY,
) -> ProjectView:
    """A project with its main branch. Editors and owners.

    Errors: Conflict when the slug is taken (also by somebody at the same moment), InvalidInput for a bad name or slug.
    """
    from app.plan import service as plan  # plans belong to projects, so the plan's service imports this one

    actor.require_reach(None)
    actor.require_editor()
    project = Project(
        tenant_id=tenant_id,
        name=policy.checked_name(name),
        slug=policy.checked_slug(slug),
        description=policy.checked_description(description),
        is_demo=is_demo,
        generation_status=generation_status,
        generation_percent=100 if generation_status is GenerationStatus.READY else 0,
        created_by=actor.user_id,
    )
    if repository.is_slug_taken(session, slug) or not repository.flush_unless_taken(session, project):
        raise Conflict("A project with this slug already exists")
    plan.main_branch_id(session, project.id)
    identity.record_audit(
        session, actor, "project.create", "project", project.id, project_slug=slug, payload={"name": project.name}
    )
    return view_of(project)


def update_project(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    name: str | None = None,
    new_slug: str | None = None,
    description: str | None = None,
) -> ProjectView:
    """Change what is given, leave alone what is None. Editors and owners. Errors: NotFound, Conflict for a taken slug."""
    actor.require_editor()
    project = _find(session, actor, slug)
    before = {"name": project.name, "slug": project.slug, "description": project.description}
    project.name = project.name if name is None else policy.checked_name(name)
    project.slug = project.slug if new_slug is None else policy.checked_slug(new_slug)
    project.description = project.description if description is None else policy.checked_description(description)
    after = {"name": project.name, "slug": project.slug, "description": project.description}
    changed = {key: value for key, value in after.items() if value != before[key]}
    if not changed:
        return view_of(project)
    with session.no_autoflush:
        taken = repository.is_slug_taken(session, project.slug, except_id=project.id)
    if taken or not repository.flush_unless_taken(session, project):
        raise Conflict("A project with this slug already exists")
    identity.record_audit(session, actor, "project.update", "project", project.id, project_slug=after["slug"], payload=changed)
    return view_of(project)


def delete_project(session: Session, actor: Actor, slug: str) -> None:
    """Delete the project with everything in the metadata database; its records in the event store are noted for removal.

    Owners in a browser session. The note is in the same transaction, so records are never forgotten: `purge.purge_removed`
    takes them out after the commit and again later. Errors: NotFound.
    """
    actor.require_owner()
    project = _find(session, actor, slug)
    removal = ProjectRemoval(project_id=project.id, tenant_id=project.tenant_id, slug=project.slug, requested_at=SYSTEM_CLOCK.now())
    repository.add(session, removal)
    identity.record_audit(
        session, actor, "project.delete", "project", project.id, project_slug=slug, payload={"name": project.name}
    )
    is_demo = project.is_demo
    delete_hidden_projects(session, project.id)
    repository.delete_project(session, project.id)
    if is_demo:
        from app.demo.warehouse_copy import remove_unused_source  # the generator is heavy and rarely used

        remove_unused_source(session)


def create_hidden_project(session: Session, owner_id: str, name: str) -> ProjectView:
    """A project of Plumbline's own beside the project `owner_id`: in no list and out of everybody's reach but the system's."""
    from app.plan import service as plan  # as in create_project

    owner = repository.project_by_id(session, owner_id)
    if owner is None:
        raise NotFound("Project not found")
    hidden = Project(tenant_id=owner.tenant_id, name=owner.name, slug=policy.hidden_slug(owner.id, name))
    repository.add(session, hidden)
    plan.main_branch_id(session, hidden.id)
    return view_of(hidden)


def delete_hidden_projects(session: Session, owner_id: str) -> None:
    """Delete the hidden projects beside the project; their records in the event store are noted for removal."""
    for hidden in repository.hidden_projects(session, owner_id):
        note = ProjectRemoval(project_id=hidden.id, tenant_id=hidden.tenant_id, slug=hidden.slug, requested_at=SYSTEM_CLOCK.now())
        repository.add(session, note)
        repository.delete_project(session, hidden.id)


def view_of(project: Project) -> ProjectView:
    """The row as others see it."""
    return ProjectView(
        id=project.id,
        tenant_id=project.tenant_id,
        name=project.name,
        slug=project.slug,
        description=project.description,
        is_demo=project.is_demo,
        generation_status=GenerationStatus(project.generation_status),
        generation_stage=project.generation_stage,
        generation_percent=project.generation_percent,
        generation_error=project.generation_error,
        created_at=project.created_at,
        updated_at=project.updated_at,
    )


def _find(session: Session, actor: Actor, slug: str) -> Project:
    may_look = policy.is_slug(slug) or (actor == SYSTEM_ACTOR and slug.startswith(policy.HIDDEN))
    project = repository.project_by_slug(session, slug) if may_look else None
    if project is None:
        actor.require_reach(None)
        raise NotFound("Project not found")
    actor.require_reach(project.id)
    return project


def _summary(session: Session, actor: Actor, project: ProjectView, figures: repository.Figures) -> ProjectSummary:
    signals = _active_signals(session, actor, project.slug) if figures.scans else []
    by_status = figures.events_by_status
    total = sum(by_status.values())
    return ProjectSummary(
        event_type_count=figures.event_types,
        event_count=total,
        active_event_count=total - by_status.get(_ARCHIVED, 0),
        implemented_event_count=sum(by_status.get(status, 0) for status in _IMPLEMENTED),
        review_pending_event_count=by_status.get(_IN_REVIEW, 0),
        archived_event_count=by_status.get(_ARCHIVED, 0),
        variable_count=figures.variables,
        scan_count=figures.scans,
        failing_scan_config_count=figures.failing_scans,
        monitoring_signal_count=sum(policy.is_significant(signal) for signal in signals),
        latest_scan_job=None if figures.latest_job is None else _latest_job(*figures.latest_job),
        latest_signal=max(signals, key=lambda signal: (signal.bucket, signal.scope_type == "project_total"), default=None),
    )


def _active_signals(session: Session, actor: Actor, slug: str) -> Sequence[Signal]:
    from app.detection import service as detection  # signals belong to projects, so detection's service imports this one

    return detection.list_signals(session, actor, slug)


def _latest_job(job: ScanJob, scan_name: str) -> LatestScanJob:
    return LatestScanJob(
        id=job.id,
        scan_config_id=job.scan_config_id,
        scan_name=scan_name,
        status=job.status,
        started_at=job.started_at,
        completed_at=job.completed_at,
        result_summary=job.result_summary,
        error_message=job.error_message,
        created_at=job.created_at,
    )
