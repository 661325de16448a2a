"""What an import would do, row by row, as a pure function of the file and the plan it would land on.

What the file does not name stays: an import adds and changes, and removes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast

from app.kernel.errors import InvalidInput
from app.plan.diff import AttributeChange
from app.plan.merge import Merge, Update
from app.plan.rules import check_field, check_options, checked_breakdown_columns, checked_link_template, checked_tags
from app.plan.rules import checked_variable_name as check_variable_name
from app.plan.snapshot import COMPARED, QUIET, Entity, EntityType, Key, Snapshot
from app.plan.sync import color_for
from app.plan.transfer.entries import carried, defaults
from app.plan.transfer.records import Document, Fault, Place, Record, legible

Plan = dict[tuple[EntityType, Key], Entity]


class RowStatus(StrEnum):
    """What becomes of one entry of the file."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One entry of the file, or one reason why it cannot be imported. `type` is None when the fault belongs to no entry.

    `reason` says what is wrong; on a row that can be imported, what a reader should know about it.
    """

    place: Place
    status: RowStatus
    type: EntityType | None = None
    parent: str | None = None
    name: str = ""
    reason: str = ""
    changes: tuple[AttributeChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """The rows that stand in the way, then the others in the order of the file; and what the import would write, which means
    nothing while there are errors."""

    rows: tuple[PreviewRow, ...]
    outcome: Merge
    after: Snapshot

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each status."""
        found = Counter(row.status for row in self.rows)
        return {status.value: found[status] for status in RowStatus}

    @property
    def errors(self) -> tuple[PreviewRow, ...]:
        """The rows that stand in the way."""
        return tuple(row for row in self.rows if row.status is RowStatus.ERROR)


def preview(document: Document, present: Snapshot) -> Preview:
    """What importing the document on top of the present plan does."""
    merged = _Merged(present)
    for record in document.records:
        merged.take(record)
    merged.faults += document.faults
    merged.check_references({fault.key for fault in merged.faults if fault.key})
    rows = [_error(fault) for fault in merged.faults]
    faulty = {(fault.type, fault.key) for fault in merged.faults}
    rows += [merged.row(record) for record in merged.records if (record.type, record.key) not in faulty]
    return Preview(tuple(rows), merged.outcome(), Snapshot.of(merged.plan.values()))


def _error(fault: Fault) -> PreviewRow:
    place = Place(*map(legible, (fault.place.file, fault.place.row, fault.place.column)))
    reason = legible(fault.reason)
    if fault.type is None or not fault.key:
        return PreviewRow(place, RowStatus.ERROR, fault.type, reason=reason)
    entity = Entity(fault.type, tuple(map(legible, fault.key)), "", {})
    return PreviewRow(place, RowStatus.ERROR, fault.type, entity.parent, entity.name, reason)


@dataclass
class _Merged:
    """The present plan with the records laid over it, one after another."""

    present: Snapshot
    plan: Plan = field(init=False)
    records: list[Record] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _first: dict[tuple[EntityType, Key], Record] = field(default_factory=dict)
    _next_order: dict[tuple[EntityType, Key], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plan = dict(self.present.by_key)
        for entity in self.present.entities:
            self._note_order(entity)

    def take(self, record: Record) -> None:
        """Lay the record over the plan, or note why it cannot be."""
        place = (record.type, record.key)
        if place in self._first:
            self.faults.append(Fault(record.place, f"was given before ({self._first[place].place})", *place))
            return
        self._first[place] = record
        before = self.present.get(*place)
        try:
            attributes = _laid_over(record, self._new(record) if before is None else before.attributes)
            if before is None or _differences(before, attributes):
                _check(record, attributes, is_new=before is None)
        except InvalidInput as error:
            self.faults.append(Fault(record.place.at(error.field or ""), error.message, *place))
            return
        self.records.append(record)
        self.plan[place] = Entity(record.type, record.key, before.id if before else "", attributes)
        self._note_order(self.plan[place])

    def check_references(self, excused: set[Key]) -> None:
        """Note what refers to something that neither the plan nor the file holds; `excused` are told about already."""
        known_as = _events_by_source_name(self.plan)
        for record in self.records:
            entity = self.plan[(record.type, record.key)]
            before = self.present.get(record.type, record.key)
            for sort, key in entity.required_parents():
                if (sort, key) not in self.plan and key not in excused:
                    what = "event type" if sort is EntityType.EVENT_TYPE else "field"
                    self._fault(record, _parent_column(entity, key), f"There is no {what} {'.'.join(key)}")
                    break
            if record.type is EntityType.EVENT:
                self._check_values(record, entity, excused)
                if before is None or before.attributes.get("source_name") != entity.attributes.get("source_name"):
                    self._check_identity(record, entity, known_as)

    def row(self, record: Record) -> PreviewRow:
        """What becomes of a record that has no fault."""
        entity, before = self.plan[(record.type, record.key)], self.present.get(record.type, record.key)
        changes = _differences(before, entity.attributes) if before else ()
        status = RowStatus.CREATED if before is None else RowStatus.CHANGED if changes else RowStatus.UNCHANGED
        note = "" if status is RowStatus.UNCHANGED else self._missing_values(entity)
        return PreviewRow(record.place, status, record.type, entity.parent, entity.name, note, changes)

    def outcome(self) -> Merge:
        """What is to be written, as a merge that deletes nothing."""
        creates: list[Entity] = []
        updates: list[Update] = []
        for record in self.records:
            entity, before = self.plan[(record.type, record.key)], self.present.get(record.type, record.key)
            if before is None:
                creates.append(entity)
            elif _differences(before, entity.attributes):
                updates.append(Update(before.id, before, entity))
        return Merge(Snapshot.of(creates).entities, tuple(updates), (), (), ())

    def _new(self, record: Record) -> dict[str, object]:
        """The attributes of an entity that nothing is known of but its key."""
        attributes = dict.fromkeys((*COMPARED[record.type], *QUIET[record.type])) | defaults(record.type)
        if "display_name" in attributes:
            attributes["display_name"] = record.key[-1]
        if "color" in attributes:
            attributes["color"] = color_for(record.key[0])
        if "order" in attributes:
            attributes["order"] = self._next_order.get(_list_of(record.type, record.key), 0)
        return attributes

    def _note_order(self, entity: Entity) -> None:
        order, place = entity.attributes.get("order"), _list_of(entity.type, entity.key)
        if isinstance(order, int):
            self._next_order[place] = max(self._next_order.get(place, 0), min(order + 1, 2**31 - 1))

    def _fault(self, record: Record, column: str, reason: str) -> None:
        self.faults.append(Fault(record.place.at(column), reason, record.type, record.key))

    def _check_values(self, record: Record, event: Entity, excused: set[Key]) -> None:
        definitions: tuple[tuple[str, EntityType, Key], ...] = (
            ("field_values", EntityType.FIELD, event.key[:1]),
            ("meta_values", EntityType.META_FIELD, ()),
        )
        for attribute, sort, parent in definitions:
            for name, value in _values(record.attributes, attribute).items():
                key = (*parent, name)
                if value is not None and (sort, key) not in self.plan and not excused & {key, parent}:
                    what = f"The event type {event.key[0]} has no field" if parent else "There is no meta field"
                    self.faults.append(Fault(record.place_of(attribute, name), f"{what} {name}", record.type, record.key))

    def _check_identity(self, record: Record, event: Entity, known_as: Mapping[Key, list[Entity]]) -> None:
        event_type, name = event.key
        source_name = event.attributes.get("source_name")
        others = [other for other in known_as.get((event_type, str(source_name or name)), ()) if other.key != event.key]
        namesake = self.plan.get((EntityType.EVENT, (event_type, str(source_name))))
        if (
            source_name is not None
            and namesake is not None
            and namesake.key != event.key
            and namesake.attributes.get("source_name") is None
        ):
            others.append(namesake)
        if others:
            column = "source_name" if source_name is not None else "name"
            self._fault(record, column, f"Scans know another event of this event type as {source_name or name}: {others[0].name}")

    def _missing_values(self, entity: Entity) -> str:
        if entity.type is not EntityType.EVENT:
            return ""
        required = [(name, "field_values") for name in self._required[entity.key[:1]]]
        required += [(name, "meta_values") for name in self._required[()]]
        lacking = [name for name, attribute in required if not _values(entity.attributes, attribute).get(name, "").strip()]
        return f"No value for {', '.join(lacking)}, which every event should have" if lacking else ""

    @cached_property
    def _required(self) -> Mapping[Key, list[str]]:
        """Names of required fields by event type, and of required meta fields under the empty key; asked once all is taken."""
        found: dict[Key, list[str]] = defaultdict(list)
        for (sort, key), entity in self.plan.items():
            if sort in (EntityType.FIELD, EntityType.META_FIELD) and entity.attributes.get("is_required"):
                found[key[:-1]].append(entity.name)
        return found


def _laid_over(record: Record, start: Mapping[str, object]) -> dict[str, object]:
    """The attributes after the record is laid over them. InvalidInput, at the attribute, for what no plan may hold."""
    attributes = {**start, **record.attributes}
    if "link_template" in record.attributes:
        attributes["link_template"] = checked_link_template(cast(str | None, record.attributes["link_template"]))
    if record.type is not EntityType.EVENT:
        return attributes
    for attribute in ("field_values", "meta_values"):
        named = cast(Mapping[str, str | None], record.attributes.get(attribute, {}))
        kept = _values(start, attribute) if record.is_patch or attribute not in record.attributes else {}
        attributes[attribute] = dict(sorted((name, value) for name, value in {**kept, **named}.items() if value is not None))
    before, after = _values(start, "field_values"), _values(attributes, "field_values")
    authored = cast(list[str], start.get("authored_fields") or [])
    # What a file says a person wrote; what was there before stays what it was.
    attributes["authored_fields"] = sorted(name for name in after if name in authored or before.get(name) != after[name])
    attributes["event_type_name"] = record.key[0]
    attributes["tags"] = sorted(checked_tags(cast(list[str], attributes["tags"])))
    attributes["metric_breakdown_columns"] = checked_breakdown_columns(cast(list[str], attributes["metric_breakdown_columns"]))
    return attributes


def _check(record: Record, attributes: Mapping[str, object], *, is_new: bool) -> None:
    """InvalidInput when the parts of an entity do not fit each other."""
    whole: Any = SimpleNamespace(**attributes)
    if record.type is EntityType.FIELD:
        check_field(whole)
    elif record.type is EntityType.META_FIELD:
        check_options(whole.field_type, whole.enum_options)
    elif record.type is EntityType.VARIABLE and is_new:
        check_variable_name(record.key[0])


def _differences(before: Entity, after: Mapping[str, object]) -> tuple[AttributeChange, ...]:
    return tuple(
        AttributeChange(name, before.attributes.get(name), after.get(name))
        for name in carried(before.type)
        if before.attributes.get(name) != after.get(name)
    )


def _values(attributes: Mapping[str, object], attribute: str) -> Mapping[str, str]:
    return cast(Mapping[str, str], attributes.get(attribute) or {})


def _list_of(sort: EntityType, key: Key) -> tuple[EntityType, Key]:
    """The list in which an entity has its place: an event type's fields, else everything of its sort."""
    return sort, key[:1] if sort is EntityType.FIELD else ()


def _parent_column(entity: Entity, parent: Key) -> str:
    if entity.type is not EntityType.RELATION:
        return "event_type"
    return "source_field" if parent == entity.key[:2] else "target_field"


def _events_by_source_name(plan: Plan) -> Mapping[Key, list[Entity]]:
    found: dict[Key, list[Entity]] = defaultdict(list)
    for entity in plan.values():
        source_name = entity.attributes.get("source_name")
        if entity.type is EntityType.EVENT and source_name is not None:
            found[(entity.key[0], str(source_name))].append(entity)
    return found
