"""From decoded events to rows: times, names, ids, properties and the verdict against the plan (contract A.2)."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from app.ingest.decode import Batch, Event
from app.ingest.quarantine import QuarantineRow, quarantine_lines, raw_text
from app.plan.contracts import EVENT_TYPE_NAME_LIMIT, identity_of

DEEPEST_NESTING: Final = 32
NOT_IN_PLAN: Final = "not in plan"
PLAN_UNAVAILABLE: Final = "plan unavailable"
_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds this lies in the year 5138, as milliseconds in 1973
_NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_canonical_json = msgspec.json.Encoder(order="sorted").encode
_encode_lines = msgspec.json.Encoder().encode_lines
_parse_time = datetime.fromisoformat


class EventLine(msgspec.Struct, gc=False, omit_defaults=True):
    """A row of the `events` table."""

    tenant_id: str
    project_id: str
    received_at: str
    kind: str
    verdict: str
    source: str
    name: str
    time: str
    id: str
    value: float | None = None
    actor_id: str = ""
    session_id: str = ""
    severity: str = ""
    status: str = ""
    ip: str = ""
    environment: str = ""
    verdict_reason: str = ""
    properties: str = "{}"


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """The window event times must lie in, and the moment of reception, as stored text."""

    received_at: str
    oldest: str
    newest: str


@dataclass(slots=True)
class Cleaned:
    """What became of a batch: rows to store, refused records to keep, and what to tell the producer."""

    lines: bytes = b""
    rows: int = 0
    flagged: dict[str, int] = field(default_factory=dict)
    quarantine: bytes = b""
    faults: list[tuple[int, str]] = field(default_factory=list)


class FaultyEvent(Exception):
    """The event breaks a rule; the text says which."""


def stored_time(moment: datetime) -> str:
    """The instant the way the event store keeps it: UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def time_bounds(now: datetime, max_age_days: int, max_future_hours: int) -> TimeBounds:
    """The accepted window around the moment of reception."""
    oldest = max(now - timedelta(days=max_age_days), datetime(1970, 1, 2, tzinfo=UTC))
    return TimeBounds(stored_time(now), stored_time(oldest), stored_time(now + timedelta(hours=max_future_hours)))


def clean_batch(
    batch: Batch, *, tenant_id: str, project_id: str, planned: Collection[tuple[str, str]] | None, bounds: TimeBounds
) -> Cleaned:
    """Apply the rules to every event. `planned` holds the (source, name) pairs of the plan; None means nobody could tell."""
    cleaned = Cleaned()
    lines: list[EventLine] = []
    # Without an escape, a DEL or a character beyond ASCII no text can hold a control character: JSON has them escaped.
    is_plain = b"\\" not in batch.body and batch.body.isascii() and b"\x7f" not in batch.body
    unplanned_reason = PLAN_UNAVAILABLE if planned is None else NOT_IN_PLAN
    known: Collection[tuple[str, str]] = planned if planned is not None else frozenset()
    received_at, oldest, newest = bounds.received_at, bounds.oldest, bounds.newest
    flagged = 0
    for index, event in enumerate(batch.each()):
        try:
            if event.__class__ is str:
                raise FaultyEvent(event)
            assert isinstance(event, Event)
            time = _event_time(event.timestamp, received_at)
            if not oldest <= time <= newest:
                raise FaultyEvent(f"timestamp {time} is outside of {oldest} to {newest}")
            if not is_plain:
                _check_texts(event)
            source = event.service
            name = event.operation or source
            if source.isspace():
                raise FaultyEvent("service is empty")
            is_planned = (source, name) in known or (len(source) > EVENT_TYPE_NAME_LIMIT and identity_of(source, name) in known)
            flagged += not is_planned
            lines.append(
                EventLine(
                    tenant_id,
                    project_id,
                    received_at,
                    "event",
                    "accepted" if is_planned else "flagged",
                    source,
                    name,
                    time,
                    event.id or event.event_id or event.idempotency_key or "",
                    event.duration,
                    _text(event.user_id),
                    _text(event.session_id),
                    _text(event.severity),
                    _text(event.status),
                    event.ip_address or "",
                    event.environment or "",
                    "" if is_planned else unplanned_reason,
                    _properties(event.custom_attributes, event.user_agent),
                )
            )
        except FaultyEvent as fault:
            cleaned.faults.append((index, str(fault)))
    _fill_ids(lines)
    cleaned.lines = _encode_lines(lines)
    cleaned.rows = len(lines)
    cleaned.flagged = {unplanned_reason: flagged} if flagged else {}
    if cleaned.faults:
        refused = [
            QuarantineRow(tenant_id, project_id, "event", received_at, reason, raw_text(batch.raw(index)))
            for index, reason in cleaned.faults
        ]
        cleaned.quarantine = quarantine_lines(refused)
    return cleaned


def _event_time(value: str | float | None, received_at: str) -> str:
    if value is None:
        return received_at
    if value.__class__ is not str:
        return _numeric_time(float(value))
    assert isinstance(value, str)
    try:
        moment = _parse_time(value)
    except ValueError:
        raise FaultyEvent("timestamp is not an ISO 8601 date and time") from None
    if len(value) == 24 and value[23] == "Z" and value[10] == "T" and value[4] == "-" and value[19] == ".":
        return value  # already in the stored form
    try:
        return stored_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError:
        raise FaultyEvent("timestamp is out of range") from None


def _numeric_time(value: float) -> str:
    seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
    try:
        return stored_time(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        raise FaultyEvent("timestamp is out of range") from None


def _text(value: str | int | None) -> str:
    if value.__class__ is str:
        return value
    return "" if value is None else str(value)


def _check_texts(event: Event) -> None:
    for key in event.__struct_fields__:
        value = getattr(event, key)
        if value.__class__ is str and _CONTROL.search(value):
            raise FaultyEvent(f"{key} contains control characters")


def _properties(attributes: dict[str, Any] | None, user_agent: str | None) -> str:
    """Canonical JSON: keys sorted, no white space."""
    if attributes is None:
        attributes = {}
    if user_agent:
        attributes["event.user_agent" if "user_agent" in attributes else "user_agent"] = user_agent
    if not attributes:
        return "{}"
    text = _canonical_json(attributes).decode()
    if "\\u0000" in text and _NUL_ESCAPE.search(text):
        raise FaultyEvent("custom_attributes contain NUL characters")
    if text.count("{") + text.count("[") > DEEPEST_NESTING and _depth(attributes) > DEEPEST_NESTING:
        raise FaultyEvent(f"nested deeper than {DEEPEST_NESTING} levels")
    return text


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


def _fill_ids(lines: list[EventLine]) -> None:
    """UUIDv7 for the events that came without an id, made in one go: one read of the random source for the batch."""
    missing = [line for line in lines if not line.id]
    if not missing:
        return
    stamp = f"{int(datetime.now(UTC).timestamp() * 1000):012x}"
    prefix = f"{stamp[:8]}-{stamp[8:]}-7"
    random = os.urandom(10 * len(missing)).hex()
    for number, line in enumerate(missing):
        digits = random[number * 20 : number * 20 + 20]
        line.id = f"{prefix}{digits[:3]}-{'89ab'[int(digits[3], 16) & 3]}{digits[4:7]}-{digits[7:19]}"
