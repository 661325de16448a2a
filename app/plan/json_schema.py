"""The JSON Schema of an event's payload, from its event type's fields (JSON Schema draft 2020-12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {"string": "string", "number": "number", "boolean": "boolean", "url": "string", "enum": "string", "json": "object"}


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field demands of a value; `authored` is the event's own value for it, a template when it holds `${`."""

    name: str
    display_name: str
    description: str
    field_type: str
    is_required: bool
    enum_options: tuple[str, ...] = ()
    regex: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    sensitivity: str = "none"
    authored: str | None = None


def json_schema(event_type: str, event: str, description: str, fields: Iterable[FieldRule]) -> dict[str, object]:
    """A schema that a payload of the event satisfies. Unknown properties are allowed: a plan names what it relies on.

    A field to which the event gives a literal value must have exactly that value; a template only keeps its type.
    """
    fields = list(fields)
    return {
        "$schema": DRAFT,
        "title": f"{event_type}: {event}",
        "description": description,
        "type": "object",
        "properties": {rule.name: _property(rule) for rule in fields},
        "required": [rule.name for rule in fields if rule.is_required],
        "additionalProperties": True,
    }


def _property(rule: FieldRule) -> dict[str, object]:
    kind = _TYPES.get(rule.field_type, "string")
    schema: dict[str, object] = {"type": kind, "title": rule.display_name}
    if rule.description:
        schema["description"] = rule.description
    if rule.field_type == "url":
        schema["format"] = "uri"
    if rule.field_type == "enum" and rule.enum_options:
        schema["enum"] = list(rule.enum_options)
    if rule.regex and kind == "string":
        schema["pattern"] = rule.regex
    if rule.minimum is not None and kind == "number":
        schema["minimum"] = rule.minimum
    if rule.maximum is not None and kind == "number":
        schema["maximum"] = rule.maximum
    if rule.sensitivity != "none":
        schema["x-sensitivity"] = rule.sensitivity
    literal = literal_of(rule.field_type, rule.authored)
    if literal is not None:
        schema["const"] = literal
    return schema


def literal_of(field_type: str, authored: str | None) -> str | float | bool | None:
    """The value an event pins, in its JSON type; None when it pins none or the text does not fit the type."""
    if not authored or "${" in authored:
        return None
    if field_type == "number":
        try:
            number = float(authored)
        except ValueError:
            return None
        return int(number) if number.is_integer() else number
    if field_type == "boolean":
        return {"true": True, "false": False}.get(authored.lower())
    return None if field_type == "json" else authored
