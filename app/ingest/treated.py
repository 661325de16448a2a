"""Events that were received before, held against a plan once more: what was treated when they came says nothing now, and is not
treated again.

A labelled value is kept masked, as a pseudonym or not at all. Judged a second time it would break rules that the value it stands
for may well keep, and a pseudonym would get a pseudonym of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import msgspec

from app.ingest.labels import MASK, Treatment, Treatments, pseudonym
from app.ingest.single_events import BREAKS_PLAN
from app.ingest.validation import Judged, ProjectChecks

_PSEUDONYM: Final = re.compile(r"[0-9a-f]{32}")
# The only member that holds a number: no mask can stand in its place.
_NUMBER: Final = "duration"


def is_treated(value: object, *, is_labelled: bool) -> bool:
    """Whether the value stands for another one. A pseudonym is told by its form, and only where a label makes one likely."""
    return value == MASK or (is_labelled and _is_pseudonym(value))


def lost_properties(
    names: Iterable[str],
    treatments: Mapping[str, Treatment],
    attributes: Mapping[str, Any],
    members: Mapping[str, Any],
    reason: str,
) -> frozenset[str]:
    """Those of the names whose values were treated when the event came. The property that the event was refused or flagged for,
    with this reason, is none of them: its value was judged as it was sent."""
    fault = reason.removeprefix(f"{BREAKS_PLAN}: ")
    return frozenset(
        name
        for name in names
        if not fault.startswith(f"{name} ")
        and _is_lost(name, treatments.get(name), members.get(name) if attributes.get(name) is None else attributes[name])
    )


def as_it_may_stand(raw: str, reason: str) -> str:
    """The text of an event that was refused for breaking the plan, without what stands for its labelled `duration`: a number can be
    left out, but not masked. It stays where the event was refused for that number."""
    fault = reason.removeprefix(f"{BREAKS_PLAN}: ")
    if fault == reason or fault.startswith(f"{_NUMBER} ") or f'"{_NUMBER}":"' not in raw:
        return raw
    event = msgspec.json.decode(raw)
    if is_treated(event.get(_NUMBER), is_labelled=True):
        del event[_NUMBER]
    return msgspec.json.encode(event).decode()


def without_rules(checks: ProjectChecks, source: str, names: frozenset[str]) -> ProjectChecks:
    """The checks with nothing to say of these properties of the event type; they still count as planned."""
    known = checks.types.get(source)
    if known is None or not names:
        return checks
    lenient = replace(
        known,
        required=tuple(name for name in known.required if name not in names),
        by_property={name: () if name in names else rules for name, rules in known.by_property.items()},
    )
    return replace(checks, types={**checks.types, source: lenient})


@dataclass(frozen=True, slots=True)
class SecondLook(ProjectChecks):
    """The checks of a project for events that it refused with `reason`."""

    reason: str = ""

    @classmethod
    def of(cls, checks: ProjectChecks, reason: str) -> SecondLook:
        """The same checks for such events."""
        own: dict[str, Any] = {one.name: getattr(checks, one.name) for one in fields(checks)}
        return cls(**{**own, "reason": reason})

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
        """As for an event that comes for the first time, without a word on what was treated then."""
        known, checks = self.types.get(source), self
        if known is not None:
            lost = lost_properties(known.by_property, known.treatments, attributes, members, self.reason)
            checks = without_rules(self, source, lost)  # type: ignore[assignment]
        return ProjectChecks.judge(checks, source, event, environment, attributes, members, is_planned=is_planned)

    def _treat(self, values: dict[str, Any], treatments: Treatments, path: str) -> None:
        kept = {name: value for name, value in values.items() if _is_pseudonym(value)}
        ProjectChecks._treat(self, values, treatments, path)
        for name, value in kept.items():
            if values.get(name) == pseudonym(self.secret, value):
                values[name] = value


def _is_lost(name: str, treatment: Treatment | None, value: object) -> bool:
    if value is None:
        return treatment is Treatment.DROP or (treatment is not None and name == _NUMBER)
    return is_treated(value, is_labelled=treatment is not None)


def _is_pseudonym(value: object) -> bool:
    return isinstance(value, str) and _PSEUDONYM.fullmatch(value) is not None
