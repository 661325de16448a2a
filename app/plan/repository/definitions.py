"""Queries on event types, fields and meta fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.plan.repository.matching import chunks
from models.identity import User
from models.plan import EventType, PlanBranch
from models.plan_entities import EventTypeOwner, FieldDefinition, MetaField

_MOST_LISTED = 1000


def event_types(session: Session, branch_id: str) -> list[EventType]:
    """The branch's event types in their order, at most 1000."""
    statement = (
        sa.select(EventType)
        .where(col(EventType.branch_id) == branch_id)
        .order_by(col(EventType.order), col(EventType.created_at), col(EventType.id))
        .limit(_MOST_LISTED)
    )
    return list(session.execute(statement).scalars())


def event_type_of_branch(session: Session, branch_id: str, event_type_id: str) -> EventType | None:
    """The event type, or None when the branch has none of that id."""
    statement = sa.select(EventType).where(col(EventType.branch_id) == branch_id, col(EventType.id) == event_type_id)
    return session.execute(statement).scalar_one_or_none()


def event_types_among(session: Session, branch_id: str, ids: Collection[str]) -> dict[str, EventType]:
    """The branch's event types among the ids."""
    found: dict[str, EventType] = {}
    for portion in chunks(list(ids)):
        statement = sa.select(EventType).where(col(EventType.branch_id) == branch_id, col(EventType.id).in_(portion))
        found |= {row.id: row for row in session.execute(statement).scalars()}
    return found


def event_type_with_branch(session: Session, project_id: str, event_type_id: str) -> tuple[EventType, str] | None:
    """The project's event type and the kind of its branch."""
    statement = (
        sa.select(EventType, col(PlanBranch.kind))
        .join(PlanBranch, col(PlanBranch.id) == col(EventType.branch_id))
        .where(col(EventType.project_id) == project_id, col(EventType.id) == event_type_id)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def is_event_type_name_taken(session: Session, branch_id: str, name: str) -> bool:
    """Whether the branch has an event type of that name."""
    statement = sa.select(col(EventType.id)).where(col(EventType.branch_id) == branch_id, col(EventType.name) == name)
    return session.execute(statement).first() is not None


def fields_of(session: Session, event_type_ids: Collection[str]) -> dict[str, list[FieldDefinition]]:
    """Fields by event type id, in their order."""
    found: dict[str, list[FieldDefinition]] = defaultdict(list)
    for portion in chunks(list(event_type_ids)):
        statement = (
            sa.select(FieldDefinition)
            .where(col(FieldDefinition.event_type_id).in_(portion))
            .order_by(col(FieldDefinition.order), col(FieldDefinition.created_at), col(FieldDefinition.id))
        )
        for field in session.execute(statement).scalars():
            found[field.event_type_id].append(field)
    return found


def field_of(session: Session, event_type_id: str, field_id: str) -> FieldDefinition | None:
    """The field, or None when the event type has none of that id."""
    statement = sa.select(FieldDefinition).where(
        col(FieldDefinition.event_type_id) == event_type_id, col(FieldDefinition.id) == field_id
    )
    return session.execute(statement).scalar_one_or_none()


def meta_fields(session: Session, branch_id: str) -> list[MetaField]:
    """The branch's meta fields in their order, at most 1000."""
    statement = (
        sa.select(MetaField)
        .where(col(MetaField.branch_id) == branch_id)
        .order_by(col(MetaField.order), col(MetaField.created_at), col(MetaField.id))
        .limit(_MOST_LISTED)
    )
    return list(session.execute(statement).scalars())


def meta_field_of_branch(session: Session, branch_id: str, meta_field_id: str) -> MetaField | None:
    """The meta field, or None when the branch has none of that id."""
    statement = sa.select(MetaField).where(col(MetaField.branch_id) == branch_id, col(MetaField.id) == meta_field_id)
    return session.execute(statement).scalar_one_or_none()


def owners_of(session: Session, event_type_id: str) -> list[tuple[EventTypeOwner, User]]:
    """(ownership, person) of the event type, oldest first."""
    statement = (
        sa.select(EventTypeOwner, User)
        .join(User, col(User.id) == col(EventTypeOwner.user_id))
        .where(col(EventTypeOwner.event_type_id) == event_type_id)
        .order_by(col(EventTypeOwner.created_at), col(EventTypeOwner.id))
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def user_by_id(session: Session, user_id: str) -> User | None:
    """A person."""
    return session.get(User, user_id)


def add(session: Session, *rows: SQLModel) -> None:
    """Write rows now."""
    session.add_all(rows)
    session.flush()


def delete(session: Session, row: SQLModel) -> None:
    """Delete the row with everything that hangs on it."""
    session.delete(row)
    session.flush()
