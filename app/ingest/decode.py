"""The body of a request as events.

The usual event decodes in one pass in C; anything unusual takes the slower road to the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from app.kernel.errors import BadRequest, PayloadTooLarge

NAME_CHARACTERS: Final = 500
EVENT_BYTES: Final = 1_048_576
# What a producer sent both on the event and among its attributes is kept under this prefix.
TWICE_SENT: Final = "event."

_Name = Annotated[str, Meta(max_length=NAME_CHARACTERS)]
_Text = Annotated[str, Meta(max_length=500)]
_Id = Annotated[str, Meta(max_length=128)]


class Event(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One event of contract A.2 with the bounds a single field can have."""

    service: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS)]
    timestamp: Annotated[str, Meta(max_length=64)] | int | float | None = None
    operation: _Name | None = None
    duration: Annotated[float, Meta(ge=0)] | None = None
    status: _Text | int | None = None
    user_id: _Text | int | None = None
    session_id: _Text | int | None = None
    ip_address: Annotated[str, Meta(max_length=64)] | None = None
    user_agent: Annotated[str, Meta(max_length=4096)] | None = None
    environment: _Text | None = None
    severity: _Text | int | None = None
    custom_attributes: dict[str, Any] | None = None
    id: _Id | None = None
    event_id: _Id | None = None
    idempotency_key: _Id | None = None


# What an event carries beside its attributes and a plan may speak of.
MEMBERS: Final = ("user_id", "session_id", "ip_address", "user_agent", "status", "environment", "severity", "duration")


class _Envelope(msgspec.Struct, gc=False):
    events: list[Event]


_FIELDS: Final = frozenset(Event.__struct_fields__)
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_list = msgspec.json.Decoder(list[Event]).decode
_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Batch:
    """The events of a request: in `events` when all of them are well-formed, and one by one from `singly()` in any case."""

    body: bytes
    events: list[Event] | None
    raws: list[msgspec.Raw] | None

    @property
    def is_plain(self) -> bool:
        """Whether no text can hold a control character or anything beyond ASCII: JSON has control characters but DEL escaped."""
        body = self.body
        return body.isascii() and b"\\" not in body and b"\x7f" not in body

    @property
    def is_stray(self) -> bool:
        """Whether the body is an object that was never meant as an event: it stands alone and names no service."""
        alone = self.events is None and self.raws is not None and len(self.raws) == 1 and len(bytes(self.raws[0])) == len(self.body)
        return alone and "service" not in _decode_raw_object(self.body)

    def __len__(self) -> int:
        return len(self.events) if self.events is not None else len(self.raws or ())

    def release(self) -> None:
        """Let go of the text and the events. While the request waits for the disk, the next one's go where these were, which are
        still in the processor's cache."""
        self.body, self.events, self.raws = b"", None, None

    def raw(self, index: int) -> bytes:
        """The text of one event as it was sent."""
        if self.raws is None:
            self.raws = _raw_events(self.body)
        return bytes(self.raws[index])

    def single(self, index: int) -> Event | str:
        """One event as `singly` gives it."""
        return _single(msgspec.Raw(self.raw(index)))

    def singly(self) -> Iterator[Event | str]:
        """Every event in order, decoded on its own, or the reason why it is none."""
        if self.raws is None:
            self.raws = _raw_events(self.body)
        return map(_single, self.raws)


def decode_batch(body: bytes, most_events: int) -> Batch:
    """`{"events": [...]}`, a bare array or one bare event. BadRequest when the body is not such a thing, PayloadTooLarge for
    more events than allowed. Faults of single events are left to `Batch.singly`.
    """
    if not body.strip(b" \t\r\n"):
        raise BadRequest("the body is empty")
    if b"\0" in body:
        raise BadRequest("the body contains NUL bytes")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            raise BadRequest("the body is not UTF-8") from None
    batch = _decode(body)
    count = len(batch)
    if count > most_events:
        raise PayloadTooLarge(f"a request holds at most {most_events} events")
    if not count:
        raise BadRequest("the request holds no events")
    return batch


def _decode(body: bytes) -> Batch:
    try:
        if len(body) <= EVENT_BYTES:
            try:
                events = _decode_list(body) if body.lstrip()[:1] == b"[" else _decode_envelope(body).events
                return Batch(body, events, None)
            except msgspec.ValidationError:
                pass  # some event is unusual or faulty: they are looked at one by one
        return Batch(body, None, _raw_events(body))
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from None


def _raw_events(body: bytes) -> list[msgspec.Raw]:
    if body.lstrip()[:1] == b"[":
        return _decode_raw_list(body)
    try:
        members = _decode_raw_object(body)
    except msgspec.ValidationError:
        raise BadRequest("the body is neither an object nor an array") from None
    if "events" not in members:
        return [msgspec.Raw(body)] if members else []
    try:
        return _decode_raw_list(members["events"])
    except msgspec.ValidationError:
        raise BadRequest('"events" is not an array') from None


def _single(raw: msgspec.Raw) -> Event | str:
    """One event, keys unknown to the contract kept among its attributes; or the reason why it is refused."""
    if len(bytes(raw)) > EVENT_BYTES:
        return f"the event is larger than {EVENT_BYTES} bytes"
    try:
        members = _decode_object(raw)
        unknown = {key: members.pop(key) for key in members.keys() - _FIELDS}
        event = msgspec.convert(members, Event)
    except RecursionError:
        return "nested too deeply"
    except msgspec.MsgspecError as error:
        return str(error)
    if unknown:
        attributes = event.custom_attributes or {}
        for key, value in unknown.items():
            # Nothing a producer sends is lost: a key used on both levels keeps both values.
            attributes[f"{TWICE_SENT}{key}" if key in attributes else key] = value
        event.custom_attributes = attributes
    return event
