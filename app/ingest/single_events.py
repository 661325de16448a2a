"""One event after the other: what the contract demands of it, and the row it becomes (contract A.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from app.ingest.decode import MEMBERS, Event
from app.ingest.fresh_ids import FreshIds
from app.ingest.payloads import EventValues
from app.ingest.times import EPOCH, MILLISECOND
from app.ingest.usual_batch import Names, usual_columns
from app.ingest.validation import Mode, ProjectChecks
from app.plan.contracts import EVENT_TYPE_NAME_LIMIT, identity_of

DEEPEST_NESTING: Final = 32
BREAKS_PLAN: Final = "breaks the plan"
_BLOCKED: Final = f"{BREAKS_PLAN}: "
_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds this lies in the year 5138, as milliseconds in 1973
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)
_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_canonical_json = msgspec.json.Encoder(order="sorted").encode


class FaultyEvent(Exception):
    """The event breaks a rule; the text says which."""


@dataclass(slots=True)
class EventRules:
    """What holds for every event of a request. Times are milliseconds since 1970."""

    received_at: int
    oldest: int
    newest: int
    known: Names
    flag_reason: str
    fresh_ids: FreshIds
    checks: ProjectChecks | None
    is_plan_known: bool

    def usual_columns(self, events: Sequence[Event]) -> tuple[Sequence[Sequence[Any]], int] | None:
        """See `usual_batch`; None when the rules must decide event by event."""
        return usual_columns(
            events,
            received_at=self.received_at,
            oldest=self.oldest,
            newest=self.newest,
            known=self.known,
            flag_reason=self.flag_reason,
            fresh_ids=self.fresh_ids,
        )

    def rows_of(self, events: Iterable[Event | str]) -> tuple[list[EventValues], list[tuple[int, str]], list[str]]:
        """The good events as rows, the positions and faults of the others, and the ids those would have had, as far as they have
        one whatever the plan says."""
        rows: list[EventValues] = []
        faults: list[tuple[int, str]] = []
        fault_ids: list[str] = []
        for index, event in enumerate(events):
            try:
                if isinstance(event, str):
                    raise FaultyEvent(event)
                rows.append(self._row(event))
            except FaultyEvent as fault:
                faults.append((index, str(fault)))
                fault_ids.append("" if isinstance(event, str) else _own_id(event) or self.fresh_ids.passed_over())
        return rows, faults, fault_ids

    def _row(self, event: Event) -> EventValues:
        source = event.service
        if source.isspace():
            raise FaultyEvent("service is empty")
        name = event.operation or source
        is_planned = (source, name) in self.known or _is_planned_shortened(source, name, self.known)
        time = self._time(event.timestamp)
        violation = self._checked(event, source, name, is_planned=is_planned) if self.checks is not None else ""
        properties = _properties(event)
        _check_texts(event, properties)
        reason = violation if is_planned or violation else self.flag_reason
        return EventValues(
            source=source,
            name=name,
            time=time,
            id=_own_id(event) or self.fresh_ids(),
            actor_id=_text(event.user_id),
            session_id=_text(event.session_id),
            severity=_text(event.severity),
            status=_text(event.status),
            value=event.duration,
            ip=event.ip_address or "",
            environment=event.environment or "",
            verdict="flagged" if reason else "accepted",
            verdict_reason=reason,
            properties=properties,
        )

    def _checked(self, event: Event, source: str, name: str, *, is_planned: bool) -> str:
        """What the event breaks of the plan, its labelled values treated; FaultyEvent where the project blocks it."""
        assert self.checks is not None
        attributes = event.custom_attributes or {}
        if _depth(attributes) > DEEPEST_NESTING:
            raise FaultyEvent(f"nested deeper than {DEEPEST_NESTING} levels")
        members = {key: value for key in MEMBERS if (value := getattr(event, key)) is not None}
        # While nobody can read the plan an event is not held against it.
        is_held = is_planned or self.is_plan_known
        judged = self.checks.judge(source, name, event.environment or "", attributes, members, is_planned=is_planned)
        if is_held and judged.violation and judged.mode is Mode.BLOCK:
            raise FaultyEvent(f"{_BLOCKED}{judged.violation}")
        event.custom_attributes = attributes or None
        for key in MEMBERS:
            setattr(event, key, members.get(key))
        return judged.violation if is_held else ""

    def _time(self, stamp: str | float | None) -> int:
        if stamp is None:
            return self.received_at
        time = _text_time(stamp) if isinstance(stamp, str) else _numeric_time(stamp)
        if not self.oldest <= time <= self.newest:
            raise FaultyEvent("timestamp is out of range")
        return time


def is_blocked(reason: str) -> bool:
    """Whether an event with this fault is good but for the plan of a project that blocks such events."""
    return reason.startswith(_BLOCKED)


def _own_id(event: Event) -> str:
    return event.id or event.event_id or event.idempotency_key or ""


def _text_time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FaultyEvent("timestamp is not an ISO 8601 date and time") from None
    return (moment - EPOCH if moment.tzinfo is not None else moment - _NAIVE_EPOCH) // MILLISECOND


def _numeric_time(value: float) -> int:
    try:
        return math.floor(value if abs(value) >= _MILLISECONDS_FROM else value * 1000)
    except (ValueError, OverflowError):
        raise FaultyEvent("timestamp is out of range") from None


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _is_planned_shortened(source: str, name: str, known: Names) -> bool:
    """Whether the plan knows a source that is longer than its own names under the shortened form."""
    return len(source) > EVENT_TYPE_NAME_LIMIT and identity_of(source, name) in known


def _properties(event: Event) -> bytes:
    """Canonical JSON of the attributes and the user agent: keys sorted, no white space."""
    attributes = event.custom_attributes or {}
    if event.user_agent:
        attributes["event.user_agent" if "user_agent" in attributes else "user_agent"] = event.user_agent
    text = _canonical_json(attributes)
    if (text.rfind(b"{") or b"[" in text) and _depth(attributes) > DEEPEST_NESTING:
        raise FaultyEvent(f"nested deeper than {DEEPEST_NESTING} levels")
    return text


def _check_texts(event: Event, properties: bytes) -> None:
    for key in event.__struct_fields__:
        value = getattr(event, key)
        if value.__class__ is str and _CONTROL.search(value):
            raise FaultyEvent(f"{key} contains control characters")
    if b"\\u0000" in properties and _NUL_ESCAPE.search(properties):
        raise FaultyEvent("custom_attributes contain NUL characters")


def _depth(value: object) -> int:
    """How many objects and arrays stand inside each other."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
    return depth
