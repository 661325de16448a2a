"""Differences between plans in the words that people read; used by branches and revisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from app.plan.diff import DiffKind, EntityDiff, summary
from app.plan.pages.words import FIELD_TYPE_WORDS, SENSITIVITY_WORDS, plural
from app.plan.snapshot import COMPARED, Entity, EntityType
from app.presentation import STATUS_WORDS
from components.diff_view import DiffEntry, DiffGroup, DiffLine, compared, one_sided

GROUPS = {
    EntityType.EVENT_TYPE: ("event type", "Event types"),
    EntityType.FIELD: ("field", "Fields"),
    EntityType.EVENT: ("event", "Events"),
    EntityType.VARIABLE: ("variable", "Variables"),
    EntityType.META_FIELD: ("meta field", "Meta fields"),
    EntityType.RELATION: ("relation", "Relations"),
}
LABELS = {
    "color": "Colour",
    "is_required": "Required",
    "enum_options": "Options",
    "field_type": "Type",
    "variable_type": "Type",
    "event_type_name": "Event type",
    "sunset_at": "Sunset date",
    "contract_required_max_null_rate": "Missing at most",
    "contract_regex": "Pattern",
    "contract_min_value": "Least value",
    "contract_max_value": "Greatest value",
    "contract_max_bad_rate": "May break the rules",
    "source_name": "Source",
    "relation_type": "Kind",
    "field_values": "Values",
    "meta_values": "Meta values",
    "link_template": "Link",
}


def label_of(attribute: str) -> str:
    """What an attribute is called on pages."""
    return LABELS.get(attribute, attribute.replace("_", " ").capitalize())


def text_of_value(attribute: str, value: object) -> str:
    """An attribute's value as text; empty for none."""
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and attribute.endswith("_rate"):
        return f"{value * 100:g} %"
    if isinstance(value, Mapping):
        return "\n".join(f"{name} = {text}" for name, text in sorted(value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_item(part) for part in value)
    words = {"status": STATUS_WORDS, "field_type": FIELD_TYPE_WORDS, "sensitivity": SENSITIVITY_WORDS}.get(attribute, {})
    return words.get(str(value), str(value))


def _item(part: object) -> str:
    if isinstance(part, Mapping):
        return " = ".join(str(text) for text in part.values())
    return str(part)


def groups_of(entries: Sequence[EntityDiff]) -> list[DiffGroup]:
    """The differences by kind of thing, in the order of the diff."""
    found: dict[EntityType, list[DiffEntry]] = defaultdict(list)
    for entry in entries:
        found[entry.entity.type].append(_entry(entry))
    return [DiffGroup(f"{GROUPS[sort][1]} ({len(rows)})", rows) for sort, rows in found.items()]


def _entry(entry: EntityDiff) -> DiffEntry:
    if entry.kind is DiffKind.CHANGED:
        lines = []
        for change in entry.changes:
            old, new = compared(text_of_value(change.name, change.before), text_of_value(change.name, change.after))
            lines.append(DiffLine(label_of(change.name), old, new))
    else:
        lines = _attributes(entry.entity, is_new=entry.kind is DiffKind.ADDED)
    return DiffEntry(entry.kind.value, entry.entity.name, entry.entity.parent or "", lines)


def _attributes(entity: Entity, *, is_new: bool) -> list[DiffLine]:
    """Everything that came or went with the entity, blanks left out."""
    lines = []
    for name in COMPARED[entity.type]:
        text = text_of_value(name, entity.attributes.get(name))
        if text and name != "event_type_name" and (name, text) not in _TELLS_NOTHING:
            lines.append(DiffLine(label_of(name), [] if is_new else one_sided(text), one_sided(text) if is_new else []))
    return lines


_TELLS_NOTHING = {("is_required", "no"), ("sensitivity", "Not sensitive"), ("contract_max_bad_rate", "0 %")}


def counted(entries: Sequence[EntityDiff]) -> str:
    """ "3 added, 1 removed, 2 changed"."""
    counts = summary(entries)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no differences"


def counts_text(counts: Mapping[str, int]) -> str:
    """How much a revision holds: "12 events, 3 event types, 40 fields"."""
    named = [("events", "event"), ("event_types", "event type"), ("fields", "field"), ("variables", "variable")]
    return ", ".join(plural(counts.get(key, 0), noun) for key, noun in named if counts.get(key, 0)) or "an empty plan"
