"""Writing the outcome of a merge into main's rows, which keep their ids (contract 11.5).

Parents are written before what hangs on them, and what frees a name before what takes it; event types go last, when nothing
that stays hangs on them any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlmodel import Session

from app.kernel.ids import new_id
from app.plan.branching import repository
from app.plan.branching.copying import copy_photos
from app.plan.branching.repository import Table
from app.plan.branching.values import write_values
from app.plan.merge import Merge, Update
from app.plan.snapshot import Entity, EntityType, Key, Snapshot
from models.plan import Event, EventType
from models.plan_entities import FieldDefinition, MetaField, Relation, Variable

Ids = Mapping[tuple[EntityType, Key], str]
"""Row ids on main by sort and natural key."""

_TABLES: Mapping[EntityType, Table] = {
    EntityType.EVENT_TYPE: EventType,
    EntityType.FIELD: FieldDefinition,
    EntityType.META_FIELD: MetaField,
    EntityType.VARIABLE: Variable,
    EntityType.EVENT: Event,
    EntityType.RELATION: Relation,
}
_DELETED_FIRST = (EntityType.RELATION, EntityType.EVENT, EntityType.VARIABLE, EntityType.FIELD, EntityType.META_FIELD)
# Relations are known by what they join and have no moment of change.
_WITHOUT_CHANGE_MOMENT = (EntityType.RELATION,)
_DERIVED = ("event_type_name", "tags", "field_values", "meta_values", "authored_fields")


def write_merge(
    session: Session, project_id: str, main_id: str, outcome: Merge, ours: Snapshot, *, user_id: str | None, now: datetime
) -> Ids:
    """Make main's rows what the outcome says; the ids of everything on main afterwards.

    `ours` is main as it was when the outcome was computed. Nothing is committed here: whatever fails leaves main untouched.
    """
    ids = _ids_after(outcome, ours)
    for sort in _DELETED_FIRST:
        repository.delete(session, _TABLES[sort], [entity.id for entity in outcome.deletes if entity.type is sort])
    identified = [update.id for update in outcome.updates if _changes_identity(update)]
    repository.clear(session, Event, "source_name", identified)
    owner = {"project_id": project_id, "branch_id": main_id}
    for sort, model in _TABLES.items():
        changed = {
            update.id: _columns(update.entity, ids) | _moment_of_change(sort, now)
            for update in outcome.updates
            if update.entity.type is sort
        }
        repository.update(session, model, changed)
        made = [entity for entity in outcome.creates if entity.type is sort]
        repository.insert(
            session,
            model,
            [
                {
                    "id": ids[(sort, entity.key)],
                    **({} if sort is EntityType.FIELD else owner),
                    **_columns(entity, ids),
                    **_moment_of_change(sort, now),
                    "created_at": now,
                }
                for entity in made
            ],
        )
    write_values(session, outcome, ids, user_id=user_id, now=now)
    gone = [entity.id for entity in outcome.deletes if entity.type is EntityType.EVENT_TYPE]
    repository.delete(session, EventType, gone)
    return ids


def bring_photos(session: Session, theirs: Snapshot, ids: Ids) -> int:
    """Copy the photos that were added on the branch to main's events, behind those already there; how many came."""
    targets = {
        entity.id: ids[(entity.type, entity.key)]
        for entity in theirs.entities
        if entity.type is EntityType.EVENT and (entity.type, entity.key) in ids
    }
    added = repository.photos_of_events(session, list(targets), is_original=True)
    if not added:
        return 0
    receivers = list({targets[row["event_id"]] for row in added})
    place: dict[str, int] = {}
    for row in repository.photos_of_events(session, receivers):
        place[row["event_id"]] = max(place.get(row["event_id"], -1), row["sort_order"])
    photos = []
    for row in added:
        event_id = targets[row["event_id"]]
        place[event_id] = place.get(event_id, -1) + 1
        photos.append(dict(row) | {"event_id": event_id, "sort_order": place[event_id], "origin_id": None})
    copy_photos(session, photos, repository.comments_of_photos(session, [row["id"] for row in added]))
    return len(photos)


def _ids_after(outcome: Merge, ours: Snapshot) -> dict[tuple[EntityType, Key], str]:
    ids = {key: entity.id for key, entity in ours.by_key.items()}
    gone: Iterable[Entity] = (*outcome.deletes, *(update.before for update in outcome.updates))
    for entity in gone:
        ids.pop((entity.type, entity.key), None)
    ids |= {(update.entity.type, update.entity.key): update.id for update in outcome.updates}
    ids |= {(entity.type, entity.key): new_id() for entity in outcome.creates}
    return ids


def _changes_identity(update: Update) -> bool:
    before, after = update.before.attributes, update.entity.attributes
    return update.entity.type is EntityType.EVENT and before.get("source_name") != after.get("source_name")


def _moment_of_change(sort: EntityType, now: datetime) -> dict[str, object]:
    return {} if sort in _WITHOUT_CHANGE_MOMENT else {"updated_at": now}


def _columns(entity: Entity, ids: Ids) -> dict[str, object]:
    """The entity's columns on main, its references led there by name."""
    columns: dict[str, object] = {name: value for name, value in entity.attributes.items() if name not in _DERIVED}
    if entity.type is EntityType.RELATION:
        source, source_field, target, target_field = entity.key
        return columns | {
            "source_event_type_id": ids[(EntityType.EVENT_TYPE, (source,))],
            "target_event_type_id": ids[(EntityType.EVENT_TYPE, (target,))],
            "source_field_id": ids[(EntityType.FIELD, (source, source_field))],
            "target_field_id": ids[(EntityType.FIELD, (target, target_field))],
        }
    columns["name"] = entity.key[-1]
    if entity.type in (EntityType.FIELD, EntityType.EVENT):
        columns["event_type_id"] = ids[(EntityType.EVENT_TYPE, entity.key[:1])]
    if entity.type is EntityType.EVENT:
        sunset_at = entity.attributes.get("sunset_at")
        columns["sunset_at"] = None if sunset_at is None else datetime.fromisoformat(str(sunset_at))
    return columns
