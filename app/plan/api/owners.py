"""Routes tagged event-type-owners (contract 2.5)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import Caller, Db, Editor
from app.plan import service
from app.plan.api.event_types import EVENT_TYPE
from app.plan.shapes.definitions import EventTypeOwnerCreate, EventTypeOwnerResponse

router = APIRouter(tags=["event-type-owners"])

OWNERS = EVENT_TYPE + "/owners"


@router.get(OWNERS, operation_id="list_owners")
def list_owners(slug: str, event_type_id: UUID, session: Db, actor: Caller) -> list[EventTypeOwnerResponse]:
    """Owners, oldest first."""
    found = service.list_owners(session, actor, slug, str(event_type_id))
    return [EventTypeOwnerResponse.model_validate(owner) for owner in found]


@router.post(OWNERS, operation_id="add_owner", status_code=201)
def add_owner(slug: str, event_type_id: UUID, body: EventTypeOwnerCreate, session: Db, actor: Editor) -> EventTypeOwnerResponse:
    """Make a person an owner."""
    owner = service.add_owner(session, actor, slug, str(event_type_id), str(body.user_id))
    return EventTypeOwnerResponse.model_validate(owner)


@router.delete(OWNERS + "/{owner_id}", operation_id="remove_owner", status_code=204)
def remove_owner(slug: str, event_type_id: UUID, owner_id: UUID, session: Db, actor: Editor) -> None:
    """End an ownership; the id is that of the ownership, not of the person."""
    service.remove_owner(session, actor, slug, str(event_type_id), str(owner_id))
