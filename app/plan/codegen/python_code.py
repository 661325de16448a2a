"""Tracking code in Python (3.11 and later)."""

from __future__ import annotations

import json
import keyword
from collections.abc import Sequence
from typing import Final

from app.plan.codegen.model import PlannedEvent, Property, method_names, one_line, snake, unique_names
from app.plan.vocabulary import FieldType

_TYPES: Final = {
    FieldType.STRING: "str",
    FieldType.URL: "str",
    FieldType.NUMBER: "float",
    FieldType.BOOLEAN: "bool",
    FieldType.JSON: "dict[str, Any]",
}
_RESERVED: Final = frozenset({"self", "attributes", "print"})


def python_code(events: Sequence[PlannedEvent], header: str) -> str:
    """One module with a class `Tracking`; it sends through the function it is given."""
    lines = [
        *(f"# {line}" for line in header.splitlines()),
        "from __future__ import annotations",
        "",
        "from collections.abc import Callable",
        "from datetime import datetime, timezone",
        "from typing import Any, Literal  # noqa: F401",
        "",
        "",
        "class Tracking:",
        '    """Every event of the plan as a method."""',
        "",
        "    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:",
        "        self._send = send",
        "",
        "    def _event(self, service: str, operation: str, attributes: dict[str, Any]) -> None:",
        "        moment = datetime.now(timezone.utc).isoformat()",
        "        given = {name: value for name, value in attributes.items() if value is not None}",
        '        self._send({"service": service, "operation": operation, "timestamp": moment, "custom_attributes": given})',
    ]
    for event, method in zip(events, method_names(events, _name), strict=True):
        lines += ["", *_method(event, method)]
    return "\n".join([*lines, ""])


def _name(text: str) -> str:
    name = snake(text)
    return f"{name}_" if keyword.iskeyword(name) or name in _RESERVED else name


def _method(event: PlannedEvent, method: str) -> list[str]:
    given = [entry for entry in event.properties if entry.literal is None]
    names = unique_names([entry.name for entry in given], _name, what=f'Properties of "{event.name}"')
    ordered = sorted(zip(given, names, strict=True), key=lambda pair: not pair[0].is_required)
    parameters = [
        f"{name}: {_type(entry)}" if entry.is_required else f"{name}: {_type(entry)} | None = None" for entry, name in ordered
    ]
    signature = ", ".join(["self", "*", *parameters] if parameters else ["self"])
    attributes = [f"{_text(entry.name)}: {name}" for entry, name in zip(given, names, strict=True)]
    attributes += [f"{_text(entry.name)}: {entry.literal!r}" for entry in event.properties if entry.literal is not None]
    documentation = _documentation(event)
    return [
        f"    def {method}({signature}) -> None:",
        *([f"        {documentation}"] if documentation else []),
        f"        self._event({_text(event.event_type)}, {_text(event.name)}, {{{', '.join(attributes)}}})",
    ]


def _documentation(event: PlannedEvent) -> str:
    return _text(one_line(event.description)) if event.description.strip() else ""


def _type(entry: Property) -> str:
    if entry.kind is FieldType.ENUM and entry.options:
        return f"Literal[{', '.join(_text(option) for option in entry.options)}]"
    return _TYPES.get(entry.kind, "str")


def _text(text: str) -> str:
    return json.dumps(text)
