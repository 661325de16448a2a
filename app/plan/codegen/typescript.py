"""Tracking code in TypeScript."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from app.plan.codegen.model import PlannedEvent, Property, camel, method_names, one_line
from app.plan.vocabulary import FieldType

_TYPES: Final = {
    FieldType.STRING: "string",
    FieldType.URL: "string",
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "boolean",
    FieldType.JSON: "Record<string, unknown>",
}


def typescript(events: Sequence[PlannedEvent], header: str) -> str:
    """One module with a class `Tracking`; it sends through the function it is given."""
    lines = [
        *(f"// {line}" for line in header.splitlines()),
        "",
        "export interface TrackedEvent {",
        "  service: string;",
        "  operation: string;",
        "  timestamp: string;",
        "  custom_attributes: Record<string, unknown>;",
        "}",
        "",
    ]
    methods = []
    for event, method in zip(events, method_names(events, camel), strict=True):
        given = [entry for entry in event.properties if entry.literal is None]
        type_name = f"{method[0].upper()}{method[1:]}Properties"
        if given:
            lines += [f"export interface {type_name} {{", *(line for entry in given for line in _member(entry)), "}", ""]
        methods += ["", *_method(event, method, given, type_name)]
    lines += [
        "export class Tracking {",
        "  constructor(private readonly send: (event: TrackedEvent) => void) {}",
        *methods,
        "}",
        "",
    ]
    return "\n".join(lines)


def _member(entry: Property) -> list[str]:
    comment = [f"  /** {one_line(entry.description)} */"] if entry.description.strip() else []
    return [*comment, f"  {json.dumps(entry.name)}{'' if entry.is_required else '?'}: {_type(entry)};"]


def _type(entry: Property) -> str:
    if entry.kind is FieldType.ENUM and entry.options:
        return " | ".join(json.dumps(option) for option in entry.options)
    return _TYPES.get(entry.kind, "string")


def _method(event: PlannedEvent, method: str, given: Sequence[Property], type_name: str) -> list[str]:
    default = "" if any(entry.is_required for entry in given) else " = {}"
    parameter = f"properties: {type_name}{default}" if given else ""
    pinned = ", ".join(
        f"{json.dumps(entry.name)}: {json.dumps(entry.literal)}" for entry in event.properties if entry.literal is not None
    )
    attributes = ", ".join(part for part in ("...properties" if given else "", pinned) if part)
    comment = [f"  /** {one_line(event.description)} */"] if event.description.strip() else []
    return [
        *comment,
        f"  {method}({parameter}): void {{",
        "    this.send({",
        f"      service: {json.dumps(event.event_type)},",
        f"      operation: {json.dumps(event.name)},",
        "      timestamp: new Date().toISOString(),",
        f"      custom_attributes: {{ {attributes} }},".replace("{  }", "{}"),
        "    });",
        "  }",
    ]
