"""What the page on drifts shows, as finished texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.plan import service as plan
from app.plan.contracts import DriftType
from app.plan.drift_rules import fitting_type
from app.plan.views import DriftView
from app.plan.vocabulary import DriftStatus, FieldType, Sensitivity
from app.reconciliation.pages.comparison import UNKNOWN, Compared, compared_view
from components.format import NO_VALUE, full_number, iso_utc, local_time

OPEN: Final = DriftStatus.OPEN.value
# Older drifts are not listed, and a comparison that is older says nothing of today.
DAYS: Final = 30
STATUSES: Final = {
    OPEN: "Open",
    DriftStatus.SNOOZED.value: "Snoozed",
    DriftStatus.ACCEPTED.value: "Accepted",
    DriftStatus.FALSE_POSITIVE.value: "Not a drift",
    "all": "All",
}
_TONES: Final = {OPEN: "warn", DriftStatus.ACCEPTED.value: "ok"}
_SCHEMA: Final = {
    DriftType.NEW_FIELD: "New field",
    DriftType.MISSING_FIELD: "Missing field",
    DriftType.TYPE_CHANGED: "Type changed",
}
_CONTRACT: Final = {
    DriftType.ENUM_VIOLATION: "Value outside its list",
    DriftType.REQUIRED_NULL_VIOLATION: "Required but empty",
    DriftType.REGEX_VIOLATION: "Does not fit the pattern",
    DriftType.RANGE_VIOLATION: "Outside its range",
}
_ADDED: Final = {FieldType.NUMBER: "number", FieldType.BOOLEAN: "yes or no", FieldType.JSON: "JSON"}
_RATE: Final = re.compile(r"bad_rate=(\S+) allowed=(\S+) bad=(\d+) total=(\d+)")


@dataclass(frozen=True)
class DriftRow:
    """One departure of the data from the plan. `is_open` tells whether a decision is due, `field_type` what accepting adds."""

    id: str
    field_name: str
    event_type: str
    event_type_href: str
    kind: str
    part: str
    evidence: str
    sample: str
    is_hidden: bool
    status: str
    tone: str
    decision: str
    detected: str
    iso: str
    is_open: bool
    deletes_field: bool
    accept_text: str
    field_type: str


@dataclass(frozen=True)
class DriftsView:
    """The drifts of main under one status, and how many there are under each; unknown while nothing was compared."""

    rows: list[DriftRow] = field(default_factory=list)
    compared: Compared = field(default_factory=Compared)
    open_total: str = UNKNOWN
    schema_total: str = UNKNOWN
    contract_total: str = UNKNOWN
    decided_total: str = "0"
    has_any: bool = False
    is_editor: bool = False


def drifts_view(session: Session, actor: Actor, slug: str, status: str, zone: ZoneInfo) -> DriftsView:
    """Main's drifts of the last 30 days, newest first; a snooze that ended counts as open. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    kinds = {kind.id: kind for kind in plan.list_event_type_details(session, actor, slug)}
    found = []
    for drift in plan.list_project_drifts(session, actor, slug, now=now):
        kind = kinds.get(drift.event_type_id)
        if kind is not None:
            hidden = {one.name.lower() for one in kind.field_definitions if one.sensitivity is not Sensitivity.NONE}
            found.append(_row(drift, kind.display_name, ui_paths.project_event_type(slug, kind.id), hidden, zone, now))
    due = [row for row in found if row.is_open]
    compared = compared_view(session, actor, slug, zone, now, days=DAYS)
    is_known = compared.is_known or bool(found)
    return DriftsView(
        rows=[row for row in found if status in ("all", _status_key(row))],
        compared=compared,
        open_total=full_number(len(due)) if is_known else UNKNOWN,
        schema_total=_count(row.part == "Schema" for row in due) if is_known else UNKNOWN,
        contract_total=_count(row.part == "Contract" for row in due) if is_known else UNKNOWN,
        decided_total=full_number(len(found) - len(due)),
        has_any=bool(found),
        is_editor=actor.role in (UserRole.OWNER, UserRole.EDITOR),
    )


def _count(flags: Iterable[bool]) -> str:
    return full_number(sum(flags))


def _status_key(row: DriftRow) -> str:
    return next(key for key, word in STATUSES.items() if word == row.status)


def _row(drift: DriftView, event_type: str, href: str, hidden: set[str], zone: ZoneInfo, now: datetime) -> DriftRow:
    status = drift.status.value
    if drift.status is DriftStatus.SNOOZED and (drift.snoozed_until is None or drift.snoozed_until <= now):
        status = OPEN
    is_hidden = drift.drift_type is not DriftType.MISSING_FIELD and drift.field_name.lower() in hidden
    is_schema = drift.drift_type in _SCHEMA
    is_new = drift.drift_type is DriftType.NEW_FIELD
    # A number added as text would make ingest refuse what the field was added for.
    added = fitting_type(drift.observed_type)
    return DriftRow(
        id=drift.id,
        field_name=drift.field_name,
        event_type=event_type,
        event_type_href=href,
        kind=(_SCHEMA | _CONTRACT)[drift.drift_type],
        part="Schema" if is_schema else "Contract",
        evidence=_evidence(drift),
        sample="hidden, the field is sensitive" if is_hidden else drift.sample_value or NO_VALUE,
        is_hidden=is_hidden,
        status=STATUSES[status],
        tone=_TONES.get(status, "neutral"),
        decision=_decision(drift, status, zone, now),
        detected=local_time(drift.detected_at, zone, now=now),
        iso=iso_utc(drift.detected_at),
        is_open=status == OPEN,
        deletes_field=drift.drift_type is DriftType.MISSING_FIELD,
        accept_text=f"Add as {_ADDED.get(added, 'text')}" if is_new else "Change the plan" if is_schema else "Accept",
        field_type=added.value if is_new else "",
    )


def _evidence(drift: DriftView) -> str:
    """What was seen against what the plan says."""
    seen, declared = drift.observed_type or "unknown", drift.declared_type or "unknown"
    match drift.drift_type:
        case DriftType.NEW_FIELD:
            return f"The data has it as {seen}, the plan does not have it"
        case DriftType.MISSING_FIELD:
            return f"The plan has it as {declared}, the data does not have it"
        case DriftType.TYPE_CHANGED:
            return f"The plan says {declared}, the data holds {seen}"
    rate = _RATE.fullmatch(drift.observed_type or "")
    if rate is None:
        return drift.observed_type or "No figures were kept"
    bad, total = full_number(int(rate[3])), full_number(int(rate[4]))
    return f"{bad} of {total} rows ({_share(rate[1])}), allowed {_share(rate[2])}"


def _share(text: str) -> str:
    """0.0123 -> "1.23 %"; small shares matter here, so two decimals stay."""
    try:
        return f"{float(text) * 100:.2f}".rstrip("0").rstrip(".") + "\u00a0%"
    except ValueError:
        return NO_VALUE


def _decision(drift: DriftView, status: str, zone: ZoneInfo, now: datetime) -> str:
    if status == DriftStatus.SNOOZED and drift.snoozed_until is not None:
        return f"until {local_time(drift.snoozed_until, zone, now=now)}"
    return "" if drift.resolved_at is None else local_time(drift.resolved_at, zone, now=now)
