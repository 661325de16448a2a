"""Queries that merge events: what hangs on them moves to the one that stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.plan.repository.matching import chunks
from models.attachments import EventPhoto
from models.plan import Event
from models.plan_entities import EventFieldValue, EventMetaValue, EventTag, FieldDefinition, VariableContext

# What an event has at most once of each kind: on conflict the surviving event's own row wins.
_UNIQUE_PARTS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (EventTag, ("name",)),
    (EventMetaValue, ("meta_field_id",)),
    (EventFieldValue, ("field_definition_id",)),
    (VariableContext, ("variable_id", "field_definition_id")),
)


def events_with_values(
    session: Session, branch_id: str, event_type_id: str | None, *, without_status: str
) -> list[tuple[Event, dict[str, str], frozenset[str]]]:
    """(event, value by field name, names of its JSON fields) of the branch, or of one event type, in their order."""
    statement = sa.select(Event).where(col(Event.branch_id) == branch_id, col(Event.status) != without_status)
    if event_type_id is not None:
        statement = statement.where(col(Event.event_type_id) == event_type_id)
    events = list(session.execute(statement.order_by(col(Event.order), col(Event.created_at), col(Event.id))).scalars())
    values: dict[str, dict[str, str]] = defaultdict(dict)
    json_fields: dict[str, set[str]] = defaultdict(set)
    for portion in chunks([event.id for event in events]):
        found = sa.select(
            col(EventFieldValue.event_id), col(FieldDefinition.name), col(FieldDefinition.field_type), col(EventFieldValue.value)
        ).join(FieldDefinition, col(FieldDefinition.id) == col(EventFieldValue.field_definition_id))
        for event_id, name, field_type, value in session.execute(found.where(col(EventFieldValue.event_id).in_(portion))):
            values[event_id][name] = value
            if field_type == "json":
                json_fields[event_id].add(name)
    return [(event, values[event.id], frozenset(json_fields[event.id])) for event in events]


def events_named(session: Session, event_type_id: str, name: str) -> Event | None:
    """The event type's event that scans know by that name, or that is called so."""
    statement = (
        sa.select(Event)
        .where(col(Event.event_type_id) == event_type_id, sa.or_(col(Event.source_name) == name, col(Event.name) == name))
        .order_by(sa.case((col(Event.source_name) == name, 0), else_=1), col(Event.created_at))
    )
    return session.execute(statement.limit(1)).scalar_one_or_none()


def events_of(session: Session, event_ids: Sequence[str]) -> list[Event]:
    """The events, in the order of the ids."""
    found: dict[str, Event] = {}
    for portion in chunks(event_ids):
        statement = sa.select(Event).where(col(Event.id).in_(portion))
        found |= {event.id: event for event in session.execute(statement).scalars()}
    return [found[event_id] for event_id in event_ids if event_id in found]


def move_parts(session: Session, source: str, target: str) -> None:
    """Give the target what the source has: photos all, of the rest what the target does not have itself."""
    session.execute(sa.update(EventPhoto).where(col(EventPhoto.event_id) == source).values(event_id=target))
    for table, keys in _UNIQUE_PARTS:
        columns = [getattr(table, key) for key in keys]
        own = {tuple(row) for row in session.execute(sa.select(*columns).where(col(table.event_id) == target))}
        for row in session.execute(sa.select(table.id, *columns).where(col(table.event_id) == source)).all():
            if tuple(row[1:]) not in own:
                session.execute(
                    sa.update(table).where(col(table.id) == row[0]).values(event_id=target),
                    execution_options={"synchronize_session": False},
                )


def replace_values(session: Session, event_id: str, texts: dict[str, str]) -> None:
    """Set the event's scanned values of the fields (by name); those that people wrote stay."""
    for name, text in texts.items():
        field_ids = sa.select(col(FieldDefinition.id)).where(col(FieldDefinition.name) == name)
        session.execute(
            sa.update(EventFieldValue)
            .where(
                col(EventFieldValue.event_id) == event_id,
                col(EventFieldValue.field_definition_id).in_(field_ids),
                col(EventFieldValue.is_authored).is_(False),
            )
            .values(value=text),
            execution_options={"synchronize_session": False},
        )


def delete_events(session: Session, event_ids: Sequence[str]) -> None:
    """Delete the events with what still hangs on them."""
    for portion in chunks(event_ids):
        session.execute(sa.delete(Event).where(col(Event.id).in_(portion)), execution_options={"synchronize_session": False})
