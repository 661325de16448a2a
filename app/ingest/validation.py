"""Events against the plan at the moment they arrive: types, required, options, pattern, range, unknown properties; and what happens
to values under a sensitivity label, in the same pass.

Compiled once per project and few seconds; pure. A project that allows everything and labels nothing has no checks at all.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from app.plan.contracts import FieldRules
from app.plan.value_pattern import ValuePattern

MASK: Final = "[masked]"
ANY: Final = "*"
NOT_IN_PLAN: Final = "not in plan"
_HMAC_CHARACTERS: Final = 32


class Mode(StrEnum):
    """What happens to an event that breaks the plan."""

    ALLOW = "allow"
    FLAG = "flag"
    BLOCK = "block"


class Treatment(StrEnum):
    """What happens to a value whose field carries a sensitivity label."""

    PASS = "pass"  # noqa: S105 - let through
    MASK = "mask"
    HMAC = "hmac"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Override:
    """Another mode for some events; `*` stands for all. The first that fits decides."""

    mode: Mode
    source: str = ANY
    event: str = ANY
    environment: str = ANY

    def fits(self, source: str, event: str, environment: str) -> bool:
        """Whether the override speaks about such an event."""
        pairs = ((self.source, source), (self.event, event), (self.environment, environment))
        return all(wanted in (ANY, found) for wanted, found in pairs)


@dataclass(frozen=True, slots=True)
class Policy:
    """A project's choices. With `refuses_unplanned` an event that the plan does not hold counts as breaking it."""

    mode: Mode = Mode.ALLOW
    refuses_unplanned: bool = False
    refuses_unknown_properties: bool = False
    overrides: tuple[Override, ...] = ()
    sensitivity: Mapping[str, Treatment] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether events must be looked at one by one."""
        treated = any(treatment is not Treatment.PASS for treatment in self.sensitivity.values())
        return self.mode is not Mode.ALLOW or treated or any(entry.mode is not Mode.ALLOW for entry in self.overrides)

    def mode_of(self, source: str, event: str, environment: str) -> Mode:
        """The mode for such an event."""
        return next((entry.mode for entry in self.overrides if entry.fits(source, event, environment)), self.mode)


Check = Callable[[Any], str]
"""Says what is wrong with a value, or nothing."""


@dataclass(frozen=True, slots=True)
class _TypeChecks:
    required: tuple[str, ...]
    by_property: Mapping[str, tuple[Check, ...]]
    treatments: Mapping[str, Treatment]


@dataclass(frozen=True, slots=True)
class Judged:
    """What an event's attributes come to. `violation` is empty for a good one; values under a label are already treated."""

    mode: Mode
    violation: str


@dataclass(frozen=True, slots=True)
class ProjectChecks:
    """The compiled plan and policy of one project."""

    policy: Policy
    types: Mapping[str, _TypeChecks]
    secret: bytes

    @property
    def labelled(self) -> Mapping[str, Treatment]:
        """Every property name under a treatment, whatever its event type: what raw text is cleaned of."""
        return {name: treatment for checks in self.types.values() for name, treatment in checks.treatments.items()}

    def judge(self, source: str, event: str, environment: str, attributes: dict[str, Any], *, is_planned: bool) -> Judged:
        """Check the attributes and treat labelled ones in place."""
        mode = self.policy.mode_of(source, event, environment)
        checks = self.types.get(source)
        violation = ""
        if mode is not Mode.ALLOW:
            if not is_planned:
                violation = NOT_IN_PLAN if self.policy.refuses_unplanned else ""
            elif checks is not None:
                violation = _first_violation(checks, attributes, refuses_unknown=self.policy.refuses_unknown_properties)
        if checks is not None:
            self._treat(attributes, checks.treatments)
        return Judged(mode, violation)

    def cleaned(self, value: Any) -> Any:
        """The value with every labelled property treated, at any depth; for records that could not be read as events."""
        labelled = self.labelled
        if isinstance(value, dict):
            kept = {key: self.cleaned(inner) for key, inner in value.items()}
            self._treat(kept, labelled)
            return kept
        return [self.cleaned(inner) for inner in value] if isinstance(value, list) else value

    def _treat(self, attributes: dict[str, Any], treatments: Mapping[str, Treatment]) -> None:
        for name in treatments.keys() & attributes.keys():
            treatment = treatments[name]
            if treatment is Treatment.DROP:
                del attributes[name]
            elif treatment is Treatment.MASK:
                attributes[name] = MASK
            elif treatment is Treatment.HMAC:
                text = str(attributes[name]).encode("utf-8", "surrogatepass")
                attributes[name] = hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:_HMAC_CHARACTERS]


def compile_checks(fields: Mapping[str, Sequence[FieldRules]], policy: Policy, secret: bytes) -> ProjectChecks | None:
    """The checks of a project, by event type name; None when its policy asks for none."""
    if not policy.is_active:
        return None
    return ProjectChecks(policy, {name: _type_checks(rules, policy) for name, rules in fields.items()}, secret)


def _type_checks(rules: Iterable[FieldRules], policy: Policy) -> _TypeChecks:
    rules = list(rules)
    treatments = {rule.name: policy.sensitivity.get(rule.sensitivity, Treatment.PASS) for rule in rules}
    return _TypeChecks(
        required=tuple(rule.name for rule in rules if rule.is_required),
        by_property={rule.name: tuple(_checks(rule)) for rule in rules},
        treatments={name: treatment for name, treatment in treatments.items() if treatment is not Treatment.PASS},
    )


def _first_violation(checks: _TypeChecks, attributes: Mapping[str, Any], *, refuses_unknown: bool) -> str:
    for name in checks.required:
        if attributes.get(name) is None:
            return f"{name} is missing"
    for name, value in attributes.items():
        rules = checks.by_property.get(name)
        if rules is None:
            if refuses_unknown and name != "user_agent":
                return f"{name[:100]} is not in the plan"
            continue
        if value is None:
            continue
        for check in rules:
            fault = check(value)
            if fault:
                return f"{name} {fault}"
    return ""


_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "string": ((str,), "is not text"),
    "url": ((str,), "is not text"),
    "number": ((int, float), "is not a number"),
    "boolean": ((bool,), "is neither true nor false"),
    "json": ((dict, list), "is neither an object nor an array"),
}


def _checks(rule: FieldRules) -> Iterable[Check]:
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
