"""What a project asks of its plan: naming, properties every event must or must not have, and who must agree. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from app.kernel.errors import InvalidInput
from app.plan.merge import Merge
from app.plan.snapshot import Entity, EntityType, Snapshot
from app.plan.value_pattern import ValuePattern
from app.plan.vocabulary import Sensitivity

MOST_APPROVALS = 10
MOST_FIELDS = 100
LONGEST_PATTERN = 500
_SENSITIVE = frozenset({Sensitivity.SECRET.value, Sensitivity.PHI.value})


class Enforcement(StrEnum):
    """What happens when a plan breaks its rules; protection of main and approvals hold in either case."""

    WARN = "warn"
    BLOCK = "block"


class Rule(StrEnum):
    """Which rule a finding is about."""

    EVENT_NAME = "event_name"
    FIELD_NAME = "field_name"
    REQUIRED_FIELD = "required_field"
    FORBIDDEN_FIELD = "forbidden_field"


@dataclass(frozen=True, slots=True)
class Rules:
    """A project's rules; the defaults ask for what the contract asks for. Patterns speak about whole names, empty ones about none.

    `sensitive_approvals` are asked on top of the minimum when a branch touches a field labelled secret or phi.
    """

    enforcement: Enforcement = Enforcement.WARN
    event_name_pattern: str = ""
    field_name_pattern: str = ""
    required_fields: tuple[str, ...] = ()
    forbidden_fields: tuple[str, ...] = ()
    protects_main: bool = False
    minimum_approvals: int = 1
    sensitive_approvals: int = 0
    forbids_self_approval: bool = False

    def check(self) -> None:
        """Whether the rules make sense. InvalidInput at the field that does not."""
        for name in ("event_name_pattern", "field_name_pattern"):
            try:
                if getattr(self, name):
                    _whole(getattr(self, name))
            except ValueError as fault:
                raise InvalidInput(str(fault), field=name) from None
        both = set(self.required_fields) & set(self.forbidden_fields)
        if both:
            raise InvalidInput(f"A property cannot be required and forbidden: {', '.join(sorted(both))}", field="forbidden_fields")

    def event_name_fault(self, name: str) -> str:
        """What is wrong with an event's name, or nothing."""
        return _mismatch("event", name, self.event_name_pattern)

    def field_name_fault(self, name: str) -> str:
        """What is wrong with a property's name, or nothing."""
        if name in self.forbidden_fields:
            return f"The property {name} is forbidden in this project"
        return _mismatch("property", name, self.field_name_pattern)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that breaks a rule."""

    rule: Rule
    entity_type: EntityType
    event_type: str
    name: str
    message: str


def findings(plan: Snapshot, rules: Rules, event_types: Collection[str] | None = None) -> list[Finding]:
    """What breaks the rules, in the plan's order; only within `event_types` when they are given."""
    found: list[Finding] = []
    fields: Mapping[str, set[str]] = defaultdict(set)
    for entity in plan.entities:
        parent = entity.parent
        if parent is None or (event_types is not None and parent not in event_types):
            continue
        if entity.type is EntityType.FIELD:
            fields[parent].add(entity.name)
            if fault := rules.field_name_fault(entity.name):
                rule = Rule.FORBIDDEN_FIELD if entity.name in rules.forbidden_fields else Rule.FIELD_NAME
                found.append(Finding(rule, entity.type, parent, entity.name, fault))
        elif entity.type is EntityType.EVENT and (fault := rules.event_name_fault(entity.name)):
            found.append(Finding(Rule.EVENT_NAME, entity.type, parent, entity.name, fault))
    for entity in plan.entities:
        if entity.type is EntityType.EVENT_TYPE and (event_types is None or entity.name in event_types):
            found += [
                Finding(Rule.REQUIRED_FIELD, entity.type, entity.name, name, f"{entity.name} lacks the property {name}")
                for name in rules.required_fields
                if name not in fields[entity.name]
            ]
    return found


def touched_event_types(outcome: Merge) -> frozenset[str]:
    """Event types in which the merge makes or changes something."""
    changed: Iterable[Entity] = [*outcome.creates, *(update.entity for update in outcome.updates)]
    return frozenset(
        entity.parent or entity.name
        for entity in changed
        if entity.type in (EntityType.EVENT_TYPE, EntityType.FIELD, EntityType.EVENT)
    )


def is_sensitive(outcome: Merge) -> bool:
    """Whether the merge adds, changes or removes a field that is, or was, labelled secret or phi."""
    before = [update.before for update in outcome.updates]
    touched = [*outcome.creates, *outcome.deletes, *(update.entity for update in outcome.updates), *before]
    return any(entity.type is EntityType.FIELD and entity.attributes.get("sensitivity") in _SENSITIVE for entity in touched)


def approvals_needed(rules: Rules, *, is_sensitive: bool) -> int:
    """How many people must approve before a merge."""
    return max(1, rules.minimum_approvals) + (rules.sensitive_approvals if is_sensitive else 0)


def tidy_names(names: Sequence[str]) -> tuple[str, ...]:
    """Property names trimmed, each once and without blanks, in the order given."""
    return tuple(name for name in dict.fromkeys(name.strip() for name in names) if name)


def _mismatch(what: str, name: str, pattern: str) -> str:
    if not pattern:
        return ""
    try:
        matches = _whole(pattern).matches(name)
    except ValueError:
        return ""
    return "" if matches else f"The {what} name {name} does not follow the pattern {pattern}"


@lru_cache(maxsize=256)
def _whole(pattern: str) -> ValuePattern:
    return ValuePattern(f"^(?:{pattern})$")
