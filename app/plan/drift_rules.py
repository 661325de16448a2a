"""What a decision does to a drift, how long drifts are shown, and which field type a column calls for (contract 8.1, 8.3). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kernel.errors import InvalidInput
from app.plan.contracts import DriftType
from app.plan.vocabulary import DriftAction, DriftStatus, FieldType

VISIBLE_FOR = timedelta(days=30)
"""A drift that no scan found again for so long is left out of lists and then deleted."""

LONGEST_NAME = 255
LONGEST_TYPE = 128
LONGEST_SAMPLE = 255

# Wrappers of a warehouse type that say nothing about the shape of its values.
_WRAPPER = re.compile(r"(?:nullable|lowcardinality)\((.*)\)")
_COMPLEX = re.compile(
    r"(?:map|tuple|array|nested|object|variant|dynamic|json|jsonb|hstore|struct|record|repeated|row|list|dict)(?:\W.*)?|.*\[\d*\]"
)
# How scans of the product's own events name the types of properties.
_PROPERTY = "json "
_NUMBER = re.compile(
    r"u?int\d*|(?:tiny|small|medium|big)?int(?:eger)?|(?:small|big)?serial|float\d*|double(?: precision)?|real|"
    r"(?:big)?(?:numeric|decimal)\d*(?:\(.*\))?"
)
_BOOLEAN = re.compile(r"bool(?:ean)?")


@dataclass(frozen=True, slots=True)
class Triage:
    """What people decided about a drift; the names are those of the drift's own attributes."""

    status: DriftStatus = DriftStatus.OPEN
    resolution_note: str | None = None
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None


def decided(action: DriftAction, *, note: str | None, snoozed_until: datetime | None, user_id: str | None, now: datetime) -> Triage:
    """The state after the action, whatever the state before: only a snooze ends by itself, only a reopening forgets the note.

    InvalidInput when a snooze has no end.
    """
    match action:
        case DriftAction.REOPEN:
            return Triage()
        case DriftAction.SNOOZE:
            if snoozed_until is None:
                raise InvalidInput("A snooze needs snoozed_until", field="snoozed_until")
            return Triage(DriftStatus.SNOOZED, note, snoozed_until)
        case DriftAction.ACCEPT | DriftAction.FALSE_POSITIVE:
            status = DriftStatus.ACCEPTED if action is DriftAction.ACCEPT else DriftStatus.FALSE_POSITIVE
            return Triage(status, note, None, now, user_id)


def visible_since(now: datetime) -> datetime:
    """The oldest detection that lists still show."""
    return now - VISIBLE_FOR


def field_type_for(observed_type: str | None) -> FieldType:
    """JSON for a warehouse type with parts (maps, arrays, records), string for any other and for none.

    Properties of the product's own events have the type that takes all their values: ingest may refuse what the plan does not take.
    """
    name = _unwrapped(observed_type)
    if name.startswith(_PROPERTY):
        return _taking(frozenset(name.removeprefix(_PROPERTY).split(" or ")))
    return FieldType.JSON if _COMPLEX.fullmatch(name) else FieldType.STRING


def fitting_type(observed_type: str | None) -> FieldType:
    """As `field_type_for`, but numbers and truth values of a warehouse are told apart as well: what to offer people."""
    name = _unwrapped(observed_type)
    if _NUMBER.fullmatch(name):
        return FieldType.NUMBER
    return FieldType.BOOLEAN if _BOOLEAN.fullmatch(name) else field_type_for(name)


def type_accepted(drift_type: DriftType, observed_type: str | None, declared_type: str | None) -> FieldType:
    """The type that accepting the drift gives the field; of a changed one it is known that text and objects have changed places."""
    if drift_type is DriftType.TYPE_CHANGED and declared_type == FieldType.STRING:
        return FieldType.JSON
    return field_type_for(observed_type)


def _unwrapped(observed_type: str | None) -> str:
    name = (observed_type or "").strip().lower()
    while wrapped := _WRAPPER.fullmatch(name):
        name = wrapped[1].strip()
    return name


def _taking(json_types: frozenset[str]) -> FieldType:
    if json_types == {"number"}:
        return FieldType.NUMBER
    if json_types == {"boolean"}:
        return FieldType.BOOLEAN
    return FieldType.JSON if json_types <= {"object", "array"} else FieldType.STRING


def fitting(text: str | None, limit: int) -> str | None:
    """The beginning of the text that a column of this length can keep on both databases; None for none."""
    if text is None:
        return None
    # PostgreSQL keeps no NUL, and half of a surrogate pair cannot be encoded.
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:limit]
