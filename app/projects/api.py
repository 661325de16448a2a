"""Routes tagged projects and activity (contract sections 10 and 17)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query

from app.http import PROJECT, Caller, Db
from app.projects import activity, onboarding, purge, service
from app.projects.shapes import ActivityItemResponse, ProjectCreate, ProjectResponse, ProjectUpdate, project_response

router = APIRouter()

Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/api/v1/projects", operation_id="list_projects", tags=["projects"])
def list_projects(session: Db, actor: Caller) -> list[ProjectResponse]:
    """All projects by name."""
    return [project_response(entry) for entry in service.list_summarised_projects(session, actor)]


@router.post("/api/v1/projects", operation_id="create_project", tags=["projects"], status_code=201)
def create_project(body: ProjectCreate, session: Db, actor: Caller) -> ProjectResponse:
    """Make a project with its main branch."""
    project = service.create_project(session, actor, body.name, body.slug, body.description)
    return project_response(service.summarise(session, actor, [project])[0])


@router.post("/api/v1/projects/demo", operation_id="create_demo_project", tags=["projects"], status_code=201)
def create_demo_project(session: Db, actor: Caller) -> ProjectResponse:
    """Make a project full of data; `generation_status` tells when it is ready."""
    project = onboarding.create_demo_project(session, actor)
    return project_response(service.summarise(session, actor, [project])[0])


@router.post("/api/v1/projects/demo/{slug}/reset", operation_id="reset_demo_project", tags=["projects"])
def reset_demo_project(slug: str, session: Db, actor: Caller) -> ProjectResponse:
    """Make the data of a demo project anew, up to the current hour; what was changed in it is lost."""
    project = onboarding.reset_demo_project(session, actor, slug)
    return project_response(service.summarise(session, actor, [project])[0])


@router.get(PROJECT, operation_id="get_project", tags=["projects"])
def get_project(slug: str, session: Db, actor: Caller) -> ProjectResponse:
    """One project."""
    project = service.get_project(session, actor, slug)
    return project_response(service.summarise(session, actor, [project])[0])


@router.patch(PROJECT, operation_id="update_project", tags=["projects"])
def update_project(slug: str, body: ProjectUpdate, session: Db, actor: Caller) -> ProjectResponse:
    """Change name, slug or description."""
    project = service.update_project(session, actor, slug, name=body.name, new_slug=body.slug, description=body.description)
    return project_response(service.summarise(session, actor, [project])[0])


@router.delete(PROJECT, operation_id="delete_project", tags=["projects"], status_code=204)
def delete_project(slug: str, session: Db, actor: Caller, background: BackgroundTasks) -> None:
    """Delete a project with everything in it, its stored events included."""
    service.delete_project(session, actor, slug)
    background.add_task(purge.purge_removed)  # runs after the commit and after the answer


@router.get("/api/v1/activity", operation_id="list_workspace_activity", tags=["activity"])
def list_workspace_activity(session: Db, actor: Caller, limit: Limit = 20) -> list[ActivityItemResponse]:
    """What happened lately in all projects, newest first."""
    return [ActivityItemResponse.model_validate(item) for item in activity.workspace_activity(session, actor, limit=limit)]


@router.get("/api/v1/activity/projects/{slug}", operation_id="list_project_activity", tags=["activity"])
def list_project_activity(slug: str, session: Db, actor: Caller, limit: Limit = 20) -> list[ActivityItemResponse]:
    """What happened lately in one project, newest first."""
    return [ActivityItemResponse.model_validate(item) for item in activity.project_activity(session, actor, slug, limit=limit)]
