"""From a violation to a change of the plan that would heal it, on a branch for people to look at.

Only what the examples of the violation show is proposed: an event or a property that the plan lacks, or a rule that is too strict.
Values that were masked or pseudonymised are no evidence and are never put into a plan.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlmodel import Session

from app.identity.contracts import Actor
from app.ingest import policies, violation_service
from app.ingest.contracts import ViolationGroup
from app.ingest.decode import MEMBERS
from app.ingest.single_events import BREAKS_PLAN
from app.ingest.treated import is_treated
from app.ingest.validation import NOT_IN_PLAN
from app.kernel.errors import BadRequest, NotFound
from app.plan import service as plan
from app.plan.branching import service as branching
from app.plan.drafts import EventDraft, EventTypeDraft, FieldChanges, FieldDraft
from app.plan.vocabulary import FieldType
from app.projects import service as projects

MOST_FIELDS: Final = 50
_FAULTS: Final = (
    ("missing", re.compile(r"(.+) is missing")),
    ("unknown", re.compile(r"(.+) is not in the plan")),
    ("kind", re.compile(r"(.+) is (?:not text|not a number|neither true nor false|neither an object nor an array|not an address)")),
    ("option", re.compile(r"(.+) is none of its options")),
    ("pattern", re.compile(r"(.+) does not match its pattern")),
    ("range", re.compile(r"(.+) is (?:below|above) .+")),
)


class Remedy(StrEnum):
    """What would heal a violation."""

    PLAN_EVENT = "plan_event"
    ADD_FIELD = "add_field"
    MAKE_OPTIONAL = "make_optional"
    CHANGE_TYPE = "change_type"
    ADD_OPTIONS = "add_options"
    DROP_PATTERN = "drop_pattern"
    WIDEN_RANGE = "widen_range"


_REMEDIES: Final = {
    "missing": Remedy.MAKE_OPTIONAL,
    "unknown": Remedy.ADD_FIELD,
    "kind": Remedy.CHANGE_TYPE,
    "option": Remedy.ADD_OPTIONS,
    "pattern": Remedy.DROP_PATTERN,
    "range": Remedy.WIDEN_RANGE,
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch with the change, and the change as a sentence."""

    branch_id: str
    branch_name: str
    remedy: Remedy
    change: str


def remedy_of(reason: str) -> tuple[Remedy, str] | None:
    """What heals a fault, and the property it is about (empty for a whole event); None for a fault no plan can heal."""
    fault = reason.removeprefix(f"{BREAKS_PLAN}: ")
    if fault == NOT_IN_PLAN:
        return Remedy.PLAN_EVENT, ""
    for name, pattern in _FAULTS:
        if match := pattern.fullmatch(fault):
            return _REMEDIES[name], match[1]
    return None


def propose(
    session: Session, actor: Actor, slug: str, *, source: str, name: str, reason: str, hours: int, now: datetime
) -> Proposal:
    """Make a branch that would heal the violation. Editors and owners.

    Errors: NotFound for a violation that is not there any more; BadRequest for one that the plan cannot heal, or whose examples do
    not show how; Conflict and InvalidInput as the plan's own changes; Unavailable.
    """
    actor.require_editor()
    found = violation_service.list_violations(session, actor, slug, now, hours=hours)
    wanted = (source, name, reason)
    groups = [group for group in (*found.refused, *found.flagged) if (group.source, group.name, group.reason) == wanted]
    if not groups:
        raise NotFound("The violation is not there any more")
    known = remedy_of(reason)
    if known is None:
        raise BadRequest("No plan can heal this fault: the events themselves have to change")
    remedy, field = known
    treatments = policies.treatments(session, projects.get_project(session, actor, slug).id)
    labelled = {label for of_type in treatments.values() for label in of_type}
    attributes = [_evidence(shown, labelled) for group in groups for shown in _attributes(group)]
    title = f"{f'Fit {name[:60]} {field[:40]}'.strip()}, {now:%d %b %H:%M:%S}"
    branch = branching.create_branch(session, actor, slug, title, f"Proposed for events with the fault: {reason}")
    change = _apply(session, actor, slug, branch.id, remedy, source, name, field, attributes)
    return Proposal(branch.id, branch.name, remedy, change)


def _apply(
    session: Session,
    actor: Actor,
    slug: str,
    branch: str,
    remedy: Remedy,
    source: str,
    name: str,
    field: str,
    attributes: Sequence[dict[str, Any]],
) -> str:
    types = {one.name: one for one in plan.list_event_type_details(session, actor, slug, branch=branch)}
    if remedy is Remedy.PLAN_EVENT:
        if source not in types:
            draft = EventTypeDraft(name=source, display_name=source, field_definitions=_fields(attributes))
            types[source] = plan.create_event_type(session, actor, slug, draft, branch=branch)
        event = EventDraft(types[source].id, name, description="Proposed because it arrives", source_name=name)
        plan.create_event(session, actor, slug, event, branch=branch)
        return f"The plan holds the event {name} of {source}"
    event_type = types.get(source)
    if event_type is None:
        raise NotFound(f"The plan has no event type {source}")
    values = [shown[field] for shown in attributes if shown.get(field) is not None]
    if remedy is Remedy.ADD_FIELD:
        plan.create_field(session, actor, slug, event_type.id, FieldDraft(field, field, type_of(values)), branch=branch)
        return f"{source} has the property {field}"
    definition = next((one for one in event_type.field_definitions if one.name == field), None)
    if definition is None:
        raise NotFound(f"The plan has no property {field} of {source}")
    changes, told = _changes(remedy, field, values, definition)
    plan.update_field(session, actor, slug, event_type.id, definition.id, changes, branch=branch)
    return told


def _changes(remedy: Remedy, field: str, values: Sequence[Any], definition: Any) -> tuple[FieldChanges, str]:
    if remedy is Remedy.MAKE_OPTIONAL:
        return {"is_required": False}, f"{field} may be missing"
    if remedy is Remedy.DROP_PATTERN:
        return {"contract_regex": None}, f"{field} needs no pattern"
    if remedy is Remedy.ADD_OPTIONS:
        known = tuple(definition.enum_options or ())
        fresh = [value for value in dict.fromkeys(map(str, values)) if value not in known]
        if not fresh:
            raise BadRequest("The examples do not show which options are missing")
        return {"enum_options": [*known, *fresh]}, f"{field} may also be {', '.join(fresh)}"
    if remedy is Remedy.CHANGE_TYPE:
        kind = type_of(values)
        return {"field_type": kind}, f"{field} is of the type {kind.value}"
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)]
    if not numbers:
        raise BadRequest("The examples do not show how far the range has to reach")
    low, high = definition.contract_min_value, definition.contract_max_value
    widened: FieldChanges = {}
    if low is not None and min(numbers) < low:
        widened["contract_min_value"] = float(min(numbers))
    if high is not None and max(numbers) > high:
        widened["contract_max_value"] = float(max(numbers))
    if not widened:
        raise BadRequest("The examples are within the range by now")
    return widened, f"{field} may reach from {min(numbers):g} to {max(numbers):g}"


def type_of(values: Sequence[Any]) -> FieldType:
    """The type that takes every one of the values. BadRequest when there are none, or when no type does."""
    kinds = {_type_of(value) for value in values}
    if kinds == {FieldType.URL, FieldType.STRING}:
        return FieldType.STRING
    if len(kinds) != 1:
        raise BadRequest("The examples do not show one kind of value")
    return kinds.pop()


def _type_of(value: Any) -> FieldType:
    if isinstance(value, bool):
        return FieldType.BOOLEAN
    if isinstance(value, int | float):
        return FieldType.NUMBER
    if isinstance(value, dict | list):
        return FieldType.JSON
    return FieldType.URL if "://" in str(value) else FieldType.STRING


def _fields(attributes: Sequence[dict[str, Any]]) -> list[FieldDraft]:
    """A property for each that the examples show in one kind; the members that every event may carry are none."""
    names = dict.fromkeys(name for shown in attributes for name in shown if name not in MEMBERS)
    drafts = []
    for name in list(names)[:MOST_FIELDS]:
        values = [shown[name] for shown in attributes if shown.get(name) is not None]
        try:
            drafts.append(FieldDraft(name, name, type_of(values)))
        except BadRequest:
            continue
    return drafts


def _evidence(shown: dict[str, Any], labelled: Collection[str]) -> dict[str, Any]:
    """Without the values that stand for others."""
    return {name: value for name, value in shown.items() if not is_treated(value, is_labelled=name in labelled)}


def _attributes(group: ViolationGroup) -> list[dict[str, Any]]:
    """What the examples carry: the attributes of stored events, or refused ones with their members."""
    found = []
    for example in group.examples:
        try:
            value = json.loads(example)
        except ValueError:
            continue
        if isinstance(value, dict):
            attributes = value.get("custom_attributes")
            members = {key: value[key] for key in MEMBERS if key in value}
            found.append({**members, **attributes} if isinstance(attributes, dict) else value)
    return found
