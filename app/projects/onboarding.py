"""Projects that are watched from their first event: built-in scan, detection on, keys for senders.

Stands above projects, scans and detection so that none of them needs to know the others for this.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.detection import service as detection
from app.identity import service as identity
from app.identity.contracts import Actor, IngestKeyView, IngestKind, IngestScope, TenantPlan
from app.kernel.errors import Conflict, NotFound
from app.projects import policy
from app.projects import service as projects
from app.projects.contracts import ProjectView
from app.scans import service as scans

DEFAULT_SLUG = "default"


def ensure_watched(session: Session, project: ProjectView) -> None:
    """See that the project has its built-in scan and, unless somebody chose settings already, detection switched on."""
    scans.ensure_builtin_scan(session, project)
    detection.enable_by_default(session, project.id)


def create_watched_project(
    session: Session, actor: Actor, name: str, slug: str, description: str = "", *, tenant_id: str | None = None
) -> ProjectView:
    """A project that is watched from its first event. Editors and owners. Errors: Conflict for a taken slug, InvalidInput."""
    if tenant_id is None:
        project = projects.create_project(session, actor, name, slug, description)
    else:
        project = projects.create_project(session, actor, name, slug, description, tenant_id=tenant_id)
    ensure_watched(session, project)
    return project


def create_watched_ingest_key(
    session: Session,
    actor: Actor,
    *,
    project_slug: str | None,
    kind: IngestKind = IngestKind.EVENTS,
    scope: IngestScope = IngestScope.APPEND,
    name: str,
    plan: TenantPlan | str | None = None,
    expires_in_days: int | None = None,
    now: datetime,
) -> tuple[IngestKeyView, str]:
    """An ingest key into a watched project and its token, which is shown only here.

    A missing project is created; without a slug it is the project `default`, or with a `plan` one with a generated slug.
    `plan` puts a new project on a tenant of its own. Errors: Conflict when the project exists on another plan, InvalidInput.
    """
    wanted = None if plan is None else TenantPlan(plan)
    if project_slug is None:
        project_slug = DEFAULT_SLUG if wanted is None else policy.random_slug(wanted.value)
    project = _existing(session, actor, project_slug)
    if project is None:
        title = project_slug.replace("-", " ").capitalize()
        tenant_id = None if wanted is None else identity.create_tenant(session, actor, name=title, plan=wanted, now=now)
        project = create_watched_project(session, actor, title, project_slug, tenant_id=tenant_id)
    else:
        _check_plan(session, project, wanted)
    return create_ingest_key(
        session, actor, project.slug, kind=kind, scope=scope, name=name, expires_in_days=expires_in_days, now=now
    )


def create_ingest_key(
    session: Session,
    actor: Actor,
    project_slug: str,
    *,
    kind: IngestKind = IngestKind.EVENTS,
    scope: IngestScope = IngestScope.APPEND,
    name: str,
    expires_in_days: int | None = None,
    now: datetime,
) -> tuple[IngestKeyView, str]:
    """An ingest key into an existing project, which is watched from now on. Editors and owners.

    Errors: NotFound, InvalidInput for a blank name.
    """
    key = identity.create_ingest_key(
        session, actor, project_slug, kind=kind, scope=scope, name=name, expires_in_days=expires_in_days, now=now
    )
    ensure_watched(session, projects.get_project(session, actor, project_slug))
    return key


def create_demo_project(session: Session, actor: Actor) -> ProjectView:
    """A demo project that a job fills; its row tells how far that is. Editors and owners."""
    actor.require_reach(None)
    actor.require_editor()
    from app.demo.service import create_demo_project as create  # the generator is heavy and rarely used

    return create(session, actor)


def reset_demo_project(session: Session, actor: Actor, slug: str) -> ProjectView:
    """Have a demo project made anew in its place, up to the current hour; what people changed in it is lost. Editors and owners.

    Errors: NotFound, BadRequest for a project that is no demo, Conflict while it is being filled.
    """
    actor.require_editor()
    from app.demo.service import reset_demo_project as reset

    return reset(session, actor, slug)


def _existing(session: Session, actor: Actor, slug: str) -> ProjectView | None:
    policy.checked_slug(slug)
    try:
        return projects.get_project(session, actor, slug)
    except NotFound:
        return None


def _check_plan(session: Session, project: ProjectView, wanted: TenantPlan | None) -> None:
    booked = identity.tenant_plan(session, project.tenant_id)
    if wanted is not None and booked is not wanted:
        raise Conflict(
            f"The project {project.slug} is on the plan {booked.value}; a plan is chosen when a project is made. "
            f"Leave the plan out, or name a project that does not exist yet."
        )
