"""What a file says about a plan, entry by entry, and where it says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.kernel.errors import AppError
from app.plan.contracts import shortened
from app.plan.snapshot import EntityType, Key

MOST_BYTES = 10_485_760
"""How large a file may be that is handed in."""
MOST_UNPACKED_BYTES = 3 * MOST_BYTES
"""Text that an archive or a folder may amount to."""
MOST_ENTRIES = 50_000
MOST_IN_ENTRY = 5_000
"""Attributes, tags, options or values that one entry may hold."""
_LONGEST_TOLD = 500


class Unreadable(AppError):
    """The file as a whole cannot be read; `place` says as closely as is known where."""

    status = 422
    code = "unreadable_file"

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: `row` is a line of YAML, a row of a table or a path into JSON; what is unknown is empty."""

    file: str = ""
    row: str = ""
    column: str = ""

    def at(self, column: str) -> Place:
        """The column of the same row."""
        return replace(self, column=column)

    def __str__(self) -> str:
        return ", ".join(part for part in (self.file, self.row, self.column) if part)


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason why the file cannot be imported, with the entity it belongs to when that is known."""

    place: Place
    reason: str
    type: EntityType | None = None
    key: Key = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One entity as the file states it: its key and those attributes that the file names, as a snapshot holds them.

    In a patch, field and meta values that are not named stay, and one that is None is taken away; otherwise the named values
    are all there are.
    """

    type: EntityType
    key: Key
    attributes: Mapping[str, object]
    place: Place
    is_patch: bool = False

    def place_of(self, attribute: str, name: str = "") -> Place:
        """Where the attribute stands; `name` is the field or meta field of a value."""
        if not name:
            return self.place.at(attribute)
        if self.is_patch:
            return self.place.at(f"{'field' if attribute == 'field_values' else 'meta'}:{name}")
        return self.place.at(f"{attribute}.{name}")


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that was read, and everything that could not be."""

    records: tuple[Record, ...]
    faults: tuple[Fault, ...]


def legible(text: str) -> str:
    """A stretch of a file as it may be told: not endless, and without half characters that no answer could carry."""
    return shortened(text, _LONGEST_TOLD).encode("utf-8", "replace").decode()


def unreadable(error: Unreadable) -> Document:
    """A document that holds nothing but the reason why there is nothing in it."""
    return Document((), (Fault(error.place, error.message),))
