"""Bodies of the collect routes as events: every shape that SDKs and agents send becomes one (contract C.2)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.kernel.errors import BadRequest
from app.security.plans import MOST_BATCH_EVENTS, MOST_METADATA_BYTES

_EVENT: Final = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+", re.ASCII)
_LONGEST_EVENT: Final = 200
_LONGEST_ACTOR: Final = 320


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event as it was sent, before the server adds severity, time and what it knows of the address."""

    event: str
    actor_id: str | None
    actor_email: str | None
    user_ip: str | None
    metadata: dict[str, Any]


def decode(body: bytes) -> Any:
    """The JSON of a body. BadRequest when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadRequest("The body is not valid JSON") from None


def incoming_events(content: Any, *, is_batch_only: bool = False) -> tuple[list[Incoming], bool]:
    """The events of a body and whether it was a batch. BadRequest names the index of the first faulty event."""
    if not isinstance(content, Mapping):
        raise BadRequest("The body must be a JSON object")
    if "events" not in content:
        if is_batch_only:
            raise BadRequest("'events' is required")
        return [incoming_event(content)], False
    events = content["events"]
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_BATCH_EVENTS:
        raise BadRequest(f"'events' must be an array of 1 to {MOST_BATCH_EVENTS} events")
    found = []
    for index, item in enumerate(events):
        try:
            found.append(incoming_event(item))
        except BadRequest as refusal:
            raise BadRequest(f"events[{index}]: {refusal.message}") from None
    return found, True


def incoming_event(item: Any) -> Incoming:
    """One event. BadRequest when it has no usable name or breaks a bound."""
    if not isinstance(item, Mapping):
        raise BadRequest("An event must be a JSON object")
    actor_id, email = _actor(item)
    return Incoming(
        event=event_name(item.get("event")),
        actor_id=actor_id,
        actor_email=email,
        user_ip=address(item.get("user_ip") or item.get("ip_address")),
        metadata=checked_metadata(item.get("metadata")),
    )


def event_name(value: Any) -> str:
    """A name of the shape `category.action`, lower case. BadRequest otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise BadRequest("'event' is required")
    name = value.strip().lower()
    if len(name) > _LONGEST_EVENT or not _EVENT.fullmatch(name):
        raise BadRequest("'event' must look like category.action, of letters, digits and underscores")
    return name


def address(value: Any) -> str | None:
    """The address in its usual form, IPv4 where it is one in disguise; None for anything else."""
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        found = ipaddress.ip_address(value.strip())
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found)


def checked_metadata(value: Any) -> dict[str, Any]:
    """The metadata object; absent is empty. BadRequest when it is no object or over its bound."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest("'metadata' must be an object")
    if len(msgspec.json.encode(value)) > MOST_METADATA_BYTES:
        raise BadRequest(f"'metadata' is larger than {MOST_METADATA_BYTES // 1024} KB")
    return value


def _actor(item: Mapping[str, Any]) -> tuple[str | None, str | None]:
    actor = item.get("actor")
    if isinstance(actor, Mapping):
        actor_id = _text(actor.get("id")) or _text(actor.get("user_id"))
        email = _text(actor.get("email")) or _text(actor.get("user_email"))
    elif actor is None or (isinstance(actor, str | int) and not isinstance(actor, bool)):
        actor_id, email = _text(actor), None
    else:
        raise BadRequest("'actor' must be an object, a string or null")
    return actor_id or _text(item.get("user_id")), email or _text(item.get("email"))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool | float | list | dict):
        return None
    text = str(value).replace("\0", "").strip()  # PostgreSQL keeps no NUL, and what cannot be kept could not be judged
    if len(text) > _LONGEST_ACTOR:
        raise BadRequest(f"The actor's id and email hold at most {_LONGEST_ACTOR} characters")
    return text or None
