"""The plan's events as one table for a spreadsheet. It carries events only: event types, fields, variables, meta fields and
relations must exist where it is imported, and so must the order of events and what scans know them by.

Columns: event_type, name, status, description, tags (parted by commas), sunset_at, then `field:<name>` for each field and
`meta:<name>` for each meta field. On import a column that is left out leaves its values alone; an empty cell empties one
(an empty status leaves it alone).

No cell can run as a formula: one that begins like a formula, or with an apostrophe, gains an apostrophe in front, which import
takes away again. An apostrophe alone is a value that is an empty text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from app.plan.snapshot import Entity, EntityType, Snapshot
from app.plan.transfer.entries import read_entry
from app.plan.transfer.records import MOST_BYTES, MOST_ENTRIES, Document, Fault, Place, Record, Unreadable

OWN_COLUMNS = ("event_type", "name", "status", "description", "tags", "sunset_at")
KEY_COLUMNS = ("event_type", "name")
FIELD, META = "field:", "meta:"
_VALUES = {FIELD: "field_values", META: "meta_values"}
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_DELIMITERS = ",;\t"
_TAG = re.compile(r"(?:\\.|[^,\\]|\\$)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def text_of(plan: Snapshot) -> str:
    """The events by event type and name, the same text for equal plans."""
    columns = [*OWN_COLUMNS, *_value_columns(plan)]
    out = io.StringIO(newline="")
    writer = csv.writer(out)  # ends lines as RFC 4180 does, and so quotes every line break within a cell
    writer.writerow(columns)
    for entity in plan.entities:
        if entity.type is EntityType.EVENT:
            writer.writerow(_cell(entity, column) for column in columns)
    return out.getvalue()


def read_text(text: str, file: str) -> Document:
    """What the table says, as patches of events. Unreadable when there is no heading that names the events."""
    rows = _rows(text, file)
    columns = _columns(next(rows, (1, []))[1], file)
    records: list[Record] = []
    faults: list[Fault] = []
    for number, cells in rows:
        if not any(cells):
            continue
        place = Place(file, f"row {number}")
        if len(records) + len(faults) >= MOST_ENTRIES:
            raise Unreadable(f"A plan has at most {MOST_ENTRIES} entries", place)
        if len(cells) != len(columns):
            faults.append(Fault(place, f"has {len(cells)} cells where the heading has {len(columns)}"))
            continue
        record, found = _record(dict(zip(columns, cells, strict=True)), place)
        faults += found
        if record is not None:
            records.append(record)
    return Document(tuple(records), tuple(faults))


def defused(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    return f"'{text}" if text.startswith(("'", *_BEGINS_FORMULA)) else text


def restored(cell: str) -> str:
    """The text that `defused` made the cell from; other cells are what they are."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(("'", *_BEGINS_FORMULA)) else cell


def _value_columns(plan: Snapshot) -> list[str]:
    fields = {entity.name for entity in plan.entities if entity.type is EntityType.FIELD}
    metas = {entity.name for entity in plan.entities if entity.type is EntityType.META_FIELD}
    return [FIELD + name for name in sorted(fields)] + [META + name for name in sorted(metas)]


def _cell(event: Entity, column: str) -> str:
    for prefix, attribute in _VALUES.items():
        if column.startswith(prefix):
            values = cast(Mapping[str, str], event.attributes.get(attribute) or {})
            found = values.get(column.removeprefix(prefix))
            return "" if found is None else defused(found) or "'"
    if column in KEY_COLUMNS:
        return defused(event.key[KEY_COLUMNS.index(column)])
    if column == "tags":
        return defused(_joined(cast(Sequence[str], event.attributes.get("tags") or ())))
    value = event.attributes.get(column)
    return "" if value is None else defused(str(value))


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with their number as a spreadsheet counts them, the heading being row 1."""
    csv.field_size_limit(MOST_BYTES)  # for the whole process; the text is bounded already
    heading = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=heading.count)
    number = 1
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), start=1):
            yield number, cells
    except csv.Error as error:
        raise Unreadable(f"is no CSV: {error}", Place(file, f"after row {number}")) from None


def _columns(heading: Sequence[str], file: str) -> list[str]:
    place = Place(file, "row 1")
    columns = [_tidy(cell) for cell in heading]
    for number, column in enumerate(columns, start=1):
        if column not in OWN_COLUMNS and not (column.startswith((FIELD, META)) and column not in (FIELD, META)):
            known = f"{', '.join(OWN_COLUMNS)}, {FIELD}<name> and {META}<name>"
            raise Unreadable(f"is no column of events; there are {known}", place.at(column or f"column {number}"))
        if columns.index(column) < number - 1:
            raise Unreadable("The heading names this column twice", place.at(column))
    for column in KEY_COLUMNS:
        if column not in columns:
            raise Unreadable("The heading must name this column", place.at(column))
    return columns


def _tidy(cell: str) -> str:
    return cell if cell.startswith((FIELD, META)) else cell.strip().lower()


def _record(cells: Mapping[str, str], place: Place) -> tuple[Record | None, list[Fault]]:
    values: dict[str, dict[str, str | None]] = {}
    raw: dict[str, Any] = {}
    for column, cell in cells.items():
        text = restored(cell)
        prefix = column[: column.find(":") + 1]
        if prefix:
            values.setdefault(_VALUES[prefix], {})[column.removeprefix(prefix)] = None if not cell else "" if cell == "'" else text
        elif column == "tags":
            raw[column] = _parted(text)
        elif column == "sunset_at":
            raw[column] = text.strip() or None
        elif text or column != "status":
            raw[column] = text
    event_type, name = raw.pop("event_type"), raw["name"]
    key = (event_type, name) if event_type.strip() and name.strip() else ()
    faults = _type_faults(event_type)
    checked = {attribute: {n: v for n, v in named.items() if v is not None} for attribute, named in values.items()}
    given, found = read_entry(EntityType.EVENT, raw | checked)
    faults += [(_column(attribute), reason) for attribute, reason in found]
    if faults:
        return None, [Fault(place.at(column), reason, EntityType.EVENT, key) for column, reason in faults]
    given.pop("name")
    return Record(EntityType.EVENT, key, given | values, place, is_patch=True), []


def _type_faults(event_type: str) -> list[tuple[str, str]]:
    _, faults = read_entry(EntityType.EVENT_TYPE, {"name": event_type})
    return [("event_type", reason) for _, reason in faults]


def _column(attribute: str) -> str:
    """The column that an attribute of an entry came from."""
    holder, _, name = attribute.partition(".")
    prefix = next((prefix for prefix, values in _VALUES.items() if values == holder), "")
    return f"{prefix}{name}" if prefix else holder


def _joined(tags: Sequence[str]) -> str:
    return ", ".join(tag.replace("\\", "\\\\").replace(",", "\\,") for tag in tags)


def _parted(cell: str) -> list[str]:
    return [_ESCAPED.sub(r"\1", tag) for tag in _TAG.findall(cell) if tag.strip()]
