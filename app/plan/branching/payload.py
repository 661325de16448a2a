"""A snapshot as a revision stores it, and back (contract section 10; `PlanSnapshot` in the API)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from app.plan.snapshot import COMPARED, QUIET, Entity, EntityType, Key, Snapshot

Payload = dict[str, object]

_LISTS = {
    EntityType.EVENT_TYPE: "event_types",
    EntityType.EVENT: "events",
    EntityType.VARIABLE: "variables",
    EntityType.META_FIELD: "meta_fields",
    EntityType.RELATION: "relations",
}


def payload_of(plan: Snapshot) -> Payload:
    """The plan as plain JSON: lists by name, relations by their four names, fields inside their event type."""
    event_type_ids = {entity.key[0]: entity.id for entity in plan.entities if entity.type is EntityType.EVENT_TYPE}
    payload: dict[str, list[dict[str, object]]] = {name: [] for name in _LISTS.values()}
    fields: dict[str, list[dict[str, object]]] = defaultdict(list)
    for entity in plan.entities:
        entry = {"id": entity.id, **_names(entity, event_type_ids), **entity.attributes}
        entry.pop("authored_fields", None)
        if entity.type is EntityType.FIELD:
            fields[entity.key[0]].append(entry)
        else:
            payload[_LISTS[entity.type]].append(entry)
    for entry in payload["event_types"]:
        entry["field_definitions"] = fields.get(str(entry["name"]), [])
    payload["events"].sort(key=lambda entry: (entry["name"], entry["event_type_name"]))
    return cast(Payload, payload)


def _names(entity: Entity, event_type_ids: Mapping[str, str]) -> dict[str, object]:
    if entity.type is EntityType.RELATION:
        source, source_field, target, target_field = entity.key
        return {
            "source_event_type_id": event_type_ids[source],
            "source_event_type_name": source,
            "target_event_type_id": event_type_ids[target],
            "target_event_type_name": target,
            "source_field_name": source_field,
            "target_field_name": target_field,
        }
    if entity.type is EntityType.EVENT:
        return {"name": entity.key[1], "event_type_id": event_type_ids[entity.key[0]]}
    return {"name": entity.key[-1]}


def snapshot_from(payload: Mapping[str, object]) -> Snapshot:
    """The plan that `payload_of` wrote down."""
    return Snapshot.of(_entities(payload))


def _entities(payload: Mapping[str, object]) -> Iterator[Entity]:
    for entry in _entries(payload, "event_types"):
        yield _entity(EntityType.EVENT_TYPE, (entry["name"],), entry)
        for field in _entries(entry, "field_definitions"):
            yield _entity(EntityType.FIELD, (entry["name"], field["name"]), field)
    for entry in _entries(payload, "events"):
        yield _entity(EntityType.EVENT, (entry["event_type_name"], entry["name"]), entry)
    for entry in _entries(payload, "variables"):
        yield _entity(EntityType.VARIABLE, (entry["name"],), entry)
    for entry in _entries(payload, "meta_fields"):
        yield _entity(EntityType.META_FIELD, (entry["name"],), entry)
    for entry in _entries(payload, "relations"):
        key = (
            entry["source_event_type_name"],
            entry["source_field_name"],
            entry["target_event_type_name"],
            entry["target_field_name"],
        )
        yield _entity(EntityType.RELATION, key, entry)


def _entries(holder: Mapping[str, object], name: str) -> Sequence[Mapping[str, Any]]:
    return cast(Sequence[Mapping[str, Any]], holder.get(name) or ())


def _entity(sort: EntityType, key: Key, entry: Mapping[str, Any]) -> Entity:
    return Entity(sort, key, entry["id"], {name: entry.get(name) for name in (*COMPARED[sort], *QUIET[sort])})
