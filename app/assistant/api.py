"""Routes tagged search and ai (contract sections 15 and 16)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.assistant import service
from app.assistant.contracts import EntityType
from app.assistant.shapes import (
    AiAskRequest,
    AiAskResponse,
    AiDescribeEventRequest,
    AiDescribeEventTypeRequest,
    AiDescribeResponse,
    AiStatusResponse,
    SearchReindexResponse,
    SearchResponse,
)
from app.http import PROJECT, Branch, Caller, Db, Editor, WaitingCaller, WaitingEditor

router = APIRouter()

SEARCH = PROJECT + "/search"
AI = PROJECT + "/ai"


@router.get(SEARCH, operation_id="search_project", tags=["search"])
def search_project(
    slug: str,
    actor: WaitingCaller,
    branch: Branch,
    q: Annotated[str, Query(min_length=1, max_length=500)],
    types: Annotated[list[EntityType] | None, Query()] = None,
    include_archived: bool = False,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> SearchResponse:
    """Entities of the plan that match, best first."""
    found = service.find(actor, slug, q, types=types, include_archived=include_archived, limit=limit, branch=branch)
    return SearchResponse.model_validate(found)


@router.post(SEARCH + "/reindex", operation_id="reindex_project_search", tags=["search"])
def reindex_project_search(slug: str, session: Db, actor: Editor, branch: Branch) -> SearchReindexResponse:
    """Write the branch's index anew."""
    return SearchReindexResponse.model_validate(service.reindex(session, actor, slug, branch=branch))


@router.get(AI + "/status", operation_id="ai_status", tags=["ai"])
def ai_status(slug: str, actor: Caller) -> AiStatusResponse:  # noqa: ARG001 - the slug is not looked at
    """Whether the assistant can be asked."""
    return AiStatusResponse(enabled=service.is_enabled())


@router.post(AI + "/describe-event", operation_id="describe_event", tags=["ai"])
def describe_event(slug: str, body: AiDescribeEventRequest, actor: WaitingEditor, branch: Branch) -> AiDescribeResponse:
    """Suggested descriptions of an event and its fields."""
    return AiDescribeResponse.model_validate(service.describe_event(actor, slug, str(body.event_id), branch=branch))


@router.post(AI + "/describe-event-type", operation_id="describe_event_type", tags=["ai"])
def describe_event_type(slug: str, body: AiDescribeEventTypeRequest, actor: WaitingEditor, branch: Branch) -> AiDescribeResponse:
    """Suggested descriptions of an event type and its fields."""
    return AiDescribeResponse.model_validate(service.describe_event_type(actor, slug, str(body.event_type_id), branch=branch))


@router.post(AI + "/ask", operation_id="ask_plan", tags=["ai"])
def ask_plan(slug: str, body: AiAskRequest, actor: WaitingCaller, branch: Branch) -> AiAskResponse:
    """An answer about the plan with its sources."""
    return AiAskResponse.model_validate(service.ask_plan(actor, slug, body.question, branch=branch))
