"""Sign-ins from where they cannot or do not usually come: impossible travel and countries not seen before."""

from __future__ import annotations

import math
from typing import Any, Final

from app.security.behaviour.rules import BehaviourRules
from app.security.contracts import ActorHistory, Finding, SecurityEvent

EARTH_RADIUS_KM: Final = 6_371.0
SIGNED_IN: Final = "auth.login_success"
_ANONYMISERS: Final = ("is_vpn", "is_tor", "is_proxy", "is_datacenter")


def distance_km(from_latitude: float, from_longitude: float, to_latitude: float, to_longitude: float) -> float:
    """The great-circle distance by the haversine formula; degrees in."""
    first, second = math.radians(from_latitude), math.radians(to_latitude)
    half = math.sin((second - first) / 2) ** 2
    half += math.cos(first) * math.cos(second) * math.sin(math.radians(to_longitude - from_longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))


def impossible_travel(event: SecurityEvent, history: ActorHistory, rules: BehaviourRules) -> list[Finding]:
    """A finding when the actor's sign-in before this one was too far away. Medium when an anonymiser may explain it."""
    if event.name != SIGNED_IN or not event.actor_id or not _is_located(event):
        return []
    before = next((one for one in reversed(history.by_actor) if one.name == SIGNED_IN and _is_located(one)), None)
    if before is None:
        return []
    here, there = event.enrichment, before.enrichment
    if (here.latitude, here.longitude) == (there.latitude, there.longitude):  # mostly
        return []
    assert here.latitude is not None and here.longitude is not None
    assert there.latitude is not None and there.longitude is not None
    distance = distance_km(there.latitude, there.longitude, here.latitude, here.longitude)
    hours = (event.at - before.at).total_seconds() / 3_600
    if hours < 0 or distance < rules.shortest_travel or distance <= rules.fastest_travel * hours:
        return []
    speed = distance / hours if hours else None
    exits = sorted({name for one in (here, there) for name in _ANONYMISERS if getattr(one, name)})
    pace = f"{speed:,.0f} km/h" if speed is not None else "at the same moment"
    return [
        Finding(
            alert_type="impossible_travel",
            severity="medium" if exits else "high",
            title=f"Impossible travel of {event.actor_id}",
            description=f"{_name(before)} to {_name(event)}: {distance:,.0f} km in {hours * 60:,.0f} minutes ({pace})."
            + (" An anonymising network may explain it." if exits else ""),
            subject=event.actor_id,
            details={
                "from": _evidence(before),
                "to": _evidence(event),
                "distance_km": round(distance, 1),
                "elapsed_seconds": round(hours * 3_600),
                "speed_kmh": round(speed, 1) if speed is not None else None,
                "anonymisers": exits,
            },
        )
    ]


def geo_anomaly(event: SecurityEvent, history: ActorHistory, rules: BehaviourRules) -> list[Finding]:
    """A finding for a sign-in from a blocked country, or one the actor never signed in from; the first sign-in sets the start."""
    country = event.enrichment.country_code
    if event.name != SIGNED_IN or country is None or not (event.actor_id or event.user_ip):
        return []
    who = event.actor_id or event.user_ip or ""
    is_blocked = country in rules.blocked_countries
    signed_in = [one.enrichment.country_code for one in reversed(history.by_actor) if one.name == SIGNED_IN]
    if not is_blocked and country in signed_in:
        return []
    known = set(signed_in) - {None}
    if not is_blocked and (not event.actor_id or not known):
        return []
    reason = "is blocked" if is_blocked else "was not seen before"
    return [
        Finding(
            alert_type="geo_anomaly",
            severity="high" if is_blocked else "medium",
            title=f"Sign-in of {who} from {country}",
            description=f"{who} signed in from {_name(event)}; the country {country} {reason}.",
            subject=who,
            details={
                "country_code": country,
                "known_countries": sorted(code for code in known if code),
                "is_blocked_country": is_blocked,
                "to": _evidence(event),
            },
        )
    ]


def _is_located(event: SecurityEvent) -> bool:
    return event.enrichment.latitude is not None and event.enrichment.longitude is not None


def _name(event: SecurityEvent) -> str:
    known = event.enrichment
    return ", ".join(part for part in (known.city, known.country_code) if part) or event.user_ip or "an unknown place"


def _evidence(event: SecurityEvent) -> dict[str, Any]:
    known = event.enrichment
    return {
        "event_id": event.id,
        "at": event.at.isoformat(),
        "ip": event.user_ip,
        "city": known.city,
        "country_code": known.country_code,
        "latitude": known.latitude,
        "longitude": known.longitude,
    }
