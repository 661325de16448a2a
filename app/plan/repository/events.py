"""Queries on events with their tags and values, a fixed number of them however many events there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.plan.drafts import EventFilter
from app.plan.repository.matching import chunks, contains
from models.identity import User
from models.plan import Event, EventType
from models.plan_entities import (
    EventChange,
    EventFieldValue,
    EventMetaValue,
    EventTag,
    FieldDefinition,
    MetaField,
    Variable,
    VariableContext,
)

EventRow = tuple[Event, str, str, str]
"""An event with its event type's name, display name and colour."""


def _with_type() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(Event, col(EventType.name), col(EventType.display_name), col(EventType.color))
        .join(EventType, col(EventType.id) == col(Event.event_type_id))
        .execution_options(populate_existing=True)
    )


def filtered_page(
    session: Session, branch_id: str, wanted: EventFilter, *, now: datetime, limit: int, offset: int
) -> tuple[list[EventRow], int]:
    """One page of the branch's events in the order of lists (contract 2.4), and how many match before slicing."""
    conditions = _conditions(branch_id, wanted, now)
    total = session.execute(sa.select(sa.func.count()).select_from(Event).where(*conditions)).scalar_one()
    statement = _with_type().where(*conditions).order_by(*_LIST_ORDER).limit(limit).offset(offset)
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(statement)], total


_LIST_ORDER = (col(Event.order), col(Event.created_at).desc(), col(Event.id))


def sorting_rows(
    session: Session, branch_id: str, wanted: EventFilter, *, now: datetime
) -> list[tuple[str, str, str, str, datetime | None]]:
    """(id, name, event type's display name, status, last seen) of every event that matches, without making objects of them."""
    statement = (
        sa.select(col(Event.id), col(Event.name), col(EventType.display_name), col(Event.status), col(Event.last_seen_at))
        .join(EventType, col(EventType.id) == col(Event.event_type_id))
        .where(*_conditions(branch_id, wanted, now))
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in session.execute(statement)]


def _conditions(branch_id: str, wanted: EventFilter, now: datetime) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [col(Event.branch_id) == branch_id]
    if wanted.event_type_id is not None:
        conditions.append(col(Event.event_type_id) == wanted.event_type_id)
    if wanted.search:
        columns = (col(Event.name), col(Event.description), col(Event.source_name))
        conditions.append(sa.or_(*(contains(column, wanted.search) for column in columns)))
    if wanted.statuses:
        conditions.append(col(Event.status).in_(wanted.statuses))
    if wanted.tag:
        conditions.append(_has(EventTag, col(EventTag.name) == wanted.tag))
    if wanted.silent_since_days is not None:
        since = datetime.fromtimestamp(now.timestamp() - wanted.silent_since_days * 86_400, tz=now.tzinfo)
        conditions.append(sa.or_(col(Event.last_seen_at).is_(None), col(Event.last_seen_at) < since))
    if wanted.field_value:
        conditions.append(_has(EventFieldValue, contains(col(EventFieldValue.value), wanted.field_value)))
    if wanted.meta_value:
        conditions.append(_has(EventMetaValue, contains(col(EventMetaValue.value), wanted.meta_value)))
    return conditions


def _has(table: type[EventTag] | type[EventFieldValue] | type[EventMetaValue], condition: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(table.event_id) == col(Event.id), condition)


def events_of_branch(session: Session, branch_id: str, event_ids: Sequence[str]) -> dict[str, EventRow]:
    """The branch's events among the ids; unknown ids are left out."""
    found: dict[str, EventRow] = {}
    for portion in chunks(event_ids):
        statement = _with_type().where(col(Event.branch_id) == branch_id, col(Event.id).in_(portion))
        found |= {row[0].id: (row[0], row[1], row[2], row[3]) for row in session.execute(statement)}
    return found


def tags_of(session: Session, event_ids: Sequence[str]) -> dict[str, list[EventTag]]:
    """Tags by event id, by name."""
    found: dict[str, list[EventTag]] = defaultdict(list)
    for portion in chunks(event_ids):
        statement = sa.select(EventTag).where(col(EventTag.event_id).in_(portion)).order_by(col(EventTag.name))
        for tag in session.execute(statement).scalars():
            found[tag.event_id].append(tag)
    return found


def field_values_of(session: Session, event_ids: Sequence[str]) -> dict[str, list[tuple[EventFieldValue, str]]]:
    """(value, field name) by event id, in the order of the fields."""
    found: dict[str, list[tuple[EventFieldValue, str]]] = defaultdict(list)
    for portion in chunks(event_ids):
        statement = (
            sa.select(EventFieldValue, col(FieldDefinition.name))
            .join(FieldDefinition, col(FieldDefinition.id) == col(EventFieldValue.field_definition_id))
            .where(col(EventFieldValue.event_id).in_(portion))
            .order_by(col(FieldDefinition.order), col(FieldDefinition.created_at), col(FieldDefinition.id))
            .execution_options(populate_existing=True)
        )
        for value, name in session.execute(statement):
            found[value.event_id].append((value, name))
    return found


def meta_values_of(session: Session, event_ids: Sequence[str]) -> dict[str, list[tuple[EventMetaValue, str]]]:
    """(value, meta field name) by event id, in the order of the meta fields."""
    found: dict[str, list[tuple[EventMetaValue, str]]] = defaultdict(list)
    for portion in chunks(event_ids):
        statement = (
            sa.select(EventMetaValue, col(MetaField.name))
            .join(MetaField, col(MetaField.id) == col(EventMetaValue.meta_field_id))
            .where(col(EventMetaValue.event_id).in_(portion))
            .order_by(col(MetaField.order), col(MetaField.created_at), col(MetaField.id))
            .execution_options(populate_existing=True)
        )
        for value, name in session.execute(statement):
            found[value.event_id].append((value, name))
    return found


def contexts_of(session: Session, event_ids: Sequence[str]) -> dict[tuple[str, str], list[tuple[VariableContext, str]]]:
    """(context, variable name) by (event id, field definition id), by variable name."""
    found: dict[tuple[str, str], list[tuple[VariableContext, str]]] = defaultdict(list)
    for portion in chunks(event_ids):
        statement = (
            sa.select(VariableContext, col(Variable.name))
            .join(Variable, col(Variable.id) == col(VariableContext.variable_id))
            .where(col(VariableContext.event_id).in_(portion))
            .order_by(col(Variable.name), col(VariableContext.id))
        )
        for context, name in session.execute(statement):
            found[(context.event_id, context.field_definition_id)].append((context, name))
    return found


def distinct_tags(session: Session, branch_id: str) -> list[str]:
    """Every tag of the branch once, by name."""
    statement = (
        sa.select(col(EventTag.name))
        .join(Event, col(Event.id) == col(EventTag.event_id))
        .where(col(Event.branch_id) == branch_id)
        .distinct()
        .order_by(col(EventTag.name))
    )
    return list(session.execute(statement).scalars())


def identities_in_use(session: Session, branch_id: str, names: Sequence[str]) -> list[tuple[str, str, str, str | None]]:
    """(event id, event type id, name, source name) of the branch's events that carry one of the names in either place."""
    found: dict[str, tuple[str, str, str, str | None]] = {}
    for portion in chunks(names):
        statement = sa.select(col(Event.id), col(Event.event_type_id), col(Event.name), col(Event.source_name)).where(
            col(Event.branch_id) == branch_id,
            sa.or_(col(Event.name).in_(portion), col(Event.source_name).in_(portion)),
        )
        found |= {row[0]: (row[0], row[1], row[2], row[3]) for row in session.execute(statement)}
    return list(found.values())


def ordering(session: Session, branch_id: str) -> list[tuple[str, int]]:
    """(event id, order) of the whole branch in the order of lists."""
    statement = sa.select(col(Event.id), col(Event.order)).where(col(Event.branch_id) == branch_id).order_by(*_LIST_ORDER)
    return [(row[0], row[1]) for row in session.execute(statement)]


def set_order(session: Session, orders: Mapping[str, int]) -> None:
    """Give events (by id) their place; `updated_at` stays, nobody edited what the event says."""
    if not orders:
        return
    events = cast(sa.Table, Event.__table__)  # type: ignore[attr-defined]
    statement = (
        sa.update(events)
        .where(events.c.id == sa.bindparam("event"))
        .values(order=sa.bindparam("place"), updated_at=events.c.updated_at)
    )
    session.connection().execute(statement, [{"event": key, "place": place} for key, place in orders.items()])


def insert_rows(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows of one table at once; ids and moments come from the table's defaults where left out."""
    if rows:
        session.execute(sa.insert(table), list(rows))


def update_events(session: Session, event_ids: Sequence[str], values: Mapping[str, Any]) -> None:
    """Set the same attributes in many events."""
    for portion in chunks(event_ids):
        session.execute(sa.update(Event).where(col(Event.id).in_(portion)).values(**values))


def delete_events(session: Session, event_ids: Sequence[str]) -> None:
    """Delete events with everything that hangs on them."""
    for portion in chunks(event_ids):
        session.execute(sa.delete(Event).where(col(Event.id).in_(portion)))


def changes_of(session: Session, event_id: str) -> list[tuple[EventChange, str | None]]:
    """(change, email of who made it) of the event, newest first."""
    statement = (
        sa.select(EventChange, col(User.email))
        .outerjoin(User, col(User.id) == col(EventChange.user_id))
        .where(col(EventChange.event_id) == event_id)
        .order_by(col(EventChange.created_at).desc(), col(EventChange.id).desc())
    )
    return [(row[0], row[1]) for row in session.execute(statement)]
