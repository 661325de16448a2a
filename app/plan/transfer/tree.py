"""The plan as nested mappings and lists, which JSON and the YAML folder share.

    event_types: [{name, ..., fields: [...], events: [...]}]
    variables: [...]
    meta_fields: [...]
    relations: [...]

Entries stand by name, whatever their place in lists of the product is, so that a change moves no other line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from app.plan.snapshot import Entity, EntityType, Key, Snapshot
from app.plan.transfer.entries import carried, key_names, read_entry
from app.plan.transfer.records import MOST_ENTRIES, Document, Fault, Place, Record, Unreadable

Tree = dict[str, object]
Branches = dict[str, list[Tree]]

LISTS: Mapping[str, EntityType] = {
    "variables": EntityType.VARIABLE,
    "meta_fields": EntityType.META_FIELD,
    "relations": EntityType.RELATION,
}
"""The lists beside the event types, by their names in files."""
_BELOW_EVENT_TYPE: Mapping[str, EntityType] = {"fields": EntityType.FIELD, "events": EntityType.EVENT}


class Located(dict[str, object]):
    """A mapping that knows on which line of its file it began."""

    row: str = ""


def tree_of(plan: Snapshot) -> Branches:
    """The plan as a tree, every attribute written out."""
    below: dict[str, Branches] = defaultdict(lambda: {name: [] for name in _BELOW_EVENT_TYPE})
    names = {sort: name for name, sort in (*LISTS.items(), *_BELOW_EVENT_TYPE.items())}
    tree: Branches = {"event_types": [], **{name: [] for name in LISTS}}
    for entity in plan.entities:
        entry = _entry_of(entity)
        if entity.type is EntityType.EVENT_TYPE:
            tree["event_types"].append(entry)
        elif entity.parent is not None:
            below[entity.parent][names[entity.type]].append(entry)
        else:
            tree[names[entity.type]].append(entry)
    for entry in tree["event_types"]:
        entry.update(below[str(entry["name"])])
    return tree


def _entry_of(entity: Entity) -> Tree:
    named = dict(zip(key_names(entity.type), entity.key if entity.type is EntityType.RELATION else entity.key[-1:], strict=True))
    return named | {name: entity.attributes.get(name) for name in carried(entity.type)}


class TreeReader:
    """Collects records and faults from trees; one reader may read several files of one plan."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._faults: list[Fault] = []

    def document(self) -> Document:
        """Everything read so far."""
        return Document(tuple(self._records), tuple(self._faults))

    def fault(self, place: Place, reason: str) -> None:
        """Note a fault that no entry is to blame for."""
        self._faults.append(Fault(place, reason))

    def read(self, tree: object, file: str) -> None:
        """Read a whole plan, or a part of one. Unreadable when there are too many entries."""
        if not isinstance(tree, dict):
            self.fault(Place(file), f"must hold {', '.join(['event_types', *LISTS])}")
            return
        for name in tree:
            if name == "event_types":
                for entry, place in self._entries(tree[name], Place(file), name):
                    self._event_type(entry, place)
            elif name in LISTS:
                for entry, place in self._entries(tree[name], Place(file), name):
                    self._take(LISTS[name], entry, place)
            else:
                self.fault(Place(file, column=name), "is not known here")

    def read_event_type(self, tree: Mapping[str, object], file: str) -> None:
        """Read a file that holds one event type: `event_type`, `fields` and `events`."""
        for name in tree:
            if name not in ("event_type", *_BELOW_EVENT_TYPE):
                self.fault(Place(file, column=name), "is not known here")
        entry = tree.get("event_type")
        if not isinstance(entry, dict):
            self.fault(Place(file, column="event_type"), "must hold the attributes of the event type")
            return
        row = entry.row if isinstance(entry, Located) else ""
        below = {name: tree[name] for name in _BELOW_EVENT_TYPE if name in tree}
        self._event_type({**entry, **below}, Place(file, row), prefix="")

    def _event_type(self, entry: Mapping[str, object], place: Place, prefix: str | None = None) -> None:
        own = {name: value for name, value in entry.items() if name not in _BELOW_EVENT_TYPE}
        if not self._take(EntityType.EVENT_TYPE, own, place):
            return  # without a name, what stands below belongs to nothing
        parent = (str(own["name"]),)
        path = f"{place.row}." if prefix is None else prefix
        for name, sort in _BELOW_EVENT_TYPE.items():
            for found, below in self._entries(entry.get(name), Place(place.file), f"{path}{name}"):
                self._take(sort, found, below, parent)

    def _entries(self, found: object, place: Place, path: str) -> list[tuple[Mapping[str, object], Place]]:
        """The mappings of a list with their places; anything else is a fault."""
        if found is None:
            return []
        if not isinstance(found, list):
            self.fault(place.at(path), "must be a list")
            return []
        entries: list[tuple[Mapping[str, object], Place]] = []
        for index, entry in enumerate(found):
            row = entry.row if isinstance(entry, Located) else f"{path}[{index}]"
            if isinstance(entry, dict):
                entries.append((entry, Place(place.file, row)))
            else:
                self.fault(Place(place.file, row or f"{path}[{index}]"), "must hold attributes by name")
        return entries

    def _take(self, sort: EntityType, entry: Mapping[str, object], place: Place, parent: Key = ()) -> bool:
        """Keep the entry; whether it has a name that others can refer to."""
        if len(self._records) + len(self._faults) >= MOST_ENTRIES:
            raise Unreadable(f"A plan has at most {MOST_ENTRIES} entries", place)
        attributes, faults = read_entry(sort, entry)
        own = [entry.get(name) for name in key_names(sort)]
        names = [value for value in own if isinstance(value, str) and value.strip()]
        key = (*parent, *names) if len(names) == len(own) else ()
        self._faults += [Fault(place.at(attribute), reason, sort, key) for attribute, reason in faults]
        if not faults:
            given = {name: value for name, value in attributes.items() if name not in key_names(sort)}
            self._records.append(Record(sort, key, given, place))
        return bool(key)
