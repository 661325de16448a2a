"""Looking for values of properties that break a rule, in the product's own event store. Only figures and a sample travel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.eventstore.contracts import EventStore
from app.kernel.errors import Unavailable

# Each check adds three expressions; the number of statements grows with the rules of the plan, never with the events.
CHECKS_PER_STATEMENT = 50
LONGEST_SAMPLE = 255


class FieldRule(StrEnum):
    """What a value may not do."""

    REQUIRED = "required"
    ENUM = "enum"
    REGEX = "regex"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """One rule for one property of the events of one type; only what the rule needs is set."""

    event_type: str
    field_name: str
    rule: FieldRule
    options: tuple[str, ...] = ()
    pattern: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class CheckedField:
    """What a check found: `bad` of `total` rows (for REQUIRED all rows, else those with a value), and one bad value."""

    check: FieldCheck
    total: int
    bad: int
    sample: str


@dataclass(frozen=True, slots=True)
class CheckedFields:
    """The results, and the checks whose pattern the store does not understand."""

    results: tuple[CheckedField, ...] = ()
    not_checked: tuple[FieldCheck, ...] = ()


def check_fields(
    store: EventStore, tenant_id: str, project_id: str, kind: str, checks: Sequence[FieldCheck], start: datetime, stop: datetime
) -> CheckedFields:
    """The checks on events of [start, stop); at most one statement per 50 checks while every pattern is understood.

    Errors: Unavailable.
    """
    results: list[CheckedField] = []
    not_checked: list[FieldCheck] = []

    def run(some: Sequence[FieldCheck]) -> list[CheckedField]:
        sql, parameters = _statement(some)
        window = {"kind": kind, "start": start, "stop": stop}
        rows = store.select(sql, tenant_id, project_id, {**parameters, **window})
        return list(_results(some, rows[0] if rows else ()))

    for some in _pieces(checks):
        patterns = [check for check in some if check.rule is FieldRule.REGEX]
        try:
            results += run(some)
        except Unavailable:
            if not patterns:
                raise
            # The store's expressions and the plan's differ in rare constructs: one such pattern must not cost the other checks.
            others = [check for check in some if check.rule is not FieldRule.REGEX]
            results += run(others) if others else []
            for check in patterns:
                try:
                    results += run([check])
                except Unavailable:
                    not_checked.append(check)
    return CheckedFields(tuple(results), tuple(not_checked))


def _pieces(checks: Sequence[FieldCheck]) -> Iterator[Sequence[FieldCheck]]:
    for first in range(0, len(checks), CHECKS_PER_STATEMENT):
        yield checks[first : first + CHECKS_PER_STATEMENT]


def _statement(checks: Sequence[FieldCheck]) -> tuple[str, dict[str, object]]:
    parameters: dict[str, object] = {"sources": sorted({check.event_type for check in checks})}
    values: dict[str, str] = {}
    expressions = []
    for index, check in enumerate(checks):
        value = values.setdefault(check.field_name, f"v{len(values)}")
        parameters[f"p_{value}"] = check.field_name
        parameters[f"s{index}"] = check.event_type
        of_type = f"source = {{{{s{index}:String}}}}"
        counted = of_type if check.rule is FieldRule.REQUIRED else f"{of_type} AND {value} IS NOT NULL"
        bad = f"{of_type} AND ({_is_bad(check, value, index, parameters)})"
        sample = f"substringUTF8(anyIf(ifNull({value}, ''), ifNull({bad}, 0)), 1, {LONGEST_SAMPLE})"
        expressions += [f"countIf({counted})", f"countIf(ifNull({bad}, 0))", sample]
    read = ", ".join(f"{_value_of(f'{{{{p_{value}:String}}}}')} AS {value}" for value in values.values())
    return (
        f"SELECT {', '.join(expressions)} FROM (SELECT source, {read} FROM {{database}}.events "
        "WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = {{kind:String}} "
        "AND source IN {{sources:Array(String)}} "
        "AND time >= {{start:DateTime64(3)}} AND time < {{stop:DateTime64(3)}})",
        parameters,
    )


def _value_of(key: str) -> str:
    """The property's text: strings as they are, anything else as JSON, null for null and nothing."""
    place = f"properties, {key}"
    return (
        f"multiIf(JSONType({place}) = 'String', JSONExtractString({place}), "
        f"JSONType({place}) = 'Null' OR JSONExtractRaw({place}) = '', NULL, JSONExtractRaw({place}))"
    )


def _is_bad(check: FieldCheck, value: str, index: int, parameters: dict[str, object]) -> str:
    match check.rule:
        case FieldRule.REQUIRED:
            return f"{value} IS NULL"
        case FieldRule.ENUM:
            parameters[f"o{index}"] = list(check.options)
            return f"{value} IS NOT NULL AND NOT has({{{{o{index}:Array(String)}}}}, {value})"
        case FieldRule.REGEX:
            # Here a dot would match a line break, in the plan's expressions it does not.
            parameters[f"r{index}"] = f"(?-s){check.pattern}"
            return f"NOT match({value}, {{{{r{index}:String}}}})"
        case FieldRule.RANGE:
            number = f"toFloat64OrNull({value})"
            bounds = [f"ifNull(isFinite({number}), 0)"]
            for name, bound, sign in (("low", check.low, ">="), ("high", check.high, "<=")):
                if bound is not None:
                    parameters[f"{name}{index}"] = bound
                    bounds.append(f"{number} {sign} {{{{{name}{index}:Float64}}}}")
            return f"{value} IS NOT NULL AND NOT ifNull({' AND '.join(bounds)}, 0)"


def _results(checks: Sequence[FieldCheck], row: Sequence[Any]) -> Iterator[CheckedField]:
    if not row:
        return
    for index, check in enumerate(checks):
        total, bad, sample = row[3 * index], row[3 * index + 1], row[3 * index + 2]
        yield CheckedField(check, int(total), int(bad), str(sample))
