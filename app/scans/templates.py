"""How a column with too many values becomes a template with variables (contract 4.6). Pure.

A template says what stands at each place: a literal, or a variable. It is kept with the scan config, so that later windows and
replays name events as the catalog sync did.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.scans.values import identifier, is_number, is_uuid

MOST_LITERALS_PER_PLACE = 10
PATH_SHARE = 0.7
COMMON_LENGTH_SHARE = 0.5
DELIMITERS = ("_", "-", ".", " ")

WHOLE, PATH, DELIMITED, OBJECT = "whole", "path", "delimited", "object"
NUMBER, STRING = "number", "string"

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/]*")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a template: the variable that stands there, or the literal. In an object `key` says which member it is."""

    variable: str | None = None
    variable_type: str = STRING
    literal: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """The common form of a column's values."""

    shape: str
    places: tuple[Place, ...]
    delimiter: str = ""

    @property
    def is_constant(self) -> bool:
        """Whether every row shows the same text."""
        return self.shape != OBJECT

    def text(self, value: str) -> str:
        """What an event shows for a row with that value."""
        if self.shape != OBJECT:
            joined = self.delimiter.join(f"${{{place.variable}}}" if place.variable else place.literal for place in self.places)
            return "/" + joined if self.shape == PATH else joined
        members = _object(value) or {}
        shown = {place.key: f"${{{place.variable}}}" if place.variable else members.get(place.key) for place in self.places}
        return json.dumps({key: shown[key] for key in shown if key in members}, ensure_ascii=False, sort_keys=True)

    def variables_in(self, value: str) -> dict[str, str]:
        """The value of each variable in that value; nothing when it does not have the template's form."""
        if self.shape == WHOLE:
            parts: Sequence[str] = (value,)
        elif self.shape == OBJECT:
            members = _object(value) or {}
            return {
                place.variable: scalar_text(members[place.key]) for place in self.places if place.variable and place.key in members
            }
        else:
            parts = _segments(value) if self.shape == PATH else value.split(self.delimiter)
        if len(parts) != len(self.places):
            return {}
        return {place.variable: part for place, part in zip(self.places, parts, strict=True) if place.variable}

    @property
    def variables(self) -> dict[str, str]:
        """The type of each variable."""
        return {place.variable: place.variable_type for place in self.places if place.variable}

    def as_stored(self) -> dict[str, object]:
        """The template as JSON."""
        places = [[place.variable, place.variable_type, place.literal, place.key] for place in self.places]
        return {"shape": self.shape, "delimiter": self.delimiter, "places": places}

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Template:
        """The template that JSON holds."""
        return cls(str(stored["shape"]), tuple(Place(*place) for place in stored["places"]), str(stored["delimiter"]))


def infer_template(column: str, values: Collection[str], threshold: int) -> Template:
    """The template of a column with these distinct values, by the first rule that fits (contract 4.6)."""
    return (
        _object_template(values, threshold)
        or _path_template(column, values, threshold)
        or _uniform_template(column, values)
        or _delimited_template(column, values, threshold)
        or Template(WHOLE, (Place(identifier(column)),))
    )


def scalar_text(member: object) -> str:
    """A member of a JSON object as text: strings plain, everything else as JSON."""
    return member if isinstance(member, str) else json.dumps(member, ensure_ascii=False, sort_keys=True)


def is_object_text(value: str) -> bool:
    """Whether the text is a JSON object."""
    return _object(value) is not None


def _object(value: str) -> dict[str, Any] | None:
    if not value.lstrip().startswith("{"):
        return None
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _object_template(values: Collection[str], threshold: int) -> Template | None:
    members: dict[str, set[str]] = {}
    for value in values:
        parsed = _object(value)
        if parsed is None:
            return None
        for key, member in parsed.items():
            members.setdefault(key, set()).add(scalar_text(member))
    places = [
        Place(identifier(key), NUMBER if all(map(is_number, seen)) else STRING, key=key)
        if len(seen) > threshold
        else Place(key=key)
        for key, seen in sorted(members.items())
    ]
    return Template(OBJECT, tuple(places)) if places else None


def _segments(value: str) -> list[str]:
    return _ORIGIN.sub("", value, count=1).strip("/").split("/")


def _path_template(column: str, values: Collection[str], threshold: int) -> Template | None:
    paths = [value for value in values if value.startswith("/") or _ORIGIN.match(value)]
    if not values or len(paths) < PATH_SHARE * len(values):
        return None

    def name(position: int, seen: Collection[str]) -> tuple[str, str]:
        if all(map(is_number, seen)):
            return (column if position == 0 else f"{column}_id"), NUMBER
        return (f"{column}_uuid" if all(map(is_uuid, seen)) else f"{column}_segment_{position + 1}"), STRING

    places = _places([_segments(path) for path in paths], len(values), threshold, name)
    return Template(PATH, places, "/") if places else None


def _uniform_template(column: str, values: Collection[str]) -> Template | None:
    if values and all(map(is_number, values)):
        return Template(WHOLE, (Place(identifier(column), NUMBER),))
    if values and all(map(is_uuid, values)):
        return Template(WHOLE, (Place(identifier(column)),))
    return None


def _delimited_template(column: str, values: Collection[str], threshold: int) -> Template | None:
    def name(position: int, seen: Collection[str]) -> tuple[str, str]:
        return (f"{column}_id", NUMBER) if all(map(is_number, seen)) else (f"{column}_part_{position + 1}", STRING)

    for delimiter in DELIMITERS:
        places = _places([value.split(delimiter) for value in values], len(values), threshold, name, fewest=2)
        if places:
            return Template(DELIMITED, places, delimiter)
    return None


def _places(split: Sequence[Sequence[str]], value_count: int, threshold: int, name: Any, *, fewest: int = 1) -> tuple[Place, ...]:
    """The places of the most common length; empty when that is too rare, or when no place would be a variable."""
    lengths = Counter(len(parts) for parts in split)
    if not lengths:
        return ()
    length, covered = min(lengths.items(), key=lambda entry: (-entry[1], entry[0]))
    if length < fewest or covered < COMMON_LENGTH_SHARE * value_count:
        return ()
    common = [parts for parts in split if len(parts) == length]
    places: list[Place] = []
    taken: set[str] = set()
    for position in range(length):
        seen = Counter(parts[position] for parts in common)
        if len(seen) <= min(threshold, MOST_LITERALS_PER_PLACE):
            places.append(Place(literal=min(seen.items(), key=lambda entry: (-entry[1], entry[0]))[0]))
            continue
        label, variable_type = name(position, seen)
        label = identifier(label)
        if label in taken:
            label = identifier(f"{label}_{position + 1}")
        taken.add(label)
        places.append(Place(label, variable_type))
    return tuple(places) if taken else ()
