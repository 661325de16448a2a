"""A whole plan as a value: what revisions store, and what diff and merge compare.

An entity is known by its natural key, because a branch is a copy under other ids (contract 11.3):
event type (name), field (event type, name), event (event type, name), variable (name), meta field (name),
relation (source type, source field, target type, target field).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

Key = tuple[str, ...]


class EntityType(StrEnum):
    """The six sorts of entities of a plan, in the order a diff lists them."""

    EVENT_TYPE = "event_type"
    FIELD = "field_definition"
    EVENT = "event"
    VARIABLE = "variable"
    META_FIELD = "meta_field"
    RELATION = "relation"


COMPARED: Mapping[EntityType, tuple[str, ...]] = {
    EntityType.EVENT_TYPE: ("display_name", "description", "color"),
    EntityType.FIELD: (
        "field_type",
        "is_required",
        "enum_options",
        "description",
        "sensitivity",
        "contract_required_max_null_rate",
        "contract_regex",
        "contract_min_value",
        "contract_max_value",
        "contract_max_bad_rate",
    ),
    EntityType.EVENT: ("description", "status", "sunset_at", "event_type_name", "tags", "field_values", "meta_values"),
    EntityType.VARIABLE: ("variable_type", "source_name", "description"),
    EntityType.META_FIELD: ("field_type", "is_required", "enum_options", "default_value", "link_template", "sensitivity"),
    EntityType.RELATION: ("relation_type", "description"),
}
"""Attributes whose difference is a change to a reader (contract 11.3; an event's tags and values are ours)."""

QUIET: Mapping[EntityType, tuple[str, ...]] = {
    EntityType.EVENT_TYPE: ("order",),
    EntityType.FIELD: ("display_name", "order"),
    EntityType.EVENT: ("order", "source_name", "owner_id", "reviewed", "metric_breakdown_columns"),
    EntityType.VARIABLE: (),
    EntityType.META_FIELD: ("display_name", "order"),
    EntityType.RELATION: (),
}
"""Attributes that a merge carries along and that no diff shows and no conflict arises from, event type order excepted."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity. `origin_id` is the id on main that a branch's copy was made from; it makes a rename recognisable."""

    type: EntityType
    key: Key
    id: str
    attributes: Mapping[str, object] = field(hash=False)
    origin_id: str | None = None

    @property
    def name(self) -> str:
        """What a person calls it; a relation is `Source.field → Target.field`."""
        if self.type is EntityType.RELATION:
            source, source_field, target, target_field = self.key
            return f"{source}.{source_field} \u2192 {target}.{target_field}"
        return self.key[-1]

    @property
    def parent(self) -> str | None:
        """The event type's name for a field or an event."""
        return self.key[0] if self.type in (EntityType.FIELD, EntityType.EVENT) else None

    def compared(self) -> tuple[object, ...]:
        """The values a diff looks at."""
        return tuple(self.attributes.get(name) for name in COMPARED[self.type])

    def required_parents(self) -> Iterator[tuple[EntityType, Key]]:
        """The entities without which this one cannot exist."""
        if self.type in (EntityType.FIELD, EntityType.EVENT):
            yield EntityType.EVENT_TYPE, self.key[:1]
        elif self.type is EntityType.RELATION:
            source, source_field, target, target_field = self.key
            yield EntityType.FIELD, (source, source_field)
            yield EntityType.FIELD, (target, target_field)


@dataclass(frozen=True)
class Snapshot:
    """An immutable plan."""

    entities: tuple[Entity, ...]

    @classmethod
    def of(cls, entities: Iterable[Entity]) -> Snapshot:
        """A plan with its entities in a fixed order, whatever order they came in."""
        ranks = {sort: rank for rank, sort in enumerate(EntityType)}
        return cls(tuple(sorted(entities, key=lambda entity: (ranks[entity.type], entity.key))))

    @cached_property
    def by_key(self) -> Mapping[tuple[EntityType, Key], Entity]:
        """Entities by sort and natural key."""
        return {(entity.type, entity.key): entity for entity in self.entities}

    def get(self, sort: EntityType, key: Key) -> Entity | None:
        """The entity, or None."""
        return self.by_key.get((sort, key))

    def counts(self) -> dict[str, int]:
        """Entities per sort under the names of the contract's `entity_counts`."""
        names = {
            EntityType.EVENT_TYPE: "event_types",
            EntityType.FIELD: "fields",
            EntityType.EVENT: "events",
            EntityType.VARIABLE: "variables",
            EntityType.META_FIELD: "meta_fields",
            EntityType.RELATION: "relations",
        }
        result = dict.fromkeys(names.values(), 0)
        for entity in self.entities:
            result[names[entity.type]] += 1
        return result
