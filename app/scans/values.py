"""Warehouse values as text: the same text whatever the dialect (contract 4.4 and 4.5). Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal

from app.warehouse.contracts import Value

LONGEST_STORED_VALUE = 255

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IDENTIFIER = re.compile(r"[^a-z0-9_]+")
_LONGEST_IDENTIFIER = 100


def text_of(value: Value) -> str:
    """The value as an event shows it: null is empty, booleans are true and false, integral numbers have no decimals."""
    match value:
        case None:
            text = ""
        case bool():
            text = "true" if value else "false"
        case float() | Decimal():
            text = _number(value)
        case datetime():
            moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            text = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            text = value.isoformat()
        case bytes():
            text = value.decode("utf-8", "replace")
        case _:
            text = str(value)
    return text.replace("\x00", "")


def stored_text(value: Value) -> str:
    """The value as a breakdown keeps it: cut to the length of its column."""
    return text_of(value)[:LONGEST_STORED_VALUE]


def is_number(text: str) -> bool:
    """Whether the text is a decimal number."""
    return _NUMBER.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID with hyphens."""
    return _UUID.fullmatch(text) is not None


def identifier(text: str) -> str:
    """The text as a name that can stand in a `${token}`: small letters, digits and underscores, a letter first."""
    name = _IDENTIFIER.sub("_", text.lower()).strip("_")
    if not name or not name[0].isalpha():
        name = f"v_{name}" if name else "value"
    return name[:_LONGEST_IDENTIFIER]


def _number(value: float | Decimal) -> str:
    if not math.isfinite(value):
        return str(value).lower()
    if value == int(value) and abs(int(value)) < 10**16:
        return str(int(value))
    return format(value.normalize(), "f") if isinstance(value, Decimal) else repr(value)
