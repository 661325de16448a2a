"""Three-way merge of a branch into main, as a pure function over snapshots (contract 11.4, 11.5).

The rule per entity, with base (main when the branch was made), ours (main now) and theirs (the branch now):

1. theirs equals base: main keeps its version.
2. ours equals base: the branch's version wins, a deletion included.
3. ours equals theirs: nothing to do.
4. otherwise both sides moved apart. Event-type metadata is settled attribute by attribute, with a stored choice where both
   sides changed the same one; everything else blocks the merge.

What one side deletes and the other hangs something below (an event in a removed event type) blocks as well, and so do two
events that scans would know by the same name. Values of a field that does not survive go with it and count as no change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.plan.snapshot import COMPARED, QUIET, Entity, EntityType, Key, Snapshot

RESOLVABLE = ("display_name", "description", "color", "order")


class Choice(StrEnum):
    """Whose value a resolved conflict takes: ours is main's, theirs the branch's."""

    OURS = "ours"
    THEIRS = "theirs"


Choices = Mapping[tuple[str, str], Choice]
"""Stored choices by (event type name, attribute)."""


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """An attribute of an event type that both sides changed to different values."""

    event_type: str
    attribute: str
    base: object
    ours: object
    theirs: object
    choice: Choice | None


@dataclass(frozen=True, slots=True)
class EntityConflict:
    """An entity that blocks the merge, with the reason as a sentence."""

    type: EntityType
    name: str
    parent: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Update:
    """A row of main that stays under its id and takes the attributes of `entity` (and its key: a rename)."""

    id: str
    before: Entity
    entity: Entity


@dataclass(frozen=True, slots=True)
class Merge:
    """Everything a merge would do to main, and everything that stands in its way."""

    creates: tuple[Entity, ...]
    updates: tuple[Update, ...]
    deletes: tuple[Entity, ...]
    field_conflicts: tuple[FieldConflict, ...]
    conflicts: tuple[EntityConflict, ...]

    @property
    def unresolved(self) -> tuple[FieldConflict, ...]:
        """Inline conflicts without a choice."""
        return tuple(conflict for conflict in self.field_conflicts if conflict.choice is None)


def merge(base: Snapshot, ours: Snapshot, theirs: Snapshot, choices: Choices | None = None) -> Merge:
    """What merging `theirs` into `ours` does. Nothing is done when `conflicts` or `unresolved` is not empty."""
    choices = choices or {}
    result: dict[tuple[EntityType, Key], Entity] = {}
    field_conflicts: list[FieldConflict] = []
    conflicts: list[EntityConflict] = []

    def settle(keys: Iterable[tuple[EntityType, Key]]) -> None:
        for key in keys:
            versions = base.by_key.get(key), ours.by_key.get(key), theirs.by_key.get(key)
            merged = _merge_entity(*versions, choices, field_conflicts, conflicts)
            if merged is not None:
                result[key] = merged

    keys = dict.fromkeys([*base.by_key, *ours.by_key, *theirs.by_key])
    settle(key for key in keys if key[0] is not EntityType.EVENT)
    base, ours, theirs = (_without_lost_values(side, result) for side in (base, ours, theirs))
    settle(key for key in keys if key[0] is EntityType.EVENT)
    conflicts += _orphans(result)
    conflicts += _shared_identities(ours, result)
    return _operations(base, ours, theirs, result, field_conflicts, conflicts)


def _without_lost_values(plan: Snapshot, present: Mapping[tuple[EntityType, Key], Entity]) -> Snapshot:
    """The plan with only those values in its events whose field or meta field is present."""
    lost = {
        (entity.type, entity.key)
        for entity in plan.entities
        if entity.type in (EntityType.FIELD, EntityType.META_FIELD) and (entity.type, entity.key) not in present
    }
    return Snapshot(tuple(_without(entity, lost) for entity in plan.entities)) if lost else plan


def _without(entity: Entity, lost: Collection[tuple[EntityType, Key]]) -> Entity:
    if entity.type is not EntityType.EVENT:
        return entity
    fields, metas = entity.attributes.get("field_values"), entity.attributes.get("meta_values")
    kept: dict[str, object] = {}
    if isinstance(fields, Mapping) and any((EntityType.FIELD, (entity.key[0], name)) in lost for name in fields):
        kept["field_values"] = {
            name: value for name, value in fields.items() if (EntityType.FIELD, (entity.key[0], name)) not in lost
        }
    if isinstance(metas, Mapping) and any((EntityType.META_FIELD, (name,)) in lost for name in metas):
        kept["meta_values"] = {name: value for name, value in metas.items() if (EntityType.META_FIELD, (name,)) not in lost}
    return replace(entity, attributes={**entity.attributes, **kept}) if kept else entity


def _merge_entity(
    base: Entity | None,
    ours: Entity | None,
    theirs: Entity | None,
    choices: Choices,
    field_conflicts: list[FieldConflict],
    conflicts: list[EntityConflict],
) -> Entity | None:
    """The merged version, None when it is gone; conflicts are added to the lists."""
    if _same(theirs, base):
        return _with_quiet(base, ours, theirs)
    if _same(ours, base):
        return _carry(base, ours, theirs)
    if _same(ours, theirs):
        return _with_quiet(base, ours, theirs)
    if ours is not None and theirs is not None and ours.type is EntityType.EVENT_TYPE:
        return _merge_metadata(base, ours, theirs, choices, field_conflicts)
    known = ours or theirs
    assert known is not None
    conflicts.append(EntityConflict(known.type, known.name, known.parent, _reason(base, ours, theirs)))
    return ours


def _same(one: Entity | None, other: Entity | None) -> bool:
    if one is None or other is None:
        return one is other
    if one.type is EntityType.EVENT_TYPE:  # its order is metadata that a person settles
        return one.compared() == other.compared() and one.attributes.get("order") == other.attributes.get("order")
    return one.compared() == other.compared()


def _with_quiet(base: Entity | None, ours: Entity | None, theirs: Entity | None) -> Entity | None:
    """Main's version, with quiet attributes that only the branch changed."""
    if base is None or ours is None or theirs is None:
        return ours
    taken = {
        name: theirs.attributes.get(name)
        for name in QUIET[ours.type]
        if theirs.attributes.get(name) != base.attributes.get(name) and ours.attributes.get(name) == base.attributes.get(name)
    }
    return replace(ours, attributes={**ours.attributes, **taken}) if taken else ours


def _carry(base: Entity | None, ours: Entity | None, theirs: Entity | None) -> Entity | None:
    """The branch's version, with quiet attributes that main changed meanwhile."""
    if base is None or ours is None or theirs is None:
        return theirs
    kept = {name: ours.attributes.get(name) for name in QUIET[ours.type] if ours.attributes.get(name) != base.attributes.get(name)}
    return replace(theirs, attributes={**theirs.attributes, **kept})


def _merge_metadata(base: Entity | None, ours: Entity, theirs: Entity, choices: Choices, found: list[FieldConflict]) -> Entity:
    """An event type that both sides changed, attribute by attribute."""
    values: dict[str, object] = dict(ours.attributes)
    for name in RESOLVABLE:
        before = base.attributes.get(name) if base else None
        mine, other = ours.attributes.get(name), theirs.attributes.get(name)
        if mine == other or other == before:
            continue
        if mine == before:
            values[name] = other
            continue
        choice = choices.get((ours.key[0], name))
        found.append(FieldConflict(ours.key[0], name, before, mine, other, choice))
        if choice is Choice.THEIRS:
            values[name] = other
    return replace(ours, attributes=values)


def _reason(base: Entity | None, ours: Entity | None, theirs: Entity | None) -> str:
    if base is None:
        return "added differently on main and on the branch"
    if ours is None:
        return "removed on main and changed on the branch"
    if theirs is None:
        return "changed on main and removed on the branch"
    return "changed differently on main and on the branch"


def _orphans(result: Mapping[tuple[EntityType, Key], Entity]) -> Iterator[EntityConflict]:
    for entity in result.values():
        for sort, key in entity.required_parents():
            if (sort, key) not in result:
                what = "event type" if sort is EntityType.EVENT_TYPE else "field"
                reason = f"needs the {what} {'.'.join(key)}, which the other side removed"
                yield EntityConflict(entity.type, entity.name, entity.parent, reason)
                break


def _shared_identities(ours: Snapshot, result: Mapping[tuple[EntityType, Key], Entity]) -> Iterator[EntityConflict]:
    """Events to which the merge would give the name by which scans know another event of the same type."""
    holders: dict[tuple[str, object], list[Entity]] = defaultdict(list)
    for entity in result.values():
        source_name = entity.attributes.get("source_name")
        if entity.type is EntityType.EVENT and source_name is not None:
            holders[(entity.key[0], source_name)].append(entity)
    for (_, source_name), entities in holders.items():
        if len(entities) > 1:
            for entity in entities:
                before = ours.get(entity.type, entity.key)
                if before is None or before.attributes.get("source_name") != source_name:
                    reason = f"scans know another event as {source_name}"
                    yield EntityConflict(entity.type, entity.name, entity.parent, reason)


def _operations(
    base: Snapshot,
    ours: Snapshot,
    theirs: Snapshot,
    result: Mapping[tuple[EntityType, Key], Entity],
    field_conflicts: list[FieldConflict],
    conflicts: list[EntityConflict],
) -> Merge:
    gone = {entity.id: entity for key, entity in ours.by_key.items() if key not in result}
    creates: list[Entity] = []
    updates: list[Update] = []
    for key, entity in result.items():
        before = ours.by_key.get(key)
        if before is not None:
            if _content(before) != _content(entity):
                updates.append(Update(before.id, before, entity))
            continue
        source = theirs.by_key.get(key)
        origin = gone.pop(source.origin_id, None) if source and source.origin_id else None
        if origin is not None and origin.type is entity.type:
            # A rename: the row, its metrics and its history stay, and so does what a scan on main wrote into it meanwhile.
            updates.append(Update(origin.id, origin, _carry(base.get(origin.type, origin.key), origin, entity) or entity))
        else:
            creates.append(entity)
    return Merge(
        Snapshot.of(creates).entities,
        tuple(updates),
        Snapshot.of(gone.values()).entities,
        tuple(sorted(field_conflicts, key=lambda conflict: (conflict.event_type, RESOLVABLE.index(conflict.attribute)))),
        tuple(conflicts),
    )


def _content(entity: Entity) -> tuple[object, ...]:
    names = (*COMPARED[entity.type], *QUIET[entity.type])
    return tuple(entity.attributes.get(name) for name in names)


def apply_merge(ours: Snapshot, outcome: Merge) -> Snapshot:
    """Main after the merge, as a value: what the transaction writes, and what tests compare it with."""
    entities = dict(ours.by_key)
    for entity in outcome.deletes:
        entities.pop((entity.type, entity.key), None)
    for update in outcome.updates:
        entities.pop((update.before.type, update.before.key), None)
    for update in outcome.updates:
        entities[(update.entity.type, update.entity.key)] = replace(update.entity, id=update.id)
    for entity in outcome.creates:
        entities[(entity.type, entity.key)] = entity
    lost = {(entity.type, entity.key) for entity in outcome.deletes}
    return Snapshot.of(_without(entity, lost) for entity in entities.values())
