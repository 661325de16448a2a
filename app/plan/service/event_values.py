"""Tags and values of one event replaced as a whole, with what the history says about it (contract 2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from app.plan.drafts import Values
from app.plan.repository import definitions
from app.plan.repository import events as rows
from app.plan.rules import checked_values
from models.plan import Event
from models.plan_entities import EventFieldValue, EventMetaValue, EventTag

Row = TypeVar("Row", EventFieldValue, EventMetaValue)

History = list[tuple[str, str | None, str | None]]
"""(attribute, before, after) for each that changed."""


def moment_text(moment: datetime | None) -> str | None:
    """An instant as the history shows it."""
    return None if moment is None else moment.isoformat()


def tags_text(names: list[str]) -> str | None:
    """Tags as the history shows them."""
    return ", ".join(sorted(names)) or None


def replace_tags(session: Session, event: Event, wanted: list[str]) -> History:
    """Give the event exactly these tags."""
    present = {tag.name: tag for tag in rows.tags_of(session, [event.id]).get(event.id, ())}
    if set(wanted) == present.keys():
        return []
    for name, tag in present.items():
        if name not in wanted:
            session.delete(tag)
    session.add_all(EventTag(event_id=event.id, name=name) for name in wanted if name not in present)
    return [("tags", tags_text(list(present)), tags_text(wanted))]


def replace_field_values(session: Session, event: Event, values: Values) -> History:
    """Give the event exactly these values; what a person wrote anew is authored, what stays the same stays as it is."""
    fields = {field.id: field for field in definitions.fields_of(session, [event.event_type_id]).get(event.event_type_id, ())}
    wanted = checked_values(values, fields, field="field_values", what="field")
    present = {value.field_definition_id: value for value, _ in rows.field_values_of(session, [event.id]).get(event.id, ())}
    for field_id, row in present.items():
        row.is_authored = row.is_authored or wanted.get(field_id, row.value) != row.value
    return _replace(
        session,
        present,
        wanted,
        {field.id: f"field:{field.name}" for field in fields.values()},
        lambda field_id, value: EventFieldValue(event_id=event.id, field_definition_id=field_id, value=value),
    )


def replace_meta_values(session: Session, event: Event, values: Values) -> History:
    """Give the event exactly these values of the branch's meta fields."""
    metas = {meta.id: meta for meta in definitions.meta_fields(session, event.branch_id)}
    wanted = checked_values(values, metas, field="meta_values", what="meta field")
    return _replace(
        session,
        {value.meta_field_id: value for value, _ in rows.meta_values_of(session, [event.id]).get(event.id, ())},
        wanted,
        {meta.id: f"meta:{meta.name}" for meta in metas.values()},
        lambda meta_id, value: EventMetaValue(event_id=event.id, meta_field_id=meta_id, value=value),
    )


def _replace(
    session: Session,
    present: Mapping[str, Row],
    wanted: Mapping[str, str],
    names: Mapping[str, str],
    make: Callable[[str, str], Row],
) -> History:
    before: dict[str, str] = {definition_id: row.value for definition_id, row in present.items()}
    for definition_id, row in present.items():
        if definition_id not in wanted:
            session.delete(row)
        else:
            row.value = wanted[definition_id]
    session.add_all(make(key, value) for key, value in wanted.items() if key not in present)
    return [
        (names[key], before.get(key), wanted.get(key))
        for key in dict.fromkeys([*before, *wanted])
        if before.get(key) != wanted.get(key)
    ]
