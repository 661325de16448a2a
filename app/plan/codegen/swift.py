"""Tracking code in Swift."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from app.plan.codegen.model import PlannedEvent, Property, camel, method_names, one_line, pascal, unique_names
from app.plan.vocabulary import FieldType

_TYPES: Final = {
    FieldType.STRING: "String",
    FieldType.URL: "String",
    FieldType.NUMBER: "Double",
    FieldType.BOOLEAN: "Bool",
    FieldType.JSON: "[String: Any]",
}
_KEYWORDS: Final = frozenset(
    [
        "as",
        "break",
        "case",
        "catch",
        "class",
        "continue",
        "default",
        "defer",
        "deinit",
        "do",
        "else",
        "enum",
        "extension",
        "fallthrough",
        "false",
        "fileprivate",
        "for",
        "func",
        "guard",
        "if",
        "import",
        "in",
        "init",
        "inout",
        "internal",
        "is",
        "let",
        "nil",
        "open",
        "operator",
        "private",
        "protocol",
        "public",
        "repeat",
        "rethrows",
        "return",
        "self",
        "static",
        "struct",
        "subscript",
        "super",
        "switch",
        "throw",
        "throws",
        "true",
        "try",
        "typealias",
        "var",
        "where",
        "while",
    ]
)


def swift(events: Sequence[PlannedEvent], header: str) -> str:
    """One file with a class `Tracking`; it sends through the closure it is given."""
    lines = [
        *(f"// {line}" for line in header.splitlines()),
        "import Foundation",
        "",
        "public final class Tracking {",
        "    private let send: ([String: Any]) -> Void",
        "",
        "    public init(send: @escaping ([String: Any]) -> Void) {",
        "        self.send = send",
        "    }",
        "",
        "    private func event(_ service: String, _ operation: String, _ attributes: [String: Any?]) {",
        "        let given = attributes.compactMapValues { $0 }",
        "        let moment = ISO8601DateFormatter().string(from: Date())",
        '        send(["service": service, "operation": operation, "timestamp": moment, "custom_attributes": given])',
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
    for entry, name in zip(given, names, strict=True):
        kind = _TYPES.get(entry.kind, "String")
        value = name
        if entry.kind is FieldType.ENUM and entry.options:
            kind = f"{pascal(method)}{pascal(entry.name)}"
            enums += _enum(kind, entry)
            value = f"{name}{'' if entry.is_required else '?'}.rawValue"
        parameters.append(f"{name}: {kind}" if entry.is_required else f"{name}: {kind}? = nil")
        attributes.append(f"{_text(entry.name)}: {value}")
    attributes += [f"{_text(entry.name)}: {_literal(entry.literal)}" for entry in event.properties if entry.literal is not None]
    comment = [f"    /// {one_line(event.description)}"] if event.description.strip() else []
    return [
        *enums,
        *comment,
        f"    public func {method}({', '.join(parameters)}) {{",
        f"        event({_text(event.event_type)}, {_text(event.name)}, [{', '.join(attributes) or ':'}])",
        "    }",
    ]


def _enum(kind: str, entry: Property) -> list[str]:
    names = unique_names(entry.options, _name, what=f'Values of "{entry.name}"')
    cases = [f"        case {name} = {_text(option)}" for name, option in zip(names, entry.options, strict=True)]
    return [f"    public enum {kind}: String {{", *cases, "    }", ""]


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    """A string literal: no interpolation, control characters as scalars."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{{{ord(found.group()):x}}}", escaped) + '"'
