"""What events of the built-in store carry beyond the fields of their event type, and which type of field would take it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.plan import service as plan
from app.plan.drift_rules import LONGEST_NAME
from app.plan.vocabulary import FieldType
from app.projects import service as projects
from app.warehouse.newest_properties import LONGEST_SAMPLE, CarriedProperty
from app.warehouse.service import open_builtin

REACH = timedelta(days=7)
MOST_ARRIVING = 200
MINUTE: Final = timedelta(minutes=1)

# What each type takes when events are checked as they arrive.
_TAKES: Final = {
    FieldType.STRING: frozenset({"String"}),
    FieldType.NUMBER: frozenset({"Int64", "UInt64", "Double"}),
    FieldType.BOOLEAN: frozenset({"Bool"}),
    FieldType.JSON: frozenset({"Object", "Array"}),
}


@dataclass(frozen=True, slots=True)
class ArrivingProperty:
    """A property without a field. `field_type` is the one type that takes all its values, None when there is none.

    `sample` is None where it may hold a value that the plan labels with a sensitivity.
    """

    name: str
    count: int
    json_types: tuple[str, ...]
    field_type: FieldType | None
    sample: str | None


@dataclass(frozen=True, slots=True)
class Arriving:
    """The events that were looked at, and what they carry; `is_all` says that these were all events of the last 7 days."""

    event_count: int
    is_all: bool
    properties: tuple[ArrivingProperty, ...]


def arriving_properties(
    session: Session, actor: Actor, slug: str, event_type_id: str, *, branch: str | None = None, now: datetime | None = None
) -> Arriving:
    """What the newest events of this type carried in the last 7 days and no field declares, most frequent first, 200 at most.

    Errors: NotFound, BadRequest as `readable_branch`, Unavailable when the event store does not answer.
    """
    project = projects.get_project(session, actor, slug)
    event_type = plan.get_event_type(session, actor, slug, event_type_id, branch=branch)
    declared = {one.name for one in event_type.field_definitions}
    hidden = plan.sensitive_names(session, actor, slug, branch=branch)
    stop = (now or SYSTEM_CLOCK.now()).astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
    seen = open_builtin(project.tenant_id, project.id).newest_properties(event_type.name, stop - REACH, stop)
    beyond = [one for one in seen.properties if one.name not in declared and _may_be_a_field(one.name)]
    found = tuple(
        ArrivingProperty(one.name, one.count, one.json_types, type_taking(one.json_types), _shown(one, hidden))
        for one in beyond[:MOST_ARRIVING]
    )
    return Arriving(seen.event_count, seen.is_all, found)


def type_taking(json_types: Iterable[str]) -> FieldType | None:
    """The type of field that takes values of all these JSON types, None when there is none."""
    wanted = frozenset(json_types)
    return next((field_type for field_type, taken in _TAKES.items() if wanted <= taken), None)


def is_taking_all(field_type: FieldType, json_types: Iterable[str]) -> bool:
    """Whether a field of this type takes values of all these JSON types."""
    return frozenset(json_types) <= _TAKES.get(field_type, _TAKES[FieldType.STRING])


def _may_be_a_field(name: str) -> bool:
    return bool(name.strip()) and len(name) <= LONGEST_NAME and "\x00" not in name


def _shown(one: CarriedProperty, hidden: frozenset[str]) -> str | None:
    """The sample. A labelled name may stand at any depth, also in a text that is an object itself: none is shown then."""
    is_hidden = one.name.casefold() in hidden or (bool(hidden) and "{" in one.sample and _may_name(one.sample, hidden))
    return None if is_hidden else one.sample


def _may_name(sample: str, hidden: frozenset[str]) -> bool:
    if "\\" in sample or len(sample) >= LONGEST_SAMPLE:  # a name may be written in escapes, or its end may be cut off
        return True
    folded = sample.casefold()
    return any(name.rpartition(".")[2] in folded for name in hidden)
