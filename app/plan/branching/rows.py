"""A branch's rows read at once, and the snapshot they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.plan.branching import repository
from app.plan.branching.repository import Row
from app.plan.snapshot import COMPARED, QUIET, Entity, EntityType, Snapshot
from models.plan import Event, EventType
from models.plan_entities import (
    EventFieldValue,
    EventMetaValue,
    EventTag,
    FieldDefinition,
    MetaField,
    Relation,
    Variable,
)


@dataclass(frozen=True, slots=True)
class PlanRows:
    """Everything that a branch holds, row by row."""

    event_types: Sequence[Row]
    fields: Sequence[Row]
    meta_fields: Sequence[Row]
    variables: Sequence[Row]
    events: Sequence[Row]
    tags: Sequence[Row]
    field_values: Sequence[Row]
    meta_values: Sequence[Row]
    relations: Sequence[Row]


_COMPARED_OF_EVENTS: dict[repository.Table, tuple[str, ...]] = {
    EventTag: ("event_id", "name"),
    EventFieldValue: ("event_id", "field_definition_id", "value", "is_authored"),
    EventMetaValue: ("event_id", "meta_field_id", "value"),
}
"""What a snapshot takes of the tables that hold several rows for each event."""


def load(session: Session, branch_id: str) -> PlanRows:
    """The branch's rows with all their columns: nine queries however large the plan is."""
    return _load(session, branch_id, {})


def _load(session: Session, branch_id: str, columns: Mapping[repository.Table, tuple[str, ...]]) -> PlanRows:
    return PlanRows(
        event_types=repository.plan_rows(session, EventType, branch_id),
        fields=repository.plan_rows(session, FieldDefinition, branch_id),
        meta_fields=repository.plan_rows(session, MetaField, branch_id),
        variables=repository.plan_rows(session, Variable, branch_id),
        events=repository.plan_rows(session, Event, branch_id),
        tags=repository.plan_rows(session, EventTag, branch_id, columns.get(EventTag, ())),
        field_values=repository.plan_rows(session, EventFieldValue, branch_id, columns.get(EventFieldValue, ())),
        meta_values=repository.plan_rows(session, EventMetaValue, branch_id, columns.get(EventMetaValue, ())),
        relations=repository.plan_rows(session, Relation, branch_id),
    )


def load_snapshot(session: Session, branch_id: str) -> Snapshot:
    """The branch as it is now."""
    return snapshot_of(_load(session, branch_id, _COMPARED_OF_EVENTS))


def snapshot_of(rows: PlanRows) -> Snapshot:
    """The rows as one value. Every attribute is plain JSON, so that it equals what a stored revision gives back.

    An event also carries `authored_fields`, the names of fields whose value a person wrote; nothing compares it.
    """
    types = {row["id"]: row["name"] for row in rows.event_types}
    fields = {row["id"]: (types[row["event_type_id"]], row["name"]) for row in rows.fields}
    return Snapshot.of(
        [
            *(_plain(EntityType.EVENT_TYPE, (row["name"],), row) for row in rows.event_types),
            *(_plain(EntityType.FIELD, fields[row["id"]], row) for row in rows.fields),
            *_events(rows, types, {field_id: name for field_id, (_, name) in fields.items()}),
            *(_plain(EntityType.VARIABLE, (row["name"],), row) for row in rows.variables),
            *(_plain(EntityType.META_FIELD, (row["name"],), row) for row in rows.meta_fields),
            *(
                _plain(EntityType.RELATION, (*fields[row["source_field_id"]], *fields[row["target_field_id"]]), row)
                for row in rows.relations
            ),
        ]
    )


def _plain(sort: EntityType, key: tuple[str, ...], row: Row) -> Entity:
    attributes = {name: row[name] for name in (*COMPARED[sort], *QUIET[sort])}
    return Entity(sort, key, row["id"], attributes, row.get("origin_id"))


def _events(rows: PlanRows, types: Mapping[str, str], fields: Mapping[str, str]) -> Iterator[Entity]:
    metas = {row["id"]: row["name"] for row in rows.meta_fields}
    tags: dict[str, list[str]] = defaultdict(list)
    for row in rows.tags:
        tags[row["event_id"]].append(row["name"])
    values: dict[str, dict[str, str]] = defaultdict(dict)
    authored: dict[str, list[str]] = defaultdict(list)
    for row in rows.field_values:
        name = fields[row["field_definition_id"]]
        values[row["event_id"]][name] = row["value"]
        if row["is_authored"]:
            authored[row["event_id"]].append(name)
    meta_values: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows.meta_values:
        meta_values[row["event_id"]][metas[row["meta_field_id"]]] = row["value"]
    derived = {"sunset_at", "event_type_name", "tags", "field_values", "meta_values"}
    direct = [name for name in (*COMPARED[EntityType.EVENT], *QUIET[EntityType.EVENT]) if name not in derived]
    for row in rows.events:
        event_id, event_type = row["id"], types[row["event_type_id"]]
        sunset_at: datetime | None = row["sunset_at"]
        attributes: dict[str, object] = {name: row[name] for name in direct}
        attributes |= {
            "sunset_at": None if sunset_at is None else sunset_at.isoformat(),
            "event_type_name": event_type,
            "tags": sorted(tags.get(event_id, ())),
            "field_values": dict(sorted(values.get(event_id, {}).items())),
            "meta_values": dict(sorted(meta_values.get(event_id, {}).items())),
            "authored_fields": sorted(authored.get(event_id, ())),
        }
        yield Entity(EntityType.EVENT, (event_type, row["name"]), event_id, attributes, row["origin_id"])
