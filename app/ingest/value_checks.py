"""What a field of the plan demands of one value: kind, options, pattern, range (contract 2.5). Faults never quote the value."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from app.plan.contracts import FieldRules
from app.plan.value_pattern import ValuePattern

Check = Callable[[Any], str]
"""Says what is wrong with a value, or nothing."""

_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "string": ((str,), "is not text"),
    "url": ((str,), "is not text"),
    "number": ((int, float), "is not a number"),
    "boolean": ((bool,), "is neither true nor false"),
    "json": ((dict, list), "is neither an object nor an array"),
}


def checks_of(rule: FieldRules) -> Iterable[Check]:
    """Every check of the field, the kind first: the others may rely on it."""
    if rule.field_type in _KINDS:
        yield _is_kind(*_KINDS[rule.field_type], is_number=rule.field_type == "number")
    if rule.field_type == "url":
        yield lambda value: "" if "://" in value else "is not an address"
    if rule.field_type == "enum" and rule.enum_options:
        yield _is_option(frozenset(rule.enum_options))
    if rule.regex and rule.field_type in ("string", "url", "enum"):
        yield _matches(rule.regex)
    if rule.field_type == "number" and (rule.minimum is not None or rule.maximum is not None):
        yield _is_within(rule.minimum, rule.maximum)


def _is_kind(kinds: tuple[type, ...], fault: str, *, is_number: bool) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, kinds) or (is_number and isinstance(value, bool)):
            return fault
        return fault if isinstance(value, float) and not math.isfinite(value) else ""

    return check


def _is_option(options: Collection[str]) -> Check:
    return lambda value: "" if isinstance(value, str) and value in options else "is none of its options"


def _matches(pattern: str) -> Check:
    try:
        compiled = ValuePattern(pattern)
    except ValueError:  # stored before patterns were checked
        return lambda _value: ""
    return lambda value: "" if isinstance(value, str) and compiled.matches(value) else "does not match its pattern"


def _is_within(minimum: float | None, maximum: float | None) -> Check:
    def check(value: Any) -> str:
        if minimum is not None and value < minimum:
            return f"is below {minimum:g}"
        return f"is above {maximum:g}" if maximum is not None and value > maximum else ""

    return check
