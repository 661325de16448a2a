"""An event that people make out of what data showed, with the identity that scans know it by (contract 9)."""

from __future__ import annotations

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import Conflict, InvalidInput
from app.plan import repository
from app.plan.branch_scope import writable_branch
from app.plan.contracts import EventStatus
from app.plan.drafts import EventDraft
from app.plan.repository import events as rows
from app.plan.service.event_creation import insert_drafts
from app.plan.service.trail import note

OBSERVED_DESCRIPTION = "Accepted from data that the plan did not have."


def create_observed_event(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    source_name: str,
    event_type_id: str | None = None,
    event_type_name: str | None = None,
    name: str | None = None,
    branch: str | None = None,
) -> str:
    """The id of a live event that later scans match by `source_name`. Editors and owners.

    The event type is the given one, else the branch's one of that name. Errors: InvalidInput without either or for a name or
    required values that do not fit, NotFound for an unknown event type, Conflict when an event has this identity or this name.
    """
    scope = writable_branch(session, actor, slug, branch)
    if event_type_id is None and event_type_name is not None:
        named = repository.event_types_by_name(session, scope.branch_id).get(event_type_name)
        event_type_id = None if named is None else named.id
    if event_type_id is None:
        raise InvalidInput("Give the event type: the data named none that the branch has", field="event_type_id")
    for _, type_id, taken_name, taken_source in rows.identities_in_use(session, scope.branch_id, [source_name]):
        if type_id == event_type_id and source_name == (taken_source or taken_name):
            raise Conflict(f"An event of this event type has the identity {source_name} already")
    draft = EventDraft(
        event_type_id=event_type_id,
        name=name or source_name,
        description=OBSERVED_DESCRIPTION,
        status=EventStatus.LIVE,
        source_name=source_name,
    )
    (event_id,) = insert_drafts(session, actor, scope, [draft])
    note(session, actor, scope, "event.create", event_id, name=draft.name, event_type_id=event_type_id)
    return event_id
