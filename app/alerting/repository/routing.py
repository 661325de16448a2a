"""Queries on who owns what and where members are told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col

from models.alerting import AlertDestination
from models.alerting_people import AlertContact
from models.identity import User
from models.plan import Event
from models.plan_entities import EventTypeOwner

_VALUES_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Reach:
    """A member who can be told: at a destination that is switched on, or by mail."""

    user_id: str
    name: str
    email: str | None
    destination: AlertDestination | None


def event_owners(session: Session, event_ids: Collection[str]) -> dict[str, str]:
    """The owner of each of the events that has one."""
    found: dict[str, str] = {}
    ids = sorted(event_ids)
    for start in range(0, len(ids), _VALUES_PER_STATEMENT):
        statement = sa.select(col(Event.id), col(Event.owner_id)).where(
            col(Event.id).in_(ids[start : start + _VALUES_PER_STATEMENT]), col(Event.owner_id).is_not(None)
        )
        found |= {row[0]: row[1] for row in session.execute(statement)}
    return found


def type_owners(session: Session, event_type_ids: Collection[str]) -> dict[str, list[str]]:
    """The owners of each of the event types that has any, oldest ownership first."""
    found: dict[str, list[str]] = {}
    ids = sorted(event_type_ids)
    for start in range(0, len(ids), _VALUES_PER_STATEMENT):
        statement = (
            sa.select(col(EventTypeOwner.event_type_id), col(EventTypeOwner.user_id))
            .where(col(EventTypeOwner.event_type_id).in_(ids[start : start + _VALUES_PER_STATEMENT]))
            .order_by(col(EventTypeOwner.created_at), col(EventTypeOwner.id))
        )
        for type_id, user_id in session.execute(statement):
            found.setdefault(type_id, []).append(user_id)
    return found


def reachable(session: Session, project_id: str) -> dict[str, Reach]:
    """Members who said where they are told in the project, and can be."""
    at_destination = sa.and_(
        col(AlertDestination.id) == col(AlertContact.destination_id),
        col(AlertDestination.project_id) == project_id,
        col(AlertDestination.enabled),
    )
    statement = (
        sa.select(AlertContact, User, AlertDestination)
        .join(User, col(User.id) == col(AlertContact.user_id))
        .outerjoin(AlertDestination, at_destination)
        .where(col(AlertContact.project_id) == project_id)
    )
    return {
        contact.user_id: Reach(contact.user_id, user.name or user.email, contact.email, destination)
        for contact, user, destination in session.execute(statement)
        if destination is not None or contact.email
    }


def contact_of(session: Session, project_id: str, user_id: str) -> AlertContact | None:
    """What a member said about where they are told."""
    return session.get(AlertContact, (project_id, user_id), populate_existing=True)
