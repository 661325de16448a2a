"""Event group rules as people write them: one per line, `Orders: event_name ~ ^order_; step ~ paid`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.kernel.errors import InvalidInput
from app.scans.groups import GroupCondition, GroupRule, pattern_fault

FIELD = "event_group_rules"
_ANY = re.compile(r"^(.*\S)\s*\(any\)$")
_MOST_CONDITIONS = 20


def rules_text(rules: Sequence[GroupRule]) -> str:
    """The rules, one per line."""
    return "\n".join(_line(rule) for rule in rules)


def parsed_rules(text: str) -> tuple[GroupRule, ...]:
    """The rules that the lines say. InvalidInput names the line that says none."""
    return tuple(_rule(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _line(rule: GroupRule) -> str:
    conditions = "; ".join(f"{condition.field} ~ {condition.pattern}" for condition in rule.conditions)
    return f"{rule.name}{' (any)' if rule.condition_logic == 'any' else ''}: {conditions}"


def _rule(number: int, line: str) -> GroupRule:
    name, colon, rest = line.partition(": ")
    parts = [part.partition(" ~ ") for part in rest.split("; ")]
    if not colon or not name.strip() or any(not field.strip() or not pattern.strip() for field, _, pattern in parts):
        raise InvalidInput(f"Line {number} is no rule. Write it as: Name: field ~ pattern; field ~ pattern", field=FIELD)
    if len(parts) > _MOST_CONDITIONS:
        raise InvalidInput(f"Line {number} has more than {_MOST_CONDITIONS} conditions", field=FIELD)
    for _, _, pattern in parts:
        if fault := pattern_fault(pattern):
            raise InvalidInput(f"The pattern {pattern} in line {number} is no regular expression: {fault}", field=FIELD)
    conditions = tuple(GroupCondition(field.strip(), pattern) for field, _, pattern in parts)
    found = _ANY.match(name.strip())
    return GroupRule(found[1], conditions, "any") if found else GroupRule(name.strip(), conditions)
