"""Routes tagged event-types (contract 2.5)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import PROJECT, Branch, Caller, Db, Editor
from app.plan import service
from app.plan.shapes.definitions import EventTypeCreate, EventTypeResponse, EventTypeUpdate

router = APIRouter(tags=["event-types"])

EVENT_TYPES = PROJECT + "/event-types"
EVENT_TYPE = EVENT_TYPES + "/{event_type_id}"


@router.get(EVENT_TYPES, operation_id="list_event_types")
def list_event_types(slug: str, session: Db, actor: Caller, branch: Branch) -> list[EventTypeResponse]:
    """Event types in their order, with their fields."""
    found = service.list_event_type_details(session, actor, slug, branch=branch)
    return [EventTypeResponse.model_validate(event_type) for event_type in found]


@router.post(EVENT_TYPES, operation_id="create_event_type", status_code=201)
def create_event_type(slug: str, body: EventTypeCreate, session: Db, actor: Editor, branch: Branch) -> EventTypeResponse:
    """Make an event type with its fields."""
    return EventTypeResponse.model_validate(service.create_event_type(session, actor, slug, body.draft(), branch=branch))


@router.get(EVENT_TYPE, operation_id="get_event_type")
def get_event_type(slug: str, event_type_id: UUID, session: Db, actor: Caller, branch: Branch) -> EventTypeResponse:
    """One event type."""
    return EventTypeResponse.model_validate(service.get_event_type(session, actor, slug, str(event_type_id), branch=branch))


@router.patch(EVENT_TYPE, operation_id="update_event_type")
def update_event_type(
    slug: str, event_type_id: UUID, body: EventTypeUpdate, session: Db, actor: Editor, branch: Branch
) -> EventTypeResponse:
    """Change what is given; the name stays."""
    changed = service.update_event_type(session, actor, slug, str(event_type_id), body.changes(), branch=branch)
    return EventTypeResponse.model_validate(changed)


@router.delete(EVENT_TYPE, operation_id="delete_event_type", status_code=204)
def delete_event_type(slug: str, event_type_id: UUID, session: Db, actor: Editor, branch: Branch) -> None:
    """Delete the event type with its fields and events."""
    service.delete_event_type(session, actor, slug, str(event_type_id), branch=branch)
