"""Condition trees of threat models: AND/OR over comparisons of an event's fields (contract C.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from app.security.behaviour.patterns import UnsafePattern, compiled, is_found
from app.security.contracts import Enrichment, SecurityEvent

DEEPEST_TREE: Final = 10
MOST_CONDITIONS: Final = 100
LONGEST_VALUE: Final = 2_000
_MISSING: Final = object()
_NOTHING: Final = Enrichment()
_KNOWN: Final = tuple(field.name for field in fields(Enrichment))

_ALIASES: Final = {
    "eq": "equals",
    "neq": "not_equals",
    "ne": "not_equals",
    "greater_than": "gt",
    "less_than": "lt",
    "greater_than_or_equal": "gte",
    "greater_than_or_equals": "gte",
    "less_than_or_equal": "lte",
    "less_than_or_equals": "lte",
    "matches": "regex",
}


class InvalidConditions(ValueError):
    """The tree cannot be used; the text says where and why."""


def check_conditions(tree: Mapping[str, Any]) -> None:
    """InvalidConditions unless the tree can be evaluated within its bounds."""
    if _checked(tree, 1) > MOST_CONDITIONS:
        raise InvalidConditions(f"A tree has at most {MOST_CONDITIONS} conditions")


def _checked(tree: object, depth: int) -> int:
    if not isinstance(tree, Mapping):
        raise InvalidConditions("A condition is an object")
    if depth > DEEPEST_TREE:
        raise InvalidConditions(f"Conditions are nested at most {DEEPEST_TREE} deep")
    if not tree:
        return 0
    if "conditions" in tree:
        parts = tree["conditions"]
        if not isinstance(parts, list):
            raise InvalidConditions("`conditions` is a list")
        if str(tree.get("logical_operator", "AND")).upper() not in ("AND", "OR"):
            raise InvalidConditions("`logical_operator` is AND or OR")
        return sum(_checked(part, depth + 1) for part in parts)
    operator = operator_name(tree.get("operator"))
    if not isinstance(tree.get("field"), str) or not tree["field"]:
        raise InvalidConditions("A condition names a `field`")
    if operator not in ("exists", "not_exists") and "value" not in tree:
        raise InvalidConditions(f"The operator {operator} needs a `value`")
    if operator == "regex":
        try:
            compiled(str(tree["value"]))
        except UnsafePattern as error:
            raise InvalidConditions(str(error)) from None
    return 1


def operator_name(word: object) -> str:
    """The operator behind a word or its alias. InvalidConditions for an unknown one."""
    name = str(word).lower()
    name = _ALIASES.get(name, name)
    if name not in ("exists", "not_exists") and name not in _COMPARISONS:
        raise InvalidConditions(f"Unknown operator {word}")
    return name


def matches(tree: Mapping[str, Any], event: SecurityEvent) -> bool:
    """Whether the event meets the tree; the empty tree is met by all, an empty AND too, an empty OR by none. InvalidConditions."""
    return _matches(tree, fields_of(event))


def _matches(tree: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    if not tree:
        return True
    if "conditions" in tree:
        parts = (_matches(part, values) for part in tree["conditions"])
        return any(parts) if str(tree.get("logical_operator", "AND")).upper() == "OR" else all(parts)
    operator = operator_name(tree.get("operator"))
    actual = value_at(values, str(tree.get("field", "")))
    is_present = actual is not _MISSING and actual is not None
    if operator in ("exists", "not_exists"):
        return is_present is (operator == "exists")
    if not is_present:
        return operator in ("not_equals", "not_contains", "not_in")
    try:
        return _COMPARISONS[operator](actual, tree.get("value"))
    except UnsafePattern as error:
        raise InvalidConditions(str(error)) from None


def fields_of(event: SecurityEvent) -> dict[str, Any]:
    """The event as the fields that conditions name."""
    known = {name: getattr(event.enrichment, name) for name in _KNOWN}
    # What the server knows goes before what the sender says of the same thing.
    mirrored = {"geolocation": known, "network_intelligence": known} if event.enrichment != _NOTHING else {}
    return {
        "id": event.id,
        "event": event.name,
        "event_name": event.name,
        "event_type": event.name,
        "severity": event.severity,
        "user_ip": event.user_ip,
        "actor_id": event.actor_id,
        "actor_email": event.actor_email,
        "actor": {"id": event.actor_id, "email": event.actor_email},
        **known,
        "metadata": {**event.metadata, **mirrored},
    }


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; a key that holds dots itself is found too, list items by number."""
    if path in values:
        return values[path]
    head, _, rest = path.partition(".")
    while rest:
        inner = values.get(head, _MISSING)
        if isinstance(inner, list):
            inner = {str(index): item for index, item in enumerate(inner)}
        if isinstance(inner, Mapping):
            return value_at(inner, rest)
        following, _, rest = rest.partition(".")
        head = f"{head}.{following}"
    return _MISSING


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)[:LONGEST_VALUE]


def _folded(value: object) -> str:
    return _text(value).casefold()


def _is_equal(actual: object, wanted: object) -> bool:
    return _folded(actual) == _folded(wanted)


def _contains(actual: object, wanted: object) -> bool:
    if isinstance(actual, list | tuple):
        return any(_is_equal(item, wanted) for item in actual)
    return _folded(wanted) in _folded(actual)


def _is_in(actual: object, wanted: object) -> bool:
    choices = wanted if isinstance(wanted, list | tuple) else str(wanted).split(",")
    return any(_is_equal(actual, item.strip() if isinstance(item, str) else item) for item in choices)


def _compared(actual: object, wanted: object, compare: Callable[[float, float], bool]) -> bool:
    if isinstance(actual, bool) or isinstance(wanted, bool):
        return False
    try:
        return compare(float(actual), float(wanted))  # type: ignore[arg-type] # what is no number is refused below
    except (TypeError, ValueError, OverflowError):
        return False


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equals": _is_equal,
    "not_equals": lambda actual, wanted: not _is_equal(actual, wanted),
    "contains": _contains,
    "not_contains": lambda actual, wanted: not _contains(actual, wanted),
    "starts_with": lambda actual, wanted: _folded(actual).startswith(_folded(wanted)),
    "ends_with": lambda actual, wanted: _folded(actual).endswith(_folded(wanted)),
    "gt": lambda actual, wanted: _compared(actual, wanted, lambda a, b: a > b),
    "lt": lambda actual, wanted: _compared(actual, wanted, lambda a, b: a < b),
    "gte": lambda actual, wanted: _compared(actual, wanted, lambda a, b: a >= b),
    "lte": lambda actual, wanted: _compared(actual, wanted, lambda a, b: a <= b),
    "in": _is_in,
    "not_in": lambda actual, wanted: not _is_in(actual, wanted),
    "regex": lambda actual, wanted: is_found(str(wanted), _text(actual)),
}
