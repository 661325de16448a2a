"""The plan as generators see it, and the names that code may use."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from app.kernel.errors import Conflict
from app.plan.vocabulary import FieldType

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Language(StrEnum):
    """Languages there is a generator for."""

    TYPESCRIPT = "typescript"
    PYTHON = "python"
    SWIFT = "swift"
    KOTLIN = "kotlin"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an event. `literal` is what every event of this name sends, None when the caller gives the value."""

    name: str
    kind: FieldType
    is_required: bool
    options: tuple[str, ...] = ()
    description: str = ""
    literal: str | float | bool | None = None


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event that code may send: `event_type` goes out as service, `name` as operation (contract A.2)."""

    event_type: str
    name: str
    description: str
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class TrackingCode:
    """A generated file."""

    filename: str
    text: str


def plan_digest(events: Sequence[PlannedEvent]) -> str:
    """The same for equal plans, another for every change that code can see."""
    text = json.dumps([asdict(event) for event in events], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def words(text: str) -> list[str]:
    """The words of a name in lower case: `orderPlaced`, `order-placed` and `Order placed` give the same."""
    return [word.lower() for word in _WORD.findall(text)]


def camel(text: str) -> str:
    """`order placed` as `orderPlaced`."""
    first, *rest = words(text) or ["unnamed"]
    return _safe_start(first + "".join(word.capitalize() for word in rest))


def pascal(text: str) -> str:
    """`order placed` as `OrderPlaced`."""
    return _safe_start("".join(word.capitalize() for word in words(text)) or "Unnamed")


def snake(text: str) -> str:
    """`order placed` as `order_placed`."""
    return _safe_start("_".join(words(text)) or "unnamed")


def _safe_start(name: str) -> str:
    return f"_{name}" if name[0].isdigit() else name


def unique_names(texts: Sequence[str], naming: Callable[[str], str], *, what: str) -> list[str]:
    """The code's names of the texts, in their order. Conflict names the texts that would become the same."""
    taken: dict[str, str] = {}
    names = []
    for text in texts:
        name = naming(text)
        if name in taken:
            raise Conflict(f'{what}: "{taken[name]}" and "{text}" would both be called {name} in code; rename one of them')
        taken[name] = text
        names.append(name)
    return names


def method_names(events: Sequence[PlannedEvent], naming: Callable[[str], str]) -> list[str]:
    """A name for every event; where two event types have an event of the same name, all of that name carry the type in front."""
    counts: dict[str, int] = {}
    for event in events:
        counts[naming(event.name)] = counts.get(naming(event.name), 0) + 1
    texts = [event.name if counts[naming(event.name)] == 1 else f"{event.event_type} {event.name}" for event in events]
    return unique_names(texts, naming, what="Events")


def one_line(text: str) -> str:
    """A text for a comment: one line, and nothing that could end the comment."""
    return " ".join(text.replace("*/", "* /").split())
