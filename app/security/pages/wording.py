"""Words, tones and links that the pages of security share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app import security_paths
from app.security.contracts import StoredEvent
from components.format import iso_utc, local_time

SEVERITY_TONES: Final = {
    "critical": "bad",
    "high": "bad",
    "warning": "warn",
    "medium": "warn",
    "low": "neutral",
    "info": "neutral",
}
"""Severities from worst to least, with the tone of their badge."""
BAR_TONES: Final = (
    ("critical", "worst"),
    ("high", "bad"),
    ("warning", "odd"),
    ("medium", "odd"),
    ("low", "calm"),
    ("info", "faint"),
)
ALERT_SEVERITIES: Final = ("critical", "high", "medium", "low")
STATUS_WORDS: Final = {"open": "Open", "acknowledged": "Acknowledged", "resolved": "Resolved", "dismissed": "Dismissed"}
STATUS_TONES: Final = {"open": "bad", "acknowledged": "warn", "resolved": "ok", "dismissed": "unknown"}
TYPE_WORDS: Final = {
    "brute_force_attack": "Brute force",
    "impossible_travel": "Impossible travel",
    "geo_anomaly": "Unusual country",
    "new_device": "Another device",
    "privilege_escalation": "Privilege escalation",
    "data_exfiltration": "Data exfiltration",
    "suspicious_activity": "Suspicious activity",
    "rate_limit_exceeded": "Rate limit exceeded",
}
RESOLUTION_WORDS: Final = {
    "blocked_ip": "Address blocked",
    "reset_password": "Password reset",
    "contacted_user": "Person contacted",
    "false_positive": "False positive",
    "other": "Other",
}
_NETWORK_WORDS: Final = (
    ("is_tor", "Tor", "bad"),
    ("is_proxy", "Proxy", "warn"),
    ("is_vpn", "VPN", "warn"),
    ("is_datacenter", "Data centre", "neutral"),
    ("is_mobile", "Mobile", "neutral"),
)


@dataclass(frozen=True)
class Mark:
    """A badge: its word and tone."""

    text: str
    tone: str


@dataclass(frozen=True)
class Fact:
    """A name with what is known; `href` leads to more of the same, empty for nowhere."""

    name: str
    value: str
    href: str = ""


@dataclass(frozen=True)
class EventLine:
    """An event as a line of a list. `is_evidence` when it belongs to the alert that the page is about."""

    id: str
    name: str
    severity: str
    tone: str
    who: str
    address: str
    place: str
    when: str
    iso: str
    href: str
    marks: list[Mark]
    is_evidence: bool = False
    times: str = ""
    """How many alike in a row the line stands for, empty for one; `when` is then the newest and `since` the oldest."""
    since: str = ""


def network_marks(known: Mapping[str, Any]) -> list[Mark]:
    """What lists say of the network of an address."""
    return [Mark(word, tone) for flag, word, tone in _NETWORK_WORDS if known.get(flag)]


def place_text(known: Mapping[str, Any]) -> str:
    """City and country, as far as they are known."""
    country = known.get("country_code") or known.get("country_name")
    return ", ".join(str(part) for part in (known.get("city"), country) if part)


def event_line(event: StoredEvent, slug: str, zone: ZoneInfo, now: datetime, *, is_evidence: bool = False) -> EventLine:
    """The event in words; its link opens it in the explorer."""
    known = event.properties
    return EventLine(
        id=event.id,
        name=event.name,
        severity=event.severity,
        tone=SEVERITY_TONES.get(event.severity, "neutral"),
        who=event.actor_id or "",
        address=event.user_ip or "",
        place=place_text(known),
        when=local_time(event.time, zone, now=now, seconds=True),
        iso=iso_utc(event.time),
        href=security_paths.project_security_events(slug, id=event.id, days="90"),
        marks=network_marks(known),
        is_evidence=is_evidence,
    )


def position_of(known: Mapping[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude, when both are numbers within their bounds."""
    north, east = known.get("latitude"), known.get("longitude")
    if isinstance(north, bool) or isinstance(east, bool):
        return None
    if not isinstance(north, int | float) or not isinstance(east, int | float):
        return None
    return (float(north), float(east)) if abs(north) <= 90 and abs(east) <= 180 else None
