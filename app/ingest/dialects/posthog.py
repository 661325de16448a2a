"""PostHog's capture API: one event or a batch, also in the encodings its browser library uses.

Every event has the event type `posthog`. Source: PostHog's public description of its capture endpoints.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from app.ingest.dialects.names import POSTHOG
from app.ingest.dialects.shapes import (
    DialectBatch,
    EventBuilder,
    Json,
    decoded_json,
    first_text,
    id_of,
    mapping_of,
    no_event,
    taken_text,
    text_of,
)
from app.kernel.errors import BadRequest, PayloadTooLarge

PATHS: Final = frozenset({"/capture", "/batch", "/e", "/i/v0/e", "/track"})
FLAG_PATHS: Final = frozenset({"/flags", "/decide"})
NO_FLAGS: Final = b'{"config":{},"flags":{},"featureFlags":{},"featureFlagPayloads":{},"errorsWhileComputingFlags":false}'
SOURCE: Final = "posthog"


def decode_posthog(body: bytes, query: bytes, most_bytes: int) -> DialectBatch:
    """The events of a request. BadRequest when the body is none of the known forms, PayloadTooLarge for what unpacks too large."""
    message = decoded_json(_plain(body, query, most_bytes))
    events = message
    token = ""
    if isinstance(message, dict):
        token = text_of(message.get("api_key") or message.get("token"))
        events = message.get("batch") or message.get("data") or [message]
    if not isinstance(events, list) or not events:
        raise BadRequest("the body holds no events")
    for entry in events:
        if token:
            break
        found = mapping_of(entry)
        token = text_of(found.get("api_key") or found.get("token") or mapping_of(found.get("properties")).get("token"))
    return DialectBatch([_event(entry) if isinstance(entry, dict) else no_event(entry) for entry in events], token)


def _plain(body: bytes, query: bytes, most_bytes: int) -> bytes:
    compression = parse_qs(query.decode("latin-1")).get("compression", [""])[0]
    if body[:5] == b"data=":
        body = parse_qs(body.decode("latin-1")).get("data", [""])[0].encode("latin-1")
        compression = compression or "base64"
    if compression == "base64":
        try:
            return base64.b64decode(body)
        except binascii.Error:
            raise BadRequest("the body is not valid base64") from None
    if compression.startswith("gzip") or body[:2] == b"\x1f\x8b":
        inflater = zlib.decompressobj(31)
        try:
            plain = inflater.decompress(body, most_bytes + 1)
        except zlib.error:
            raise BadRequest("the body is not valid gzip") from None
        if len(plain) > most_bytes:
            raise PayloadTooLarge(f"the body is larger than {most_bytes} bytes")
        return plain
    return body


def _event(entry: Mapping[str, Any]) -> Json:
    properties = dict(mapping_of(entry.get("properties")))
    properties.pop("token", None)
    event = EventBuilder({"service": SOURCE})
    # Without a name the operation is set to something that is refused with a reason that names it.
    event.put("operation", entry.get("event") if entry.get("event") else [])
    event.put("timestamp", entry.get("timestamp") or properties.pop("timestamp", None))
    event.put("user_id", first_text(entry, POSTHOG["user_id"]) or taken_text(properties, POSTHOG["user_id"]))
    event.put("session_id", first_text(properties, POSTHOG["session_id"]))
    event.put("ip_address", taken_text(properties, POSTHOG["ip_address"])[:64])
    event.put("user_agent", first_text(properties, POSTHOG["user_agent"]))
    event.put("id", id_of(entry.get("uuid")))
    for name in ("$set", "$set_once", "$groups"):
        if isinstance(entry.get(name), dict):
            properties.setdefault(name, entry[name])
    event.put("custom_attributes", properties)
    return event.members
