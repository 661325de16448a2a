"""Which events of a batch may break the plan, looked at field by field: most do not, and need no look of their own.

The answer is cautious: those that are named here have to be judged one by one, by `validation`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.ingest.decode import Event
from app.plan.contracts import FieldRules
from app.plan.value_pattern import ValuePattern

ColumnCheck = Callable[[Sequence[Any]], bool]
"""Whether all values of a field, none of them None, are good."""
Pairs = Collection[tuple[str, str]]

_KINDS: Final[Mapping[str, frozenset[type]]] = {
    "string": frozenset({str}),
    "url": frozenset({str}),
    "enum": frozenset({str}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "json": frozenset({dict, list}),
}


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """A field of an event type, as one looks at all its values. `is_member`: events may carry it beside their attributes."""

    name: str
    is_required: bool
    is_member: bool
    is_good: ColumnCheck

    def doubtful(self, events: Sequence[Event], attributes: Sequence[Mapping[str, Any]]) -> Iterable[int]:
        """The positions of those events of which the field may not be good; `attributes` are theirs."""
        name = self.name
        if self.is_member:
            values = [own[name] if name in own else getattr(event, name) for event, own in zip(events, attributes, strict=True)]
        else:
            values = [own.get(name) for own in attributes]
        if None not in values:
            return () if self.is_good(values) else self._doubtful_one_by_one(values)
        present = [value for value in values if value is not None]
        is_good = not self.is_required and (not present or self.is_good(present))
        return () if is_good else self._doubtful_one_by_one(values)

    def _doubtful_one_by_one(self, values: Sequence[Any]) -> Iterable[int]:
        for position, value in enumerate(values):
            if self.is_required if value is None else not self.is_good((value,)):
                yield position


def field_column(rule: FieldRules, *, is_member: bool) -> FieldColumn:
    """The field with all its checks, which say the same as those of `value_checks`."""
    checks = list(_checks_of(rule))

    def is_good(values: Sequence[Any]) -> bool:
        return all(check(values) for check in checks)

    return FieldColumn(rule.name, rule.is_required, is_member, is_good)


def doubtful_events(
    events: Sequence[Event], types: Mapping[str, Sequence[FieldColumn]], planned: Pairs, *, is_closed: bool
) -> set[int]:
    """The positions of the planned events, of types that `types` has, that may break the plan; others are not looked at.

    `is_closed`: properties that the type does not name break it, too.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for position, event in enumerate(events):
        source = event.service
        if source in types and (source, event.operation or source) in planned:
            groups[source].append(position)
    doubtful: set[int] = set()
    for source, positions in groups.items():
        columns = types[source]
        group = [events[position] for position in positions]
        attributes = [event.custom_attributes or {} for event in group]
        if is_closed:
            known = {column.name for column in columns}
            doubtful.update(place for place, own in zip(positions, attributes, strict=True) if not own.keys() <= known)
        for column in columns:
            doubtful.update(positions[place] for place in column.doubtful(group, attributes))
    return doubtful


def _checks_of(rule: FieldRules) -> Iterable[ColumnCheck]:
    kinds = _KINDS.get(rule.field_type)
    if kinds is not None and (rule.field_type != "enum" or rule.enum_options or rule.regex):
        yield lambda values: set(map(type, values)) <= kinds
    if rule.field_type == "number":
        yield _are_finite
    if rule.field_type == "url":
        yield lambda values: all("://" in value for value in values)
    if rule.field_type == "enum" and rule.enum_options:
        options = frozenset(rule.enum_options)
        yield options.issuperset
    if rule.regex and rule.field_type in ("string", "url", "enum"):
        yield _match(rule.regex)
    if rule.field_type == "number" and (rule.minimum is not None or rule.maximum is not None):
        least = -math.inf if rule.minimum is None else rule.minimum
        most = math.inf if rule.maximum is None else rule.maximum
        yield lambda values: min(values) >= least and max(values) <= most


def _are_finite(values: Sequence[float]) -> bool:
    try:
        return all(map(math.isfinite, values))
    except OverflowError:  # a whole number that no float can hold
        return False


def _match(pattern: str) -> ColumnCheck:
    try:
        compiled = ValuePattern(pattern)
    except ValueError:  # stored before patterns were checked
        return lambda _values: True
    return lambda values: all(map(compiled.matches, set(values)))
