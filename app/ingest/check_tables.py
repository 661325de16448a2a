"""A project's checks as tables for compiled code, and which of the rows that it has scanned they may have something to say of."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from app.ingest import scan, scan_checks
from app.ingest.decode import MEMBERS
from app.ingest.validation import ProjectChecks
from app.plan.contracts import FieldRules
from app.plan.value_pattern import ValuePattern

_KINDS: Final = {
    "string": scan_checks.TEXT,
    "url": scan_checks.ADDRESS,
    "number": scan_checks.NUMBER,
    "boolean": scan_checks.BOOLEAN,
    "json": scan_checks.NESTED,
}
_MEMBERS: Final = {name: scan.MEMBERS.index(name) for name in MEMBERS}
_PATIENCE: Final = 3
_LONGEST_PAUSE: Final = 30
"""Of bodies that are not tried, once group after group had to be read by the rules."""
_Numbers = np.ndarray[Any, Any]


@dataclass(slots=True)
class _Builder:
    names: bytearray = field(default_factory=lambda: bytearray(1))
    fields: list[Sequence[int]] = field(default_factory=list)
    bounds: list[tuple[float, float]] = field(default_factory=list)
    options: list[tuple[int, int]] = field(default_factory=list)
    patterns: dict[str, tuple[int, ValuePattern] | None] = field(default_factory=dict)

    def place(self, text: bytes) -> tuple[int, int]:
        """Where the text stands from now on, and its length."""
        self.names += text
        return len(self.names) - len(text), len(text)

    def add_all(self, rules: Iterable[FieldRules], labelled: Container[str]) -> tuple[int, int]:
        """The fields of a type, in the order of their names; the place of the first, and how many there are."""
        first = len(self.fields)
        for rule in sorted(rules, key=lambda rule: _encoded(rule.name)):
            self.add(rule, is_labelled=rule.name in labelled)
        return first, len(self.fields) - first

    def add(self, rule: FieldRules, *, is_labelled: bool) -> None:
        """One field more."""
        kind = _KINDS.get(rule.field_type, scan_checks.ANY)
        first = len(self.options)
        options = sorted(map(_encoded, set(rule.enum_options))) if rule.field_type == "enum" else []
        pattern = self._pattern(rule.regex) if rule.regex and rule.field_type in ("string", "url", "enum") else -1
        if options or (rule.field_type == "enum" and pattern >= 0):
            kind = scan_checks.TEXT
        self.options += map(self.place, options)
        low = -math.inf if rule.minimum is None else rule.minimum
        high = math.inf if rule.maximum is None else rule.maximum
        name = self.place(_encoded(rule.name))
        counted = len(options) if options else -1
        self.fields.append((*name, kind, rule.is_required, is_labelled, _MEMBERS.get(rule.name, -1), first, counted, pattern))
        self.bounds.append((low, high))

    def _pattern(self, text: str) -> int:
        """Its number; below zero for one that was stored before patterns were checked."""
        if text not in self.patterns:
            try:
                self.patterns[text] = sum(known is not None for known in self.patterns.values()), ValuePattern(text)
            except ValueError:
                self.patterns[text] = None
        known = self.patterns[text]
        return -1 if known is None else known[0]


class CheckTables:
    """The checks of one project, by event type."""

    def __init__(self, checks: ProjectChecks) -> None:
        self.checks = checks
        self._misses = self._pause = 0
        self._types: dict[str, tuple[int, int, bool, bool]] = {}
        builder = _Builder()
        for source, rules in checks.rules.items():
            names = {rule.name for rule in rules}
            labelled = checks.types[source].treatments
            # A label on a field also reaches names that are no fields.
            others = [_unasked(name) for name in labelled if name not in names]
            self._types[source] = (*builder.add_all([*rules, *others], labelled), bool(labelled), len(names) < len(rules))
        # Of a type that the plan does not know nothing is asked but that no labelled value gets through.
        self._other = (*builder.add_all(map(_unasked, checks.labelled), checks.labelled), bool(checks.labelled), False)
        self._names = np.frombuffer(bytes(builder.names), np.uint8)
        self._fields = np.array(builder.fields or [(0,) * scan_checks.FIELD_COLUMNS], np.int32)
        self._bounds = np.array(builder.bounds or [(0.0, 0.0)], np.float64)
        self._options = np.array(builder.options or [(0, 0)], np.int32)
        self._patterns = [known[1] for known in builder.patterns.values() if known is not None]
        self._most_patterns = max([int((self._fields[first : first + many, scan_checks.PATTERN] >= 0).sum())
                                   for first, many, *_ in self._types.values()], default=0)  # fmt: skip

    def is_worth_a_try(self) -> bool:
        """Whether it is likely that a body has no doubtful event: not right after several groups of bodies that all had some."""
        if self._pause:
            self._pause -= 1
            return False
        return True

    def doubtful(
        self, pairs: Sequence[tuple[str, str]], planned: frozenset[tuple[str, str]], text: bytes, count: int, kinds: _Numbers,
        places: _Numbers, lengths: _Numbers, values: _Numbers, properties: _Numbers, ends: _Numbers,
    ) -> _Numbers:  # fmt: skip
        """A mark for every scanned row that has to be judged by the rules; `pairs` are service and operation of each kind."""
        types = np.array([self._asked(source, (source, name) in planned) for source, name in pairs], np.int32)
        doubts = np.zeros(count, np.uint8)
        if not types[:, 2].any():
            return doubts
        wanted = np.empty((count * self._most_patterns + 1, 5), np.int32)
        body = np.frombuffer(text, np.uint8)
        asked = scan_checks.look(
            body, count, kinds, types, places, lengths, values, properties, ends, self._names, self._fields, self._bounds,
            self._options, doubts, wanted,
        )  # fmt: skip
        if asked:
            into = np.empty(int((wanted[:asked, 4] - wanted[:asked, 3]).sum()) + asked + 2, np.uint8)
            rows = np.empty(asked, np.int32)
            for number, pattern in enumerate(self._patterns):
                size, found = scan_checks.gather(number, asked, wanted, body, properties, into, rows)
                if found and (faulty := pattern.mismatches(into[:size].tobytes())):
                    doubts[rows[faulty]] = 1
        return doubts

    def warm_up(self) -> None:
        """Have the compiled code at hand."""
        bodies, row = np.zeros(8, np.uint8), np.zeros((1, scan.COUNT), np.int32)
        properties = np.frombuffer(b"{}", np.uint8).copy()
        numbers = np.zeros(1, np.int32)
        planned = frozenset({("a", "a")})
        self.doubtful(
            [("a", "a")], planned, bodies.tobytes(), 1, numbers, row, row, np.zeros(1), properties, np.full(1, 2, np.int64)
        )
        wanted = np.zeros((1, 5), np.int32)
        scan_checks.gather(0, 0, wanted, np.frombuffer(bodies.tobytes(), np.uint8), properties, properties.copy(), numbers)

    def learn(self, *, is_fruitless: bool) -> None:
        """What came of a group of bodies."""
        self._misses = self._misses + 1 if is_fruitless else 0
        self._pause = min(self._misses * _PATIENCE, _LONGEST_PAUSE) if self._misses >= _PATIENCE else 0

    def _asked(self, source: str, is_planned: bool) -> tuple[int, int, int]:
        policy = self.checks.policy
        is_known = source in self._types
        first, many, has_labels, is_odd = self._types.get(source, self._other)
        flags = scan_checks.LABELLED if has_labels else 0
        if policy.is_judging and not is_planned and policy.refuses_unplanned:
            flags |= scan_checks.DOUBTFUL
        if policy.is_judging and is_planned and is_known:
            flags |= scan_checks.JUDGED | (scan_checks.CLOSED if policy.refuses_unknown_properties else 0)
            flags |= scan_checks.DOUBTFUL if is_odd else 0
        return first, many, flags


def _unasked(name: str) -> FieldRules:
    return FieldRules(name, "", is_required=False)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
