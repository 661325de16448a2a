"""Routes tagged search (contract section 15)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from app.assistant import service
from app.assistant.contracts import EntityType
from app.assistant.shapes import SearchReindexResponse, SearchResponse
from app.http import Caller, Db
from app.identity.contracts import Actor

router = APIRouter()

SEARCH = "/api/v1/projects/{slug}/search"


def _branch(request: Request) -> str | None:
    """The query parameter `branch`, which the published description leaves out (contract 11.1)."""
    return request.query_params.get("branch") or None


def _editor(actor: Caller) -> Actor:
    actor.require_editor()
    return actor


Branch = Annotated[str | None, Depends(_branch)]
Editor = Annotated[Actor, Depends(_editor)]


@router.get(SEARCH, operation_id="search_project", tags=["search"])
def search_project(
    slug: str,
    session: Db,
    actor: Caller,
    branch: Branch,
    q: Annotated[str, Query(min_length=1, max_length=500)],
    types: Annotated[list[EntityType] | None, Query()] = None,
    include_archived: bool = False,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> SearchResponse:
    """Entities of the plan that match, best first."""
    found = service.search(session, actor, slug, q, types=types, include_archived=include_archived, limit=limit, branch=branch)
    return SearchResponse.model_validate(found)


@router.post(SEARCH + "/reindex", operation_id="reindex_project_search", tags=["search"])
def reindex_project_search(slug: str, session: Db, actor: Editor, branch: Branch) -> SearchReindexResponse:
    """Write the branch's index anew."""
    return SearchReindexResponse.model_validate(service.reindex(session, actor, slug, branch=branch))
