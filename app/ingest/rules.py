"""From decoded events to rows: times, names, ids, properties and the verdict against the plan (contract A.2)."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from app.ingest.columns import EventValues, RowBatch, columns_of
from app.ingest.decode import Batch, Event
from app.ingest.quarantine import QuarantineRow, quarantine_lines, raw_text
from app.ingest.times import EPOCH, MILLISECOND, milliseconds_of, stored_time
from app.ingest.usual_batch import Names, usual_columns
from app.plan.contracts import EVENT_TYPE_NAME_LIMIT, identity_of

DAY: Final = 86_400_000
DEEPEST_NESTING: Final = 32
NOT_IN_PLAN: Final = "not in plan"
PLAN_UNAVAILABLE: Final = "plan unavailable"
_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds this lies in the year 5138, as milliseconds in 1973
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)
_NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_canonical_json = msgspec.json.Encoder(order="sorted").encode


@dataclass(slots=True)
class Cleaned(RowBatch):
    """What became of a batch: rows to store, refused records to keep as NDJSON, and what to tell the producer."""

    flagged: int
    flag_reason: str
    quarantine: bytes
    faults: list[tuple[int, str]]


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


def clean_batch(
    batch: Batch, *, tenant_id: str, project_id: str, planned: Names | None, window: TimeWindow, now: datetime
) -> Cleaned:
    """Apply the rules to every event received at `now`. `planned` holds the (source, name) pairs of the plan; None means nobody
    could tell."""
    received_at = milliseconds_of(now)
    rules = _Rules(
        received_at=received_at,
        oldest=max(received_at - window.age, DAY),
        newest=received_at + window.future,
        known=frozenset() if planned is None else planned,
        flag_reason=PLAN_UNAVAILABLE if planned is None else NOT_IN_PLAN,
        fresh_ids=_FreshIds(len(batch), received_at),
    )
    body = batch.body
    is_ascii = body.isascii()
    # Without an escape, a DEL or a character beyond ASCII no text can hold a control character: JSON has them escaped.
    is_plain = is_ascii and b"\\" not in body and b"\x7f" not in body
    faults: list[tuple[int, str]] = []
    usual = rules.usual_columns(batch.events) if is_plain and batch.events is not None else None
    if usual is not None:
        values, flagged = usual
    else:
        rows, faults = rules.rows_of(batch.singly())
        values = columns_of(rows)
        flagged = sum([row.verdict == "flagged" for row in rows])
    count = len(batch) - len(faults)
    quarantine = b""
    if faults:
        stored_at = stored_time(received_at)
        refused = [(reason, raw_text(batch.raw(index))) for index, reason in faults]
        quarantine = quarantine_lines(
            [QuarantineRow(tenant_id, project_id, "event", stored_at, reason, raw) for reason, raw in refused]
        )
    return Cleaned(tenant_id, project_id, received_at, count, values, is_plain, flagged, rules.flag_reason, quarantine, faults)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What holds for every event of a request. Times are milliseconds since 1970."""

    received_at: int
    oldest: int
    newest: int
    known: Names
    flag_reason: str
    fresh_ids: Callable[[], str]

    def usual_columns(self, events: Sequence[Event]) -> tuple[Sequence[Sequence[Any]], int] | None:
        return usual_columns(
            events,
            oldest=self.oldest,
            newest=self.newest,
            known=self.known,
            flag_reason=self.flag_reason,
            fresh_ids=self.fresh_ids,
        )

    def rows_of(self, events: Iterable[Event | str]) -> tuple[list[EventValues], list[tuple[int, str]]]:
        """The good events as rows, and the positions and faults of the others."""
        rows: list[EventValues] = []
        faults: list[tuple[int, str]] = []
        for index, event in enumerate(events):
            try:
                if isinstance(event, str):
                    raise FaultyEvent(event)
                rows.append(self._row(event))
            except FaultyEvent as fault:
                faults.append((index, str(fault)))
        return rows, faults

    def _row(self, event: Event) -> EventValues:
        source = event.service
        if source.isspace():
            raise FaultyEvent("service is empty")
        name = event.operation or source
        properties = _properties(event)
        _check_texts(event, properties)
        is_planned = (source, name) in self.known or _is_planned_shortened(source, name, self.known)
        return EventValues(
            source=source,
            name=name,
            time=self._time(event.timestamp),
            id=event.id or event.event_id or event.idempotency_key or self.fresh_ids(),
            actor_id=_text(event.user_id),
            session_id=_text(event.session_id),
            severity=_text(event.severity),
            status=_text(event.status),
            value=event.duration,
            ip=event.ip_address or "",
            environment=event.environment or "",
            verdict="accepted" if is_planned else "flagged",
            verdict_reason="" if is_planned else self.flag_reason,
            properties=properties,
        )

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


def _properties(event: Event) -> str:
    """Canonical JSON of the attributes and the user agent: keys sorted, no white space."""
    attributes = event.custom_attributes or {}
    if event.user_agent:
        attributes["event.user_agent" if "user_agent" in attributes else "user_agent"] = event.user_agent
    text = _canonical_json(attributes).decode()
    if (text.rfind("{") or "[" in text) and _depth(attributes) > DEEPEST_NESTING:
        raise FaultyEvent(f"nested deeper than {DEEPEST_NESTING} levels")
    return text


def _check_texts(event: Event, properties: str) -> None:
    for key in event.__struct_fields__:
        value = getattr(event, key)
        if value.__class__ is str and _CONTROL.search(value):
            raise FaultyEvent(f"{key} contains control characters")
    if "\\u0000" in properties and _NUL_ESCAPE.search(properties):
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


class _FreshIds:
    """UUIDv7 texts for the events that come without an id; the random source is read once for all of them, when it is needed."""

    def __init__(self, most: int, received_at: int) -> None:
        self._most = most
        self._received_at = received_at
        self._ids: Iterator[str] | None = None

    def __call__(self) -> str:
        if self._ids is None:
            self._ids = self._make()
        return next(self._ids)

    def _make(self) -> Iterator[str]:
        stamp = f"{self._received_at:012x}"
        prefix = f"{stamp[:8]}-{stamp[8:]}-7"
        random = os.urandom(10 * self._most).hex()
        for start in range(0, len(random), 20):
            digits = random[start : start + 20]
            yield f"{prefix}{digits[:3]}-{'89ab'[int(digits[3], 16) & 3]}{digits[4:7]}-{digits[7:19]}"
