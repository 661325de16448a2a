"""What separates two plans, by natural key (contract 11.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.plan.snapshot import COMPARED, Entity, Snapshot


class DiffKind(StrEnum):
    """How an entity differs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute with its value on either side."""

    name: str
    before: object
    after: object

    @property
    def text(self) -> str:
        """`key: old → new`, both sides as Python literals."""
        return f"{self.name}: {self.before!r} \u2192 {self.after!r}"


@dataclass(frozen=True, slots=True)
class EntityDiff:
    """One entity that differs. `before` is None for an added one, `after` for a removed one."""

    kind: DiffKind
    before: Entity | None
    after: Entity | None
    changes: tuple[AttributeChange, ...] = ()

    @property
    def entity(self) -> Entity:
        """The entity on the side where it exists, the new side when on both."""
        entity = self.after or self.before
        assert entity is not None
        return entity


def diff(old: Snapshot, new: Snapshot) -> list[EntityDiff]:
    """Every difference a reader should see, in the order of the snapshots. Quiet attributes such as order make none."""
    found = []
    for key in dict.fromkeys([*old.by_key, *new.by_key]):
        before, after = old.by_key.get(key), new.by_key.get(key)
        if before is None:
            found.append(EntityDiff(DiffKind.ADDED, None, after))
        elif after is None:
            found.append(EntityDiff(DiffKind.REMOVED, before, None))
        elif changes := attribute_changes(before, after):
            found.append(EntityDiff(DiffKind.CHANGED, before, after, changes))
    ordered = Snapshot.of(entry.entity for entry in found)
    rank = {(entity.type, entity.key): index for index, entity in enumerate(ordered.entities)}
    return sorted(found, key=lambda entry: rank[(entry.entity.type, entry.entity.key)])


def attribute_changes(before: Entity, after: Entity) -> tuple[AttributeChange, ...]:
    """The compared attributes in which two versions of one entity differ."""
    return tuple(
        AttributeChange(name, before.attributes.get(name), after.attributes.get(name))
        for name in COMPARED[before.type]
        if before.attributes.get(name) != after.attributes.get(name)
    )


def apply_diff(base: Snapshot, entries: Iterable[EntityDiff]) -> Snapshot:
    """The plan that `diff(base, that plan)` describes, quiet attributes of unchanged entities aside."""
    entities = dict(base.by_key)
    for entry in entries:
        key = (entry.entity.type, entry.entity.key)
        if entry.after is None:
            entities.pop(key, None)
        else:
            entities[key] = entry.after
    return Snapshot.of(entities.values())


def summary(entries: Iterable[EntityDiff]) -> dict[str, int]:
    """How many entities were added, removed and changed."""
    counts = {kind.value: 0 for kind in DiffKind}
    for entry in entries:
        counts[entry.kind.value] += 1
    return counts
