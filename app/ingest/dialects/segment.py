"""Segment's HTTP tracking API: track, identify, page, screen, group, alias and batch.

The call's type becomes the event type, its event or page name the event. The anonymous id stands in for a missing user id.
Source: Segment's public description of its HTTP API and common fields.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from app.ingest.dialects.names import SEGMENT
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
from app.kernel.errors import BadRequest

TYPES: Final = ("track", "identify", "page", "screen", "group", "alias")
PATHS: Final[Mapping[str, str]] = {
    **{f"/v1/{kind}": kind for kind in (*TYPES, "batch")},
    **{f"/v1/{kind[0]}": kind for kind in ("track", "identify", "page", "screen", "group", "alias", "batch")},
    "/v1/import": "batch",
}
"""Route by path; one letter is what the browser library calls."""

_TAKEN: Final = frozenset(
    {
        "type", "event", "name", "userId", "user_id", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "messageId",
        "context", "properties", "traits", "writeKey", "integrations", "channel",
    }
)  # fmt: skip


def basic_token(authorization: bytes) -> str:
    """The write key that stands as the user of a Basic authorization; empty when there is none."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).partition(b":")[0].decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def decode_segment(path: str, body: bytes) -> DialectBatch:
    """The calls of a request. BadRequest when the body is no object, or a batch without calls."""
    message = decoded_json(body)
    if not isinstance(message, dict):
        raise BadRequest("the body is not an object")
    kind = PATHS[path]
    token = text_of(message.get("writeKey"))
    if kind != "batch":
        return DialectBatch([_event({"type": kind, **message}, {})], token)
    calls = message.get("batch")
    if not isinstance(calls, list) or not calls:
        raise BadRequest('"batch" is not an array of calls')
    shared = mapping_of(message.get("context"))
    return DialectBatch([_event(call, shared) if isinstance(call, dict) else no_event(call) for call in calls], token)


def _event(call: Mapping[str, Any], shared_context: Mapping[str, Any]) -> Json:
    kind = text_of(call.get("type"))
    if kind not in TYPES:
        return no_event(dict(call))
    context = {**shared_context, **mapping_of(call.get("context"))}
    event = EventBuilder({"service": kind})
    event.put("operation", text_of(call.get("event")) if kind == "track" else text_of(call.get("name")) or kind)
    event.put("timestamp", call.get("timestamp") or call.get("originalTimestamp") or call.get("sentAt"))
    event.put("user_id", first_text(call, SEGMENT["user_id"]))
    event.put("session_id", taken_text(context, SEGMENT["session_id"]))
    event.put("ip_address", taken_text(context, SEGMENT["ip_address"])[:64])
    event.put("user_agent", taken_text(context, SEGMENT["user_agent"]))
    event.put("id", id_of(call.get("messageId")))
    attributes: Json = {**mapping_of(call.get("traits")), **mapping_of(call.get("properties"))}
    attributes |= {key: value for key, value in call.items() if key not in _TAKEN and key not in attributes}
    if context:
        attributes.setdefault("context", context)
    event.put("custom_attributes", attributes)
    return event.members
