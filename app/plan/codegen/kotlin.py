"""Tracking code in Kotlin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from app.plan.codegen.model import PlannedEvent, Property, camel, method_names, one_line, pascal, snake, unique_names
from app.plan.vocabulary import FieldType

_TYPES: Final = {
    FieldType.STRING: "String",
    FieldType.URL: "String",
    FieldType.NUMBER: "Double",
    FieldType.BOOLEAN: "Boolean",
    FieldType.JSON: "Map<String, Any?>",
}
_KEYWORDS: Final = frozenset(
    [
        "as",
        "break",
        "class",
        "continue",
        "do",
        "else",
        "false",
        "for",
        "fun",
        "if",
        "in",
        "interface",
        "is",
        "null",
        "object",
        "package",
        "return",
        "super",
        "this",
        "throw",
        "true",
        "try",
        "typealias",
        "typeof",
        "val",
        "var",
        "when",
        "while",
    ]
)


def kotlin(events: Sequence[PlannedEvent], header: str) -> str:
    """One file with a class `Tracking`; it sends through the function it is given."""
    lines = [
        *(f"// {line}" for line in header.splitlines()),
        "package plumbline",
        "",
        "import java.time.Instant",
        "",
        "class Tracking(private val send: (Map<String, Any?>) -> Unit) {",
        "    private fun event(service: String, operation: String, attributes: Map<String, Any?>) {",
        "        send(",
        "            mapOf(",
        '                "service" to service,',
        '                "operation" to operation,',
        '                "timestamp" to Instant.now().toString(),',
        '                "custom_attributes" to attributes.filterValues { it != null },',
        "            ),",
        "        )",
        "    }",
    ]
    for event, method in zip(events, method_names(events, _name), strict=True):
        lines += ["", *_method(event, method)]
    return "\n".join([*lines, "}", ""])


def _name(text: str) -> str:
    name = camel(text)
    return f"`{name}`" if name in _KEYWORDS else name


def _method(event: PlannedEvent, method: str) -> list[str]:
    given = [entry for entry in event.properties if entry.literal is None]
    names = unique_names([entry.name for entry in given], _name, what=f'Properties of "{event.name}"')
    enums, parameters, attributes = [], [], []
    for entry, name in sorted(zip(given, names, strict=True), key=lambda pair: not pair[0].is_required):
        kind, value = _TYPES.get(entry.kind, "String"), name
        if entry.kind is FieldType.ENUM and entry.options:
            kind = f"{pascal(method)}{pascal(entry.name)}"
            enums += _enum(kind, entry)
            value = f"{name}{'' if entry.is_required else '?'}.value"
        parameters.append(f"{name}: {kind}" if entry.is_required else f"{name}: {kind}? = null")
        attributes.append(f"{_text(entry.name)} to {value}")
    attributes += [f"{_text(entry.name)} to {_literal(entry.literal)}" for entry in event.properties if entry.literal is not None]
    comment = [f"    /** {one_line(event.description)} */"] if event.description.strip() else []
    return [
        *enums,
        *comment,
        f"    fun {method}({', '.join(parameters)}) {{",
        f"        event({_text(event.event_type)}, {_text(event.name)}, mapOf({', '.join(attributes)}))",
        "    }",
    ]


def _enum(kind: str, entry: Property) -> list[str]:
    names = unique_names(entry.options, lambda text: snake(text).upper(), what=f'Values of "{entry.name}"')
    cases = [f"        {name}({_text(option)})," for name, option in zip(names, entry.options, strict=True)]
    return [f"    enum class {kind}(val value: String) {{", *cases, "    }", ""]


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    """A string literal: no templates, control characters as escapes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found.group()):04x}", escaped) + '"'
