"""Tags, field values and meta values that a merge gives main's events, and the lines it leaves in their history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlmodel import Session

from app.kernel.ids import new_id
from app.plan.branching import repository
from app.plan.merge import Merge, Update
from app.plan.snapshot import Entity, EntityType, Key
from models.plan_entities import EventChange, EventFieldValue, EventMetaValue, EventTag

Ids = Mapping[tuple[EntityType, Key], str]
HistoryLine = tuple[str, str | None, str | None]
_SHOWN = ("description", "status", "sunset_at")


@dataclass(slots=True)
class _Values:
    """What is to be written of one sort of value; pairs are (event id, tag name or definition id)."""

    made: list[dict[str, object]] = field(default_factory=list)
    changed: dict[tuple[str, str], dict[str, object]] = field(default_factory=dict)
    gone: list[tuple[str, str]] = field(default_factory=list)


def write_values(session: Session, outcome: Merge, ids: Ids, *, user_id: str | None, now: datetime) -> None:
    """Bring the values of all created and changed events to what the outcome says; values are matched by name.

    A value that the branch changed is as authored as it is on the branch.
    """
    tags, fields, metas = _Values(), _Values(), _Values()
    for event_id, before, after in _events(outcome, ids):
        _compare_tags(tags, event_id, before, after)
        _compare_fields(fields, event_id, before, after, ids)
        _compare_metas(metas, event_id, before, after, ids)
    repository.delete_of_events(session, EventTag, "name", tags.gone)
    repository.insert(session, EventTag, tags.made)
    for model, column, values in (
        (EventFieldValue, "field_definition_id", fields),
        (EventMetaValue, "meta_field_id", metas),
    ):
        repository.delete_of_events(session, model, column, values.gone)
        repository.set_values(session, model, column, values.changed)
        repository.insert(session, model, values.made)
    updates = [update for update in outcome.updates if update.entity.type is EntityType.EVENT]
    repository.insert(
        session,
        EventChange,
        [
            {
                "id": new_id(),
                "event_id": update.id,
                "user_id": user_id,
                "field_name": name,
                "old_value": old,
                "new_value": new,
                "created_at": now,
            }
            for update in updates
            for name, old, new in _history(update)
        ],
    )


def _events(outcome: Merge, ids: Ids) -> Iterator[tuple[str, Entity | None, Entity]]:
    """(id on main, before, after) of every event whose values may differ."""
    for update in outcome.updates:
        if update.entity.type is EntityType.EVENT:
            yield update.id, update.before, update.entity
    for entity in outcome.creates:
        if entity.type is EntityType.EVENT:
            yield ids[(entity.type, entity.key)], None, entity


def _names(entity: Entity | None) -> list[str]:
    return cast(list[str], entity.attributes.get("tags") or []) if entity else []


def _values(entity: Entity | None, attribute: str) -> Mapping[str, str]:
    return cast(Mapping[str, str], entity.attributes.get(attribute) or {}) if entity else {}


def _compare_tags(tags: _Values, event_id: str, before: Entity | None, after: Entity) -> None:
    present, wanted = _names(before), _names(after)
    tags.gone += [(event_id, name) for name in present if name not in wanted]
    tags.made += [{"id": new_id(), "event_id": event_id, "name": name} for name in wanted if name not in present]


def _compare_fields(fields: _Values, event_id: str, before: Entity | None, after: Entity, ids: Ids) -> None:
    event_type = after.key[0]
    authored = cast(list[str], after.attributes.get("authored_fields") or [])
    present, wanted = _values(before, "field_values"), _values(after, "field_values")
    for name, value in wanted.items():
        definition_id = ids[(EntityType.FIELD, (event_type, name))]
        columns: dict[str, object] = {"value": value, "is_authored": name in authored}
        if name not in present:
            fields.made.append({"id": new_id(), "event_id": event_id, "field_definition_id": definition_id, **columns})
        elif present[name] != value:
            fields.changed[(event_id, definition_id)] = columns
    fields.gone += [(event_id, ids[(EntityType.FIELD, (event_type, name))]) for name in present if name not in wanted]


def _compare_metas(metas: _Values, event_id: str, before: Entity | None, after: Entity, ids: Ids) -> None:
    present, wanted = _values(before, "meta_values"), _values(after, "meta_values")
    for name, value in wanted.items():
        definition_id = ids[(EntityType.META_FIELD, (name,))]
        if name not in present:
            metas.made.append({"id": new_id(), "event_id": event_id, "meta_field_id": definition_id, "value": value})
        elif present[name] != value:
            metas.changed[(event_id, definition_id)] = {"value": value}
    metas.gone += [(event_id, ids[(EntityType.META_FIELD, (name,))]) for name in present if name not in wanted]


def _history(update: Update) -> Iterator[HistoryLine]:
    """The differences as the history of an event words them."""
    before, after = update.before, update.entity
    if before.name != after.name:
        yield "name", before.name, after.name
    for name in _SHOWN:
        old, new = before.attributes.get(name), after.attributes.get(name)
        if old != new:
            yield name, _text(old), _text(new)
    if _names(before) != _names(after):
        yield "tags", ", ".join(_names(before)) or None, ", ".join(_names(after)) or None
    for attribute, prefix in (("field_values", "field"), ("meta_values", "meta")):
        old_values, new_values = _values(before, attribute), _values(after, attribute)
        for name in dict.fromkeys([*old_values, *new_values]):
            if old_values.get(name) != new_values.get(name):
                yield f"{prefix}:{name}", old_values.get(name), new_values.get(name)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
