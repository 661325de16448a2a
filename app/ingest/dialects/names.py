"""Under which names clients send what becomes a member of our event: what the dialects read, and what the labels of a plan reach.

A name with dots is a path where the client nests, and a plain name where it does not, as with OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

Names = Mapping[str, tuple[str, ...]]
"""By our name the client's, the first of which decides when several are sent."""

SEGMENT: Final[Names] = {
    "user_id": ("userId", "user_id", "anonymousId"),
    "session_id": ("context.sessionId", "sessionId"),
    "ip_address": ("context.ip", "ip"),
    "user_agent": ("context.userAgent", "userAgent"),
}
POSTHOG: Final[Names] = {
    "user_id": ("distinct_id",),
    "session_id": ("$session_id",),
    "ip_address": ("$ip",),
    "user_agent": ("$raw_user_agent",),
}
OTLP_ATTRIBUTES: Final[Names] = {
    "user_id": ("user.id", "enduser.id"),
    "session_id": ("session.id",),
    "ip_address": ("client.address", "http.client_ip"),
    "user_agent": ("user_agent.original", "http.user_agent"),
}
OTLP_ENVIRONMENT: Final = ("deployment.environment.name", "deployment.environment")
OTLP: Final[Names] = {
    **OTLP_ATTRIBUTES,
    "environment": (*OTLP_ENVIRONMENT, *(f"resource.{name}" for name in OTLP_ENVIRONMENT)),
    "severity": ("severityText", "severity_text"),
    "status": ("status.code",),
    "status_message": ("status.message",),
}
_ENVELOPES: Final = ("custom_attributes.", "properties.", "traits.", "attributes.")
"""What a client wraps around attributes, and no event is stored with."""


def all_names(name: str) -> set[str]:
    """Every name under which the value of this one may stand in an event: its own, the member that it becomes, and for a member
    what clients call it, because some of them send it twice."""
    sent = {name, *(name.removeprefix(envelope) for envelope in _ENVELOPES)}
    found = set(sent)
    for ours, theirs in chain(SEGMENT.items(), POSTHOG.items(), OTLP.items()):
        if ours in sent:
            found.update(theirs)
        elif not sent.isdisjoint(theirs):
            found.add(ours)
    return found
