"""From decoded events to rows: times, names, ids, properties and the verdict against the plan (contract A.2)."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

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
    properties: str
    value: float | None = None
    actor_id: str = ""
    session_id: str = ""
    status: str = ""
    ip: str = ""
    severity: str = ""
    environment: str = ""
    verdict_reason: str = ""


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
    flagged: int = 0
    flag_reason: str = ""
    quarantine: bytes = b""
    faults: list[tuple[int, str]] = field(default_factory=list)


class FaultyEvent(Exception):
    """The event breaks a rule; the text says which."""


def stored_time(moment: datetime) -> str:
    """The instant the way the event store keeps it: UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


class TimeWindow:
    """The accepted window around the moment of reception, worked out anew once a second."""

    def __init__(self, max_age_days: int, max_future_hours: int) -> None:
        self._age = timedelta(days=max_age_days)
        self._future = timedelta(hours=max_future_hours)
        self._second = datetime.min.replace(tzinfo=UTC)
        self._texts = ("", "", "")

    def at(self, now: datetime) -> TimeBounds:
        """The bounds at this moment, which is in UTC."""
        second = now.replace(microsecond=0)
        if second != self._second:
            oldest = max(second - self._age, datetime(1970, 1, 2, tzinfo=UTC))
            self._second = second
            self._texts = (stored_time(second)[:-4], stored_time(oldest), stored_time(second + self._future))
        prefix, oldest_text, newest_text = self._texts
        return TimeBounds(f"{prefix}{now.microsecond // 1000:03d}Z", oldest_text, newest_text)


def clean_batch(  # noqa: PLR0912, PLR0915 - one pass without calls: this loop is most of what an event costs
    batch: Batch, *, tenant_id: str, project_id: str, planned: Collection[tuple[str, str]] | None, bounds: TimeBounds
) -> Cleaned:
    """Apply the rules to every event. `planned` holds the (source, name) pairs of the plan; None means nobody could tell."""
    body = batch.body
    # Without an escape, a DEL or a character beyond ASCII no text can hold a control character: JSON has them escaped.
    is_plain = b"\\" not in body and b"\x7f" not in body and body.isascii()
    flag_reason = PLAN_UNAVAILABLE if planned is None else NOT_IN_PLAN
    known: Collection[tuple[str, str]] = frozenset() if planned is None else planned
    received_at, oldest, newest = bounds.received_at, bounds.oldest, bounds.newest
    lines: list[EventLine] = []
    faults: list[tuple[int, str]] = []
    flagged = 0
    for index, event in enumerate(batch.events if batch.events is not None else batch.each()):
        try:
            if isinstance(event, str):
                raise FaultyEvent(event)
            time = event.timestamp
            if time is None:
                time = received_at
            elif not isinstance(time, str):
                time = _numeric_time(time)
            elif len(time) == 24 and time[4:20:3] == "--T::." and time[23] == "Z":
                _parse_time(time)  # already in the stored form, if only its digits make a date
            else:
                time = _other_time(time)
            if not oldest <= time <= newest:
                raise FaultyEvent(f"timestamp {time} is outside of {oldest} to {newest}")
            source = event.service
            name = event.operation or source
            user, session, status = event.user_id, event.session_id, event.status
            attributes = event.custom_attributes
            agent = event.user_agent
            if agent:
                if attributes is None:
                    attributes = {}
                attributes["event.user_agent" if "user_agent" in attributes else "user_agent"] = agent
            properties = _canonical_json(attributes).decode() if attributes else "{}"
            if not is_plain:
                _check_texts(event, properties)
            if source.isspace():
                raise FaultyEvent("service is empty")
            if (properties.rfind("{") or "[" in properties) and _depth(attributes) > DEEPEST_NESTING:
                raise FaultyEvent(f"nested deeper than {DEEPEST_NESTING} levels")
            verdict, reason = "accepted", ""
            if (source, name) not in known and not _is_planned_shortened(source, name, known):
                verdict, reason = "flagged", flag_reason
                flagged += 1
            lines.append(
                EventLine(
                    tenant_id,
                    project_id,
                    received_at,
                    "event",
                    verdict,
                    source,
                    name,
                    time,
                    event.id or event.event_id or event.idempotency_key or "",
                    properties,
                    event.duration,
                    user if user.__class__ is str else _text(user),
                    session if session.__class__ is str else _text(session),
                    status if status.__class__ is str else _text(status),
                    event.ip_address or "",
                    _text(event.severity),
                    event.environment or "",
                    reason,
                )
            )
        except FaultyEvent as fault:
            faults.append((index, str(fault)))
        except ValueError:
            faults.append((index, "timestamp is not an ISO 8601 date and time"))
    _fill_ids(lines)
    cleaned = Cleaned(_encode_lines(lines), len(lines), flagged, flag_reason)
    if faults:
        cleaned.faults = faults
        cleaned.quarantine = quarantine_lines(
            [
                QuarantineRow(tenant_id, project_id, "event", received_at, reason, raw_text(batch.raw(index)))
                for index, reason in faults
            ]
        )
    return cleaned


def _other_time(value: str) -> str:
    """The stored form of an ISO 8601 text with any zone, UTC when it names none; ValueError when it is none."""
    moment = _parse_time(value)
    try:
        return stored_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError:
        raise FaultyEvent("timestamp is out of range") from None


def _numeric_time(value: float) -> str:
    try:
        seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
        return stored_time(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        raise FaultyEvent("timestamp is out of range") from None


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _is_planned_shortened(source: str, name: str, known: Collection[tuple[str, str]]) -> bool:
    """Whether the plan knows a source that is longer than its own names under the shortened form."""
    return len(source) > EVENT_TYPE_NAME_LIMIT and identity_of(source, name) in known


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
