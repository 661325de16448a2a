"""The data contracts of fields on events of the built-in store, where a field is a property of that name (contract 8.2). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from app.plan.contracts import ObservedDrift, ScanTarget
from app.scans.drifts import NULL_SAMPLE, compiled, violation
from app.warehouse.field_checks import CheckedFields, FieldCheck, FieldRule


def checks_of(targets: Mapping[str, ScanTarget], event_types: Iterable[str]) -> list[FieldCheck]:
    """What to look for among events of these types (a source is one); those without contracts ask for nothing."""
    return [check for name in sorted(set(event_types)) if name in targets for check in _checks(targets[name])]


def _checks(target: ScanTarget) -> Iterator[FieldCheck]:
    for one in target.fields:
        if one.is_required:
            yield FieldCheck(target.name, one.name, FieldRule.REQUIRED)
        if one.field_type == "json":
            continue
        if one.field_type == "enum" and one.enum_options:
            yield FieldCheck(target.name, one.name, FieldRule.ENUM, options=tuple(one.enum_options))
        if one.contract_regex and compiled(one.contract_regex) is not None:
            yield FieldCheck(target.name, one.name, FieldRule.REGEX, pattern=one.contract_regex)
        if one.contract_min_value is not None or one.contract_max_value is not None:
            yield FieldCheck(target.name, one.name, FieldRule.RANGE, low=one.contract_min_value, high=one.contract_max_value)


def drifts_in(targets: Mapping[str, ScanTarget], checked: CheckedFields) -> list[ObservedDrift]:
    """The contracts that the checked values break more often than they allow."""
    found = []
    for result in checked.results:
        target = targets[result.check.event_type]
        definition = next(one for one in target.fields if one.name == result.check.field_name)
        sample = NULL_SAMPLE if result.check.rule is FieldRule.REQUIRED else result.sample
        found.append(violation(target.id, definition, result.check.rule, result.bad, result.total, sample))
    return [one for one in found if one is not None]
