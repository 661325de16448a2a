"""Where observed columns depart from what an event type declares (contract 8.1 and 8.2). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.plan.contracts import DriftType, ObservedDrift, ScanField, ScanTarget
from app.plan.value_pattern import ValuePattern
from app.scans.layout import Layout
from app.scans.naming import Row
from app.scans.values import is_number
from app.warehouse.contracts import ColumnKind
from app.warehouse.field_checks import FieldRule

NULL_SAMPLE = "NULL"
VIOLATIONS = {
    FieldRule.REQUIRED: DriftType.REQUIRED_NULL_VIOLATION,
    FieldRule.ENUM: DriftType.ENUM_VIOLATION,
    FieldRule.REGEX: DriftType.REGEX_VIOLATION,
    FieldRule.RANGE: DriftType.RANGE_VIOLATION,
}


@dataclass(frozen=True, slots=True)
class ObservedType:
    """What a column holds among the rows of one event type; `is_object` also for texts that are objects, all of them."""

    name: str
    type_name: str
    is_object: bool
    has_data: bool
    sample: str | None


def drifts_of(
    target: ScanTarget, layout: Layout, observed: Sequence[ObservedType], rows: Sequence[tuple[Row, int]]
) -> list[ObservedDrift]:
    """Every departure of the rows of one event type, each with its row count, from the type's fields and their data contracts."""
    declared = {one.name: one for one in target.fields}
    columns = {one.name: one for one in observed}
    found = [
        ObservedDrift(target.id, one.name, DriftType.NEW_FIELD, one.type_name, None, one.sample)
        for one in observed
        if one.has_data and one.name not in declared
    ]
    for name, definition in declared.items():
        column = columns.get(name)
        if column is None:
            if name not in layout.reserved:
                found.append(ObservedDrift(target.id, name, DriftType.MISSING_FIELD, None, definition.field_type, None))
            continue
        if column.has_data and _is_other_type(definition, column):
            found.append(
                ObservedDrift(target.id, name, DriftType.TYPE_CHANGED, column.type_name, definition.field_type, column.sample)
            )
        found += _violations(target.id, definition, rows, is_json=layout.kind_of(name) is ColumnKind.JSON)
    return found


def _is_other_type(definition: ScanField, column: ObservedType) -> bool:
    """Only text against objects; types that a person chose are never doubted."""
    return definition.field_type in ("string", "json") and column.is_object is not (definition.field_type == "json")


def _violations(
    event_type_id: str, definition: ScanField, rows: Sequence[tuple[Row, int]], *, is_json: bool
) -> list[ObservedDrift]:
    name = definition.name
    total = sum(count for _, count in rows)
    values = [] if is_json else [(row.texts[name], count) for row, count in rows if name in row.texts and name not in row.nulls]
    found = []

    def judge_values(rule: FieldRule, is_bad: Callable[[str], bool]) -> None:
        bad = [(text, count) for text, count in values if is_bad(text)]
        of = sum(count for _, count in values)
        sample = bad[0][0] if bad else ""
        found.append(violation(event_type_id, definition, rule, sum(count for _, count in bad), of, sample))

    if definition.is_required:
        nulls = sum(count for row, count in rows if name in row.nulls)
        found.append(violation(event_type_id, definition, FieldRule.REQUIRED, nulls, total, NULL_SAMPLE))
    if definition.field_type == "enum" and definition.enum_options:
        options = frozenset(definition.enum_options)
        judge_values(FieldRule.ENUM, lambda text: text not in options)
    if definition.contract_regex:
        pattern = compiled(definition.contract_regex)
        if pattern is not None:
            judge_values(FieldRule.REGEX, lambda text: not pattern.matches(text))
    low, high = definition.contract_min_value, definition.contract_max_value
    if low is not None or high is not None:
        judge_values(FieldRule.RANGE, lambda text: not _is_within(text, low, high))
    return [one for one in found if one is not None]


def violation(event_type_id: str, definition: ScanField, rule: FieldRule, bad: int, of: int, sample: str) -> ObservedDrift | None:
    """The drift of a rule that `bad` of `of` rows break; None while the field's contract allows as many."""
    allowed = definition.contract_max_bad_rate
    if rule is FieldRule.REQUIRED and definition.contract_required_max_null_rate is not None:
        allowed = definition.contract_required_max_null_rate
    if not of or bad / of <= allowed:
        return None
    text = f"bad_rate={bad / of:.4f} allowed={allowed:.4f} bad={bad} total={of}"
    return ObservedDrift(event_type_id, definition.name, VIOLATIONS[rule], text, rule.value, sample)


def compiled(pattern: str) -> ValuePattern | None:
    """The pattern of a field's contract; None for one that does not compile."""
    try:
        return ValuePattern(pattern)
    except ValueError:
        return None


def _is_within(text: str, low: float | None, high: float | None) -> bool:
    if not is_number(text):
        return False
    number = float(text)
    return (low is None or number >= low) and (high is None or number <= high)
