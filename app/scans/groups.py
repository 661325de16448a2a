"""Event group rules: many events that differ in a detail become one (contract 4.7). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.plan.value_pattern import ValuePattern

EVENT_NAME_FIELDS = frozenset({"event_name", "__event_name"})


@dataclass(frozen=True, slots=True)
class GroupCondition:
    """A pattern that is searched in a field's formatted value, or in the event's name."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Events for which all (or any) of the conditions hold are called `name`."""

    name: str
    conditions: tuple[GroupCondition, ...]
    condition_logic: str = "all"

    def as_stored(self) -> dict[str, object]:
        """The rule as the config keeps it and the wire shows it."""
        return {
            "name": self.name,
            "condition_logic": self.condition_logic,
            "conditions": [{"field": condition.field, "pattern": condition.pattern} for condition in self.conditions],
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, object]) -> GroupRule:
        """The rule of a config's row."""
        conditions = stored.get("conditions")
        parts = conditions if isinstance(conditions, list) else []
        return cls(
            name=str(stored.get("name", "")),
            conditions=tuple(GroupCondition(str(part["field"]), str(part["pattern"])) for part in parts),
            condition_logic=str(stored.get("condition_logic", "all")),
        )


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a rule does to one event: its name, and the fields whose value becomes the pattern between slashes."""

    name: str
    replaced: Mapping[str, str]


def grouping_of(
    rules: Sequence[GroupRule], event_name: str, values: Mapping[str, str], *, json_fields: frozenset[str] = frozenset()
) -> Grouping | None:
    """What the first matching rule does; None when none matches. Blank and invalid patterns are ignored."""
    for rule in rules:
        matched = _matched(rule, event_name, values)
        if matched is not None:
            replaced = {
                condition.field: f"/{condition.pattern}/"
                for condition in matched
                if condition.field not in EVENT_NAME_FIELDS and condition.field not in json_fields
            }
            return Grouping(rule.name, replaced)
    return None


def fields_of(rules: Sequence[GroupRule]) -> frozenset[str]:
    """Real fields that the rules look at."""
    return frozenset(condition.field for rule in rules for condition in rule.conditions) - EVENT_NAME_FIELDS


def _matched(rule: GroupRule, event_name: str, values: Mapping[str, str]) -> list[GroupCondition] | None:
    usable = [(condition, _compiled(condition.pattern)) for condition in rule.conditions]
    checks = [(condition, pattern) for condition, pattern in usable if pattern is not None]
    hits = [
        condition
        for condition, pattern in checks
        if pattern.matches(event_name if condition.field in EVENT_NAME_FIELDS else values.get(condition.field, ""))
    ]
    wanted = 1 if rule.condition_logic == "any" else len(checks)
    return hits if checks and len(hits) >= wanted else None


def pattern_fault(pattern: str) -> str | None:
    """Why the pattern cannot be used; None for a good one."""
    try:
        ValuePattern("(?s)" + pattern)
    except ValueError as error:
        return str(error)
    return None


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> ValuePattern | None:
    if not pattern.strip():
        return None
    try:
        return ValuePattern("(?s)" + pattern)
    except ValueError:
        return None
