"""Events against the plan at the moment they arrive: types, required, options, pattern, range, unknown properties; and what happens
to values under a sensitivity label, in the same pass.

Compiled once per project and few seconds; pure. A project that allows everything and labels nothing has no checks at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from app.ingest.column_checks import FieldColumn, Pairs, doubtful_events, field_column
from app.ingest.decode import MEMBERS, TWICE_SENT, Event
from app.ingest.labels import MASK, Treatment, Treatments, pseudonym, treatments_of
from app.ingest.value_checks import Check, checks_of
from app.plan.contracts import FieldRules

ANY: Final = "*"
NOT_IN_PLAN: Final = "not in plan"


class Mode(StrEnum):
    """What happens to an event that breaks the plan."""

    ALLOW = "allow"
    FLAG = "flag"
    BLOCK = "block"


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
        return self.is_judging or any(treatment is not Treatment.PASS for treatment in self.sensitivity.values())

    @property
    def is_judging(self) -> bool:
        """Whether some event that breaks the plan is flagged or blocked."""
        return self.mode is not Mode.ALLOW or any(entry.mode is not Mode.ALLOW for entry in self.overrides)

    def without_modes(self) -> Policy:
        """The same policy with every event allowed; sensitive values are still treated."""
        return Policy(sensitivity=self.sensitivity)

    def mode_of(self, source: str, event: str, environment: str) -> Mode:
        """The mode for such an event."""
        return next((entry.mode for entry in self.overrides if entry.fits(source, event, environment)), self.mode)


@dataclass(frozen=True, slots=True)
class _TypeChecks:
    required: tuple[str, ...]
    by_property: Mapping[str, tuple[Check, ...]]
    treatments: Treatments


@dataclass(frozen=True, slots=True)
class Judged:
    """What an event's attributes come to. `violation` is empty for a good one; values under a label are already treated."""

    mode: Mode
    violation: str


@dataclass(frozen=True, slots=True)
class ProjectChecks:
    """The compiled plan and policy of one project. `columns` are the fields of each type for looking at many events at once,
    `rules` what they were made from; `labelled` holds every property name under a treatment, whatever its event type: what is
    cleaned of when nobody can tell the type."""

    policy: Policy
    types: Mapping[str, _TypeChecks]
    columns: Mapping[str, Sequence[FieldColumn]]
    labelled: Treatments
    secret: bytes
    rules: Mapping[str, Sequence[FieldRules]] = field(default_factory=dict, kw_only=True)

    def doubtful(self, events: Sequence[Event], planned: Pairs) -> set[int]:
        """The positions of the events that `judge` has to look at: as long as no attribute is nested, it would find nothing in the
        others and treat nothing in them. `planned` are the (source, name) pairs of the plan."""
        doubtful: set[int] = set()
        if self.labelled:
            doubtful = {position for position, event in enumerate(events) if self._may_be_labelled(event)}
        if not self.policy.is_judging:
            return doubtful
        if self.policy.refuses_unplanned:
            pairs = ((event.service, event.operation or event.service) for event in events)
            doubtful.update(position for position, pair in enumerate(pairs) if pair not in planned)
        return doubtful | doubtful_events(events, self.columns, planned, is_closed=self.policy.refuses_unknown_properties)

    def _may_be_labelled(self, event: Event) -> bool:
        labelled = self._treatments(event.service)
        if not labelled:
            return False
        for name, value in (event.custom_attributes or {}).items():
            if name.removeprefix(TWICE_SENT) in labelled or name in labelled or _may_be_json(value):
                return True
        return any(name in labelled and getattr(event, name) is not None for name in MEMBERS)

    def judge(
        self,
        source: str,
        event: str,
        environment: str,
        attributes: dict[str, Any],
        members: dict[str, Any],
        *,
        is_planned: bool,
    ) -> Judged:
        """Check an event and treat its labelled values in place. `members` are what it carries beside its attributes, such as
        `user_id`: a field of the plan may mean them, but none of them is ever unknown."""
        mode = self.policy.mode_of(source, event, environment)
        checks = self.types.get(source)
        violation = ""
        if mode is not Mode.ALLOW:
            if not is_planned:
                violation = NOT_IN_PLAN if self.policy.refuses_unplanned else ""
            elif checks is not None:
                refuses_unknown = self.policy.refuses_unknown_properties
                violation = _first_violation(checks, attributes, members, refuses_unknown=refuses_unknown)
        treatments = self._treatments(source)
        if treatments:
            self._treat(attributes, treatments, "")
            self._treat(members, treatments, "")
            if isinstance(members.get("duration"), str):
                del members["duration"]  # a number cannot hold a mask
        return Judged(mode, violation)

    def _treatments(self, source: str) -> Treatments:
        checks = self.types.get(source)
        return self.labelled if checks is None else checks.treatments

    def cleaned_event(self, event: Any) -> Any:
        """A refused event, or what was sent as one, treated as `judge` treats those of its type."""
        source = event.get("service") if isinstance(event, dict) else None
        if not isinstance(source, str):
            return self.cleaned(event)
        self._treat(event, self._treatments(source), "")
        return event

    def cleaned(self, value: Any) -> Any:
        """The value with every labelled property treated, at any depth; for records that could not be read as events."""
        return self._cleaned(value, self.labelled, "")

    def _cleaned(self, value: Any, treatments: Treatments, path: str) -> Any:
        if isinstance(value, dict):
            self._treat(value, treatments, path)
        elif isinstance(value, list):
            for position, inner in enumerate(value):
                value[position] = self._cleaned(inner, treatments, path)
        elif isinstance(value, str) and _may_be_json(value):
            return self._cleaned_text(value, treatments, path)
        return value

    def _cleaned_text(self, text: str, treatments: Treatments, path: str) -> str:
        """A text that is JSON itself with every labelled property in it treated; any other as it is. What is too deep or too odd to
        be looked into is masked whole."""
        try:
            value = msgspec.json.decode(text)
            before = msgspec.json.encode(value)
            after = msgspec.json.encode(self._cleaned(value, treatments, path))
        except msgspec.MsgspecError:
            return text
        except (UnicodeError, RecursionError):
            return MASK
        return text if after == before else after.decode()

    def _treat(self, values: dict[str, Any], treatments: Treatments, path: str) -> None:
        """Treat by name and by dotted path, also inside objects, arrays and texts of JSON: a value is no less sensitive one level
        deeper."""
        for name, value in list(values.items()):
            treatment = treatments.of(name, path)
            if treatment is None:
                values[name] = self._cleaned(value, treatments, f"{path}{name}.")
            elif treatment is Treatment.DROP:
                del values[name]
            elif treatment is Treatment.MASK:
                values[name] = MASK
            else:
                values[name] = pseudonym(self.secret, value)


def _may_be_json(value: object) -> bool:
    """Whether the value may be a text of JSON with a name in it; also one that was made JSON twice."""
    return isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"') and '"' in value


def compile_checks(fields: Mapping[str, Sequence[FieldRules]], policy: Policy, secret: bytes) -> ProjectChecks | None:
    """The checks of a project, by event type name; None when its policy asks for none."""
    if not policy.is_active:
        return None
    types = {name: _type_checks(rules, policy) for name, rules in fields.items()}
    labelled = Treatments(labelled for checks in types.values() for labelled in checks.treatments.items())
    columns = {name: [field_column(rule, is_member=rule.name in MEMBERS) for rule in rules] for name, rules in fields.items()}
    return ProjectChecks(policy, types, columns, labelled, secret, rules=fields)


def _type_checks(rules: Iterable[FieldRules], policy: Policy) -> _TypeChecks:
    rules = list(rules)
    return _TypeChecks(
        required=tuple(rule.name for rule in rules if rule.is_required),
        by_property={rule.name: tuple(checks_of(rule)) for rule in rules},
        treatments=treatments_of(rules, policy.sensitivity),
    )


def _first_violation(
    checks: _TypeChecks, attributes: Mapping[str, Any], members: Mapping[str, Any], *, refuses_unknown: bool
) -> str:
    for name in checks.required:
        if attributes.get(name) is None and members.get(name) is None:
            return f"{name} is missing"
    for name, value in attributes.items():
        rules = checks.by_property.get(name)
        if rules is None:
            if refuses_unknown:
                return f"{name[:100]} is not in the plan"
        elif fault := _fault(rules, value):
            return f"{name} {fault}"
    for name, value in members.items():
        if name not in attributes and (fault := _fault(checks.by_property.get(name, ()), value)):
            return f"{name} {fault}"
    return ""


def _fault(checks: Iterable[Check], value: Any) -> str:
    if value is None:
        return ""
    return next((fault for check in checks if (fault := check(value))), "")
