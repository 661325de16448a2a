"""Owners of event types, whose approval merges need (contract 2.5 and 11.5). They exist on main only."""

from __future__ import annotations

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import BadRequest, Conflict, NotFound
from app.plan import repository
from app.plan.branch_scope import BranchScope, readable_branch, writable_branch
from app.plan.repository import definitions as rows
from app.plan.service.trail import note
from app.plan.views import OwnerView
from models.identity import User
from models.plan import EventType
from models.plan_entities import EventTypeOwner


def list_owners(session: Session, actor: Actor, slug: str, event_type_id: str) -> list[OwnerView]:
    """The event type's owners, oldest first. Errors: NotFound; BadRequest for an event type of a working branch."""
    event_type = _find(session, readable_branch(session, actor, slug), event_type_id)
    return [_view(*row) for row in rows.owners_of(session, event_type.id)]


def add_owner(session: Session, actor: Actor, slug: str, event_type_id: str, user_id: str) -> OwnerView:
    """Make the person an owner. Editors and owners.

    Errors: NotFound for the event type or the person; BadRequest for an event type of a working branch; Conflict when they are.
    """
    scope = writable_branch(session, actor, slug, changes_plan=False)
    event_type = _find(session, scope, event_type_id)
    user = rows.user_by_id(session, user_id)
    if user is None:
        raise NotFound("User not found")
    if any(owner.user_id == user_id for owner, _ in rows.owners_of(session, event_type.id)):
        raise Conflict("This person is an owner of the event type already")
    owner = EventTypeOwner(event_type_id=event_type.id, user_id=user_id, granted_by=actor.user_id)
    rows.add(session, owner)
    note(session, actor, scope, "event_type_owner.add", owner.id, event_type_id=event_type.id, user_id=user_id)
    return _view(owner, user)


def remove_owner(session: Session, actor: Actor, slug: str, event_type_id: str, owner_id: str) -> None:
    """End an ownership, named by its own id. Editors and owners.

    Errors: NotFound for the event type or the ownership; BadRequest for an event type of a working branch.
    """
    scope = writable_branch(session, actor, slug, changes_plan=False)
    event_type = _find(session, scope, event_type_id)
    owner = next((owner for owner, _ in rows.owners_of(session, event_type.id) if owner.id == owner_id), None)
    if owner is None:
        raise NotFound("Owner not found")
    note(session, actor, scope, "event_type_owner.remove", owner.id, event_type_id=event_type.id, user_id=owner.user_id)
    rows.delete(session, owner)


def _find(session: Session, scope: BranchScope, event_type_id: str) -> EventType:
    found = rows.event_type_with_branch(session, scope.project.id, event_type_id)
    if found is None:
        raise NotFound("Event type not found")
    event_type, branch_kind = found
    if branch_kind != repository.MAIN:
        raise BadRequest("Owners belong to event types of main, this one is on a working branch")
    return event_type


def _view(owner: EventTypeOwner, user: User) -> OwnerView:
    return OwnerView(
        id=owner.id,
        event_type_id=owner.event_type_id,
        user_id=owner.user_id,
        user_email=user.email,
        user_name=user.name or user.email,
        granted_by=owner.granted_by,
        created_at=owner.created_at,
    )
