"""From decoded events to rows: times, names, ids, properties and the verdict against the plan (contract A.2)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from typing import Any, Final

import msgspec

from app.ingest.columns import EventValues, RowBatch, columns_of
from app.ingest.decode import Batch, Event
from app.ingest.fresh_ids import FreshIds
from app.ingest.project_plans import ProjectPlan
from app.ingest.quarantine import QuarantineRow, quarantine_lines, raw_text
from app.ingest.times import EPOCH, MILLISECOND, milliseconds_of, stored_time
from app.ingest.usual_batch import Names, usual_columns
from app.ingest.validation import NOT_IN_PLAN, Mode, ProjectChecks
from app.plan.contracts import EVENT_TYPE_NAME_LIMIT, identity_of

DAY: Final = 86_400_000
DEEPEST_NESTING: Final = 32
PLAN_UNAVAILABLE: Final = "plan unavailable"
BREAKS_PLAN: Final = "breaks the plan"
UNREADABLE: Final = "[left out: it could not be read, so nothing in it could be masked]"
_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds this lies in the year 5138, as milliseconds in 1973
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)
_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# What an event carries beside its attributes and a plan may speak of.
MEMBERS: Final = ("user_id", "session_id", "ip_address", "user_agent", "status", "environment", "severity", "duration")

_canonical_json = msgspec.json.Encoder(order="sorted").encode


@dataclass(slots=True)
class Cleaned(RowBatch):
    """What became of a batch: rows to store, refused records to keep as NDJSON, and what to tell the producer."""

    flagged: Mapping[str, int]
    blocked: int
    quarantine: bytes
    faults: list[tuple[int, str]]
    has_own_ids: bool = False

    @property
    def ids(self) -> Sequence[str]:
        """The id of every row to store."""
        ids: Sequence[str] = self.values[EventValues._fields.index("id")] if self.values else ()
        return ids

    def without(self, left_out: Sequence[bool]) -> Cleaned:
        """The batch without the marked rows."""
        kept = [not mark for mark in left_out]
        values = [list(compress(column, kept)) for column in self.values]
        return replace(self, count=sum(kept), values=values if any(kept) else (), flagged=_flags(values))


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """How far an event's time may lie from the moment of reception, in milliseconds; never before 1970-01-02."""

    age: int
    future: int

    @classmethod
    def of(cls, *, max_age_days: int, max_future_hours: int) -> TimeWindow:
        """The window in the units of the settings."""
        return cls(max_age_days * DAY, max_future_hours * DAY // 24)


class FaultyEvent(Exception):
    """The event breaks a rule; the text says which."""


class BlockedEvent(FaultyEvent):
    """The event breaks the plan of a project that blocks such events."""


def clean_batch(
    batch: Batch, *, tenant_id: str, project_id: str, plan: ProjectPlan, window: TimeWindow, now: datetime, id_seed: str = ""
) -> Cleaned:
    """Apply the rules, and the project's checks when it has some, to every event received at `now`.

    Events without an id get a random one; with `id_seed` the same ones every time the same body comes with the same seed.
    """
    received_at = milliseconds_of(now)
    fresh_ids = FreshIds(len(batch), received_at, id_seed)
    rules = _Rules(
        received_at=received_at,
        oldest=max(received_at - window.age, DAY),
        newest=received_at + window.future,
        known=frozenset() if plan.names is None else plan.names,
        flag_reason=PLAN_UNAVAILABLE if plan.names is None else NOT_IN_PLAN,
        fresh_ids=fresh_ids,
        checks=plan.checks,
        is_plan_known=plan.names is not None,
    )
    body = batch.body
    is_ascii = body.isascii()
    # Without an escape, a DEL or a character beyond ASCII no text can hold a control character: JSON has them escaped.
    is_plain = is_ascii and b"\\" not in body and b"\x7f" not in body
    faults: list[tuple[int, str]] = []
    blocked = 0
    flagged: Mapping[str, int]
    usual = rules.usual_columns(batch.events) if is_plain and batch.events is not None and plan.checks is None else None
    if usual is not None:
        values, unplanned = usual
        flagged = {rules.flag_reason: unplanned} if unplanned else {}
    else:
        rows, faults, blocked = rules.rows_of(batch.singly())
        values = columns_of(rows)
        flagged = _flags(values)
    count = len(batch) - len(faults)
    quarantine = b""
    if faults:
        stored_at = stored_time(received_at)
        refused = [(reason, _raw(batch, index, plan.checks)) for index, reason in faults]
        quarantine = quarantine_lines(
            [QuarantineRow(tenant_id, project_id, "event", stored_at, reason, raw) for reason, raw in refused]
        )
    is_ascii = is_plain and plan.checks is None  # a reason may name a field of the plan
    has_own_ids = bool(id_seed) or fresh_ids.count < count
    return Cleaned(
        tenant_id,
        project_id,
        received_at,
        plan.revision,
        count,
        values,
        is_ascii,
        flagged,
        blocked,
        quarantine,
        faults,
        has_own_ids,
    )


def _flags(values: Sequence[Sequence[Any]]) -> Mapping[str, int]:
    """Why rows are flagged, and how many for each reason."""
    if not values:
        return {}
    verdicts, reasons = (values[EventValues._fields.index(name)] for name in ("verdict", "verdict_reason"))
    return Counter(
        reason if reason in (NOT_IN_PLAN, PLAN_UNAVAILABLE) else BREAKS_PLAN
        for verdict, reason in zip(verdicts, reasons, strict=True)
        if verdict == "flagged"
    )


def _raw(batch: Batch, index: int, checks: ProjectChecks | None) -> str:
    raw = batch.raw(index)
    return raw_text(raw) if checks is None or not checks.labelled else masked_text(raw, checks)


def masked_text(raw: bytes | str, checks: ProjectChecks) -> str:
    """The text of a refused record without the values that the project's policy keeps out of every table."""
    try:
        return raw_text(msgspec.json.encode(checks.cleaned(msgspec.json.decode(raw))))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return UNREADABLE


@dataclass(slots=True)
class _Rules:
    """What holds for every event of a request. Times are milliseconds since 1970."""

    received_at: int
    oldest: int
    newest: int
    known: Names
    flag_reason: str
    fresh_ids: Callable[[], str]
    checks: ProjectChecks | None
    is_plan_known: bool

    def usual_columns(self, events: Sequence[Event]) -> tuple[Sequence[Sequence[Any]], int] | None:
        return usual_columns(
            events,
            oldest=self.oldest,
            newest=self.newest,
            known=self.known,
            flag_reason=self.flag_reason,
            fresh_ids=self.fresh_ids,
        )

    def rows_of(self, events: Iterable[Event | str]) -> tuple[list[EventValues], list[tuple[int, str]], int]:
        """The good events as rows, the positions and faults of the others, and how many of those only break the plan."""
        rows: list[EventValues] = []
        faults: list[tuple[int, str]] = []
        blocked = 0
        for index, event in enumerate(events):
            try:
                if isinstance(event, str):
                    raise FaultyEvent(event)
                rows.append(self._row(event))
            except FaultyEvent as fault:
                blocked += isinstance(fault, BlockedEvent)
                faults.append((index, str(fault)))
        return rows, faults, blocked

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
            id=event.id or event.event_id or event.idempotency_key or self.fresh_ids(),
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
        """What the event breaks of the plan, its labelled values treated; BlockedEvent where the project blocks it."""
        assert self.checks is not None
        attributes = event.custom_attributes or {}
        if _depth(attributes) > DEEPEST_NESTING:
            raise FaultyEvent(f"nested deeper than {DEEPEST_NESTING} levels")
        members = {key: value for key in MEMBERS if (value := getattr(event, key)) is not None}
        # While nobody can read the plan an event is not held against it.
        is_held = is_planned or self.is_plan_known
        judged = self.checks.judge(source, name, event.environment or "", attributes, members, is_planned=is_planned)
        if is_held and judged.violation and judged.mode is Mode.BLOCK:
            raise BlockedEvent(f"{BREAKS_PLAN}: {judged.violation}")
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
