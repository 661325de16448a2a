"""From decoded events to rows: times, names, ids, properties and the verdict against the plan (contract A.2)."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from app.ingest.columns import EventValues, encode_columns
from app.ingest.decode import Batch, Event
from app.ingest.quarantine import QuarantineRow, quarantine_lines, raw_text
from app.ingest.times import EPOCH, MILLISECOND, milliseconds_of, stored_time
from app.plan.contracts import EVENT_TYPE_NAME_LIMIT, identity_of

DAY: Final = 86_400_000
DEEPEST_NESTING: Final = 32
NOT_IN_PLAN: Final = "not in plan"
PLAN_UNAVAILABLE: Final = "plan unavailable"
_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds this lies in the year 5138, as milliseconds in 1973
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)
_new_row = tuple.__new__
_NUL_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_canonical_json = msgspec.json.Encoder(order="sorted").encode
_parse_time = datetime.fromisoformat


@dataclass(slots=True)
class Cleaned:
    """What became of a batch: columns of rows to store, refused records to keep, and what to tell the producer."""

    columns: bytes = b""
    rows: int = 0
    flagged: int = 0
    flag_reason: str = ""
    quarantine: bytes = b""
    faults: list[tuple[int, str]] = field(default_factory=list)


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


def clean_batch(  # noqa: PLR0912, PLR0915 - one pass without calls: this loop is most of what an event costs
    batch: Batch,
    *,
    tenant_id: str,
    project_id: str,
    planned: Collection[tuple[str, str]] | None,
    window: TimeWindow,
    now: datetime,
) -> Cleaned:
    """Apply the rules to every event received at `now`. `planned` holds the (source, name) pairs of the plan; None means nobody
    could tell."""
    body = batch.body
    # Without an escape, a DEL or a character beyond ASCII no text can hold a control character: JSON has them escaped.
    is_plain = b"\\" not in body and b"\x7f" not in body and body.isascii()
    flag_reason = PLAN_UNAVAILABLE if planned is None else NOT_IN_PLAN
    known: Collection[tuple[str, str]] = frozenset() if planned is None else planned
    received_at = milliseconds_of(now)
    oldest, newest = max(received_at - window.age, DAY), received_at + window.future
    rows: list[EventValues] = []
    faults: list[tuple[int, str]] = []
    flagged = 0
    fresh_ids = _fresh_ids(len(batch), received_at)
    for index, event in enumerate(batch.events if batch.events is not None else batch.each()):
        try:
            if isinstance(event, str):
                raise FaultyEvent(event)
            stamp = event.timestamp
            if isinstance(stamp, str):
                moment = _parse_time(stamp)
                time = (moment - EPOCH if moment.tzinfo is not None else moment - _NAIVE_EPOCH) // MILLISECOND
            else:
                time = received_at if stamp is None else _numeric_time(stamp)
            if not oldest <= time <= newest:
                raise FaultyEvent("timestamp is out of range")
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
            rows.append(
                _new_row(
                    EventValues,
                    (
                        source,
                        name,
                        time,
                        event.id or event.event_id or event.idempotency_key or next(fresh_ids),
                        user if user.__class__ is str else _text(user),
                        session if session.__class__ is str else _text(session),
                        _text(event.severity),
                        status if status.__class__ is str else _text(status),
                        event.duration,
                        event.ip_address or "",
                        event.environment or "",
                        verdict,
                        reason,
                        properties,
                    ),
                )
            )
        except FaultyEvent as fault:
            faults.append((index, str(fault)))
        except ValueError:
            faults.append((index, "timestamp is not an ISO 8601 date and time"))
    cleaned = Cleaned(b"", len(rows), flagged, flag_reason, b"", faults)
    if rows:
        cleaned.columns = encode_columns(tenant_id, project_id, received_at, rows, is_ascii=is_plain)
    if faults:
        stored_at = stored_time(received_at)
        cleaned.quarantine = quarantine_lines(
            [
                QuarantineRow(tenant_id, project_id, "event", stored_at, reason, raw_text(batch.raw(index)))
                for index, reason in faults
            ]
        )
    return cleaned


def _numeric_time(value: float) -> int:
    try:
        return math.floor(value if abs(value) >= _MILLISECONDS_FROM else value * 1000)
    except (ValueError, OverflowError):
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


def _fresh_ids(most: int, received_at: int) -> Iterator[str]:
    """UUIDv7 texts for the events that come without an id; the random source is read once, when the first one is needed."""
    stamp = f"{received_at:012x}"
    prefix = f"{stamp[:8]}-{stamp[8:]}-7"
    random = os.urandom(10 * most).hex()
    for start in range(0, len(random), 20):
        digits = random[start : start + 20]
        yield f"{prefix}{digits[:3]}-{'89ab'[int(digits[3], 16) & 3]}{digits[4:7]}-{digits[7:19]}"
