"""Routes tagged events (contract 2.1 to 2.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query

from app.http import PROJECT, Branch, Caller, Db, Editor
from app.kernel.clock import as_utc
from app.kernel.errors import BadRequest
from app.plan import service
from app.plan.drafts import EventFilter
from app.plan.shapes.events import (
    EventBulkDelete,
    EventBulkUpdate,
    EventChangeResponse,
    EventCreate,
    EventListItemResponse,
    EventListResponse,
    EventMove,
    EventReorder,
    EventResponse,
    EventUpdate,
)

router = APIRouter(tags=["events"])

EVENTS = PROJECT + "/events"
EVENT = EVENTS + "/{event_id}"


@router.get(EVENTS, operation_id="list_events")
def list_events(
    slug: str,
    session: Db,
    actor: Caller,
    branch: Branch,
    event_type_id: UUID | None = None,
    search: str | None = None,
    status: Annotated[list[str] | None, Query()] = None,
    tag: str | None = None,
    silent_since_days: Annotated[int | None, Query(ge=0, le=3650)] = None,
    field_value: str | None = None,
    meta_value: str | None = None,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
) -> EventListResponse:
    """Events in their order, narrowed down by any of the filters."""
    wanted = EventFilter(
        event_type_id=None if event_type_id is None else str(event_type_id),
        search=search or "",
        statuses=status or (),
        tag=tag or "",
        silent_since_days=silent_since_days,
        field_value=field_value or "",
        meta_value=meta_value or "",
    )
    page = service.list_event_details(session, actor, slug, wanted, branch=branch, limit=limit, offset=offset)
    return EventListResponse(items=[EventListItemResponse.model_validate(event) for event in page.items], total=page.total)


@router.post(EVENTS, operation_id="create_event", status_code=201)
def create_event(slug: str, body: EventCreate, session: Db, actor: Editor, branch: Branch) -> EventResponse:
    """Make an event at the end of the order."""
    return EventResponse.model_validate(service.create_event(session, actor, slug, body.draft(), branch=branch))


@router.get(EVENTS + "/tags", operation_id="list_tags")
def list_tags(slug: str, session: Db, actor: Caller, branch: Branch) -> list[str]:
    """Every tag in use, by name."""
    return service.list_tags(session, actor, slug, branch=branch)


@router.post(EVENTS + "/bulk", operation_id="bulk_create_events", status_code=201)
def bulk_create_events(slug: str, body: list[EventCreate], session: Db, actor: Editor, branch: Branch) -> list[EventResponse]:
    """Make all of the events or, when one does not fit, none."""
    created = service.bulk_create_events(session, actor, slug, [entry.draft() for entry in body], branch=branch)
    return [EventResponse.model_validate(event) for event in created]


@router.post(EVENTS + "/bulk-delete", operation_id="bulk_delete_events", status_code=204)
def bulk_delete_events(slug: str, body: EventBulkDelete, session: Db, actor: Editor, branch: Branch) -> None:
    """Delete all of the events or, when one is missing, none."""
    service.bulk_delete_events(session, actor, slug, [str(event_id) for event_id in body.event_ids], branch=branch)


@router.post(EVENTS + "/bulk-update", operation_id="bulk_update_events", status_code=204)
def bulk_update_events(slug: str, body: EventBulkUpdate, session: Db, actor: Editor, branch: Branch) -> None:
    """Set the same attributes in all of the events or, when one is missing, in none."""
    ids = [str(event_id) for event_id in body.event_ids]
    service.bulk_update_events(session, actor, slug, ids, body.changes(), branch=branch)


@router.patch(EVENTS + "/reorder", operation_id="reorder_events")
def reorder_events(slug: str, body: EventReorder, session: Db, actor: Editor, branch: Branch) -> list[EventResponse]:
    """Give the complete order; the answer holds the named events in it."""
    ids = [str(event_id) for event_id in body.event_ids]
    return [EventResponse.model_validate(event) for event in service.reorder_events(session, actor, slug, ids, branch=branch)]


@router.get(EVENT, operation_id="get_event")
def get_event(slug: str, event_id: UUID, session: Db, actor: Caller, branch: Branch) -> EventResponse:
    """One event."""
    return EventResponse.model_validate(service.get_event_detail(session, actor, slug, str(event_id), branch=branch))


@router.patch(EVENT, operation_id="update_event")
def update_event(
    slug: str,
    event_id: UUID,
    body: EventUpdate,
    session: Db,
    actor: Editor,
    branch: Branch,
    if_match: Annotated[str | None, Header(description="The `updated_at` that the change builds on, in quotes; optional")] = None,
) -> EventResponse:
    """Change what is given. With `If-Match` somebody's change in between is a 409; without it the last writer wins."""
    event = service.update_event(
        session, actor, slug, str(event_id), body.changes(), branch=branch, expected_updated_at=_expected(if_match)
    )
    return EventResponse.model_validate(event)


@router.delete(EVENT, operation_id="delete_event", status_code=204)
def delete_event(slug: str, event_id: UUID, session: Db, actor: Editor, branch: Branch) -> None:
    """Delete the event with its values and history."""
    service.delete_event(session, actor, slug, str(event_id), branch=branch)


@router.get(EVENT + "/history", operation_id="get_event_history")
def get_event_history(slug: str, event_id: UUID, session: Db, actor: Caller, branch: Branch) -> list[EventChangeResponse]:
    """What people changed, newest first."""
    history = service.get_event_history(session, actor, slug, str(event_id), branch=branch)
    return [EventChangeResponse.model_validate(change) for change in history]


@router.get(EVENT + "/json-schema", operation_id="get_event_json_schema")
def get_event_json_schema(slug: str, event_id: UUID, session: Db, actor: Caller, branch: Branch) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) that the event's payload satisfies."""
    return service.event_json_schema(session, actor, slug, str(event_id), branch=branch)


@router.patch(EVENT + "/move", operation_id="move_event")
def move_event(slug: str, event_id: UUID, body: EventMove, session: Db, actor: Editor, branch: Branch) -> EventResponse:
    """Change places with the neighbour among the visible events."""
    visible = None if body.visible_event_ids is None else [str(visible_id) for visible_id in body.visible_event_ids]
    moved = service.move_event(session, actor, slug, str(event_id), body.direction, visible, branch=branch)
    return EventResponse.model_validate(moved)


def _expected(if_match: str | None) -> datetime | None:
    if if_match is None or if_match.strip() == "*":
        return None
    try:
        return as_utc(datetime.fromisoformat(if_match.strip().removeprefix("W/").strip('"')))
    except (ValueError, OverflowError):
        raise BadRequest('If-Match must hold the updated_at of the event, as in "2026-01-31T12:00:00Z"') from None
