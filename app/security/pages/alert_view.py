"""What the page of one security alert shows, as finished texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import security_paths
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Unavailable
from app.security.pages.alert_places import TravelView, map_of, moment_text, travel_of
from app.security.pages.wording import (
    RESOLUTION_WORDS,
    SEVERITY_TONES,
    STATUS_TONES,
    STATUS_WORDS,
    TYPE_WORDS,
    EventLine,
    Fact,
    Mark,
    event_line,
    network_marks,
    place_text,
)
from app.security.service import investigation, triage
from app.security.service.geo import geo_files
from app.security.service.triage import AlertView
from components.format import full_number, iso_utc, local_time, percent
from components.map_data import MapData

AROUND: Final = timedelta(hours=24)
MOST_LISTED: Final = 20
_MOST_EXTRA: Final = 300
# Told by a sentence, a figure or a map elsewhere on the page.
_TOLD: Final = frozenset(
    {
        "is_vpn", "is_tor", "is_proxy", "is_datacenter", "latitude", "longitude", "city", "isp", "threat_score", "country",
        "event", "actor_email", "from", "to", "distance_km", "elapsed_seconds", "speed_kmh", "internal_notes", "resolution_type",
        "occurrences", "rule", "first_at", "last_at", "events", "contributions", "day",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """A feature that made an actor's day unusual."""

    feature: str
    value: str
    usual: str
    share: str


@dataclass(frozen=True)
class AlertPage:
    """Everything the page shows."""

    title: str = ""
    description: str = ""
    kind: str = ""
    severity: str = ""
    tone: str = "neutral"
    status: str = "open"
    status_text: str = ""
    status_tone: str = "neutral"
    raised: str = ""
    raised_iso: str = ""
    occurrences: str = ""
    travel: TravelView = field(default_factory=TravelView)
    has_map: bool = False
    map: MapData = field(default_factory=MapData)
    is_by_db_ip: bool = False
    facts: list[Fact] = field(default_factory=list)
    network: list[Fact] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    raw: str = ""
    lines: list[EventLine] = field(default_factory=list)
    lines_note: str = ""
    is_store_away: bool = False
    notes: str = ""
    closing: str = ""
    can_change: bool = False


def alert_page(session: Session, actor: Actor, slug: str, alert_id: str, zone: ZoneInfo, now: datetime | None = None) -> AlertPage:
    """The alert and what its actor did in the day before and after. Errors: NotFound, PlanRestricted."""
    now = now or SYSTEM_CLOCK.now()
    alert = triage.get_alert(session, actor, slug, alert_id, now)
    travel = travel_of(alert, zone, now)
    drawn = map_of(alert, travel)
    lines, is_away = _lines(session, actor, slug, alert, zone, now)
    files = geo_files()
    return AlertPage(
        title=alert.title,
        description=alert.description,
        kind=TYPE_WORDS.get(alert.alert_type, alert.alert_type),
        severity=alert.severity,
        tone=SEVERITY_TONES.get(alert.severity, "neutral"),
        status=alert.status,
        status_text=STATUS_WORDS.get(alert.status, alert.status),
        status_tone=STATUS_TONES.get(alert.status, "neutral"),
        raised=local_time(alert.created_at, zone, now=now, seconds=True),
        raised_iso=iso_utc(alert.created_at),
        occurrences=full_number(alert.occurrences),
        travel=travel,
        has_map=drawn is not None,
        map=drawn or MapData(),
        is_by_db_ip=drawn is not None and files.is_by_db_ip,
        facts=[*_facts(alert, slug, zone, now), *_extra(alert.details, zone, now)],
        network=_network(alert.network, alert.location),
        marks=network_marks(alert.network),
        drivers=_drivers(alert.details.get("contributions")),
        raw=json.dumps(_raw(alert), indent=2, ensure_ascii=False, default=str),
        lines=lines,
        lines_note=_lines_note(alert),
        is_store_away=is_away,
        notes=str(alert.details.get("internal_notes") or ""),
        closing=_closing(alert, zone, now),
        can_change=actor.role in (UserRole.OWNER, UserRole.EDITOR),
    )


def _facts(alert: AlertView, slug: str, zone: ZoneInfo, now: datetime) -> list[Fact]:
    details = alert.details

    def events(**filters: str) -> str:
        return security_paths.project_security_events(slug, days="90", **filters)

    found = [
        Fact("Actor", alert.actor_id, events(actor=alert.actor_id)) if alert.actor_id else None,
        Fact("Behaviour", "compared with own days and peers", security_paths.project_actors(slug, actor=alert.actor_id))
        if alert.actor_id
        else None,
        Fact("Email", str(details["actor_email"])) if details.get("actor_email") else None,
        Fact("Address", alert.source_ip, events(ip=alert.source_ip)) if alert.source_ip else None,
        Fact("Place", place_text(alert.location)) if place_text(alert.location) else None,
        Fact("Triggered by", str(details.get("event") or "event"), events(id=alert.trigger_event_id)),
        Fact("Events", full_number(alert.occurrences)),
        Fact("First", local_time(alert.created_at, zone, now=now, seconds=True)),
        Fact("Last", local_time(alert.last_event_at, zone, now=now, seconds=True)) if alert.occurrences > 1 else None,
    ]
    return [fact for fact in found if fact is not None]


def _network(network: Mapping[str, Any], location: Mapping[str, Any]) -> list[Fact]:
    operator = network.get("asn_org") or network.get("isp")
    asn = f"AS{network['asn']}" if network.get("asn") else ""
    reasons = ", ".join(str(reason) for reason in network.get("threat_reasons") or ())
    score = network.get("threat_score")
    found = [
        ("Operator", " · ".join(str(part) for part in (operator, asn) if part)),
        ("Kind", str(network.get("network_type") or "")),
        ("Threat score", "" if score is None else f"{score} of 100" + (f": {reasons}" if reasons else "")),
        ("Region", str(location.get("region") or "")),
        ("Time zone", str(location.get("timezone") or "")),
    ]
    return [Fact(name, value) for name, value in found if value]


def _extra(details: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> list[Fact]:
    found = []
    for name, value in details.items():
        if name in _TOLD or value in (None, "", [], {}, False):
            continue
        words = name.replace("_", " ").capitalize()
        if (name.endswith("_at") or name == "until") and isinstance(value, str):
            shown = moment_text({"at": value}, zone, now) or value
        elif isinstance(value, list):
            shown = ", ".join(str(part) for part in value[:MOST_LISTED])
            shown += f" and {len(value) - MOST_LISTED} more" if len(value) > MOST_LISTED else ""
        elif isinstance(value, bool):
            shown = "Yes"
        elif isinstance(value, dict):
            shown = json.dumps(value, ensure_ascii=False, default=str)
        else:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
        found.append(Fact(words, shown[:_MOST_EXTRA]))
    return found


def _drivers(contributions: Any) -> list[Driver]:
    found = []
    for one in contributions if isinstance(contributions, list) else ():
        if isinstance(one, dict) and {"feature", "value", "usual", "share"} <= one.keys():
            value, usual, share = one["value"], one["usual"], one["share"]
            found.append(Driver(str(one["feature"]).capitalize(), f"{value:,.6g}", f"{usual:,.6g}", percent(share)))
    return found


def _raw(alert: AlertView) -> dict[str, object]:
    return {
        "id": alert.id,
        "alert_type": alert.alert_type,
        "trigger_event_id": alert.trigger_event_id,
        "event_ids": list(alert.event_ids),
        "network": dict(alert.network),
        "location": dict(alert.location),
        "metadata": dict(alert.details),
    }


def _lines(
    session: Session, actor: Actor, slug: str, alert: AlertView, zone: ZoneInfo, now: datetime
) -> tuple[list[EventLine], bool]:
    """What happened around the alert; the second is true while the event store does not answer."""
    try:
        events = investigation.events_around(
            session,
            actor,
            slug,
            actor_id=None if _is_about_address(alert) else alert.actor_id,
            user_ip=alert.source_ip,
            since=alert.created_at - AROUND,
            until=alert.last_event_at + AROUND,
            now=now,
        )
    except Unavailable:
        return [], True
    named = alert.details.get("events")
    evidence = {alert.trigger_event_id, *alert.event_ids, *(map(str, named) if isinstance(named, list) else ())}
    for end in ("from", "to"):
        if isinstance(alert.details.get(end), dict):
            evidence.add(str(alert.details[end].get("event_id")))
    return _without_repetition([event_line(event, slug, zone, now, is_evidence=event.id in evidence) for event in events]), False


def _without_repetition(lines: list[EventLine]) -> list[EventLine]:
    """One line for events in a row that differ by nothing but their time."""
    found = []
    for _, group in groupby(lines, key=lambda line: (line.name, line.address, line.severity, line.is_evidence)):
        run = list(group)
        is_one = len(run) == 1
        found.append(run[0] if is_one else replace(run[0], times=f"{full_number(len(run))}×", since=run[-1].when))
    return found


def _is_about_address(alert: AlertView) -> bool:
    """Whether one address is the subject, and the actor only somebody it tried."""
    return alert.details.get("rule") == "failures_per_ip" and alert.source_ip is not None


def _lines_note(alert: AlertView) -> str:
    who = alert.source_ip if _is_about_address(alert) else alert.actor_id or alert.source_ip
    return f"{who}, from a day before to a day after" if who else ""


def _closing(alert: AlertView, zone: ZoneInfo, now: datetime) -> str:
    if alert.status not in ("resolved", "dismissed"):
        return ""
    word = "Resolved" if alert.status == "resolved" else "Dismissed"
    reason = RESOLUTION_WORDS.get(str(alert.details.get("resolution_type")), "")
    when = local_time(alert.resolved_at or alert.updated_at, zone, now=now)
    return f"{word} by {alert.resolved_by or 'somebody'} on {when}" + (f": {reason.lower()}." if reason else ".")
