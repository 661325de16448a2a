"""What a sign-in comes through: anonymising networks and devices not seen before; and limits that were exceeded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from app.security.behaviour.places import SIGNED_IN
from app.security.contracts import ActorHistory, Finding, SecurityEvent

RATE_LIMITED: Final = "security.rate_limit_exceeded"
_NETWORKS: Final = (
    ("is_tor", "Tor", "high"),
    ("is_proxy", "an open proxy", "medium"),
    ("is_vpn", "a VPN", "medium"),
    ("is_datacenter", "a data centre", "low"),
)
_VERSION = re.compile(r"[\d._]+")
_LONGEST_AGENT: Final = 1_000


def suspicious_network(event: SecurityEvent) -> list[Finding]:
    """A finding for a sign-in through an anonymiser or a data centre, of the gravest kind that holds."""
    if event.name != SIGNED_IN:
        return []
    for flag, words, severity in _NETWORKS:
        if getattr(event.enrichment, flag):
            who = event.actor_id or event.user_ip or ""
            return [
                Finding(
                    alert_type="suspicious_activity",
                    severity=severity,
                    title=f"Sign-in of {who} through {words}",
                    description=f"{who} signed in from {event.user_ip}, which belongs to {words}.",
                    subject=who,
                    details={"network": flag.removeprefix("is_"), "threat_score": event.enrichment.threat_score},
                )
            ]
    return []


def device_of(metadata: Mapping[str, Any]) -> str | None:
    """A short name of the device: its id, else its user agent without version numbers, which change with every update."""
    device = metadata.get("device_id")
    if isinstance(device, str) and device:
        return _named("id", device)
    agent = metadata.get("user_agent")
    if isinstance(agent, str) and agent.strip():
        return _named("agent", agent[:_LONGEST_AGENT])
    return None


@lru_cache(maxsize=10_000)
def _named(kind: str, text: str) -> str:
    if kind == "agent":
        text = _VERSION.sub("", text).casefold()
    return f"{kind}:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def new_device(event: SecurityEvent, history: ActorHistory) -> list[Finding]:
    """A finding for a device the actor never signed in from; the first known device sets the start."""
    device = device_of(event.metadata)
    if event.name != SIGNED_IN or not event.actor_id or device is None:
        return []
    signed_in = [one for one in reversed(history.by_actor) if one.name == SIGNED_IN]
    if any(device_of(one.metadata) == device for one in signed_in):  # mostly the one before this
        return []
    kind = device.partition(":")[0]
    known = {name for one in signed_in if (name := device_of(one.metadata)) is not None and name.partition(":")[0] == kind}
    if not known:
        return []
    agent = event.metadata.get("user_agent")
    return [
        Finding(
            alert_type="new_device",
            severity="low",
            title=f"Another device of {event.actor_id}",
            description=f"{event.actor_id} signed in from a device that was not used before.",
            subject=event.actor_id,
            details={
                "device": device,
                "known_devices": len(known),
                "user_agent": agent[:_LONGEST_AGENT].replace("\0", "") if isinstance(agent, str) else None,
            },
        )
    ]


def rate_limit_exceeded(event: SecurityEvent) -> list[Finding]:
    """A finding for a limit that the sender says was exceeded."""
    if event.name != RATE_LIMITED:
        return []
    who = event.actor_id or event.user_ip or ""
    return [
        Finding(
            alert_type="rate_limit_exceeded",
            severity="medium",
            title=f"Rate limit exceeded by {who}" if who else "Rate limit exceeded",
            description=f"A rate limit was exceeded by {who or 'somebody unknown'}.",
            subject=who,
        )
    ]
