"""What the explorer of security events shows, as finished texts, and how an address becomes a search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import security_paths
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.presentation import page_number, page_within
from app.security.contracts import EventFilter, StoredEvent
from app.security.pages.event_moments import checked_moment, moment_of, to_instants
from app.security.pages.wording import (
    SEVERITY_TONES,
    EventLine,
    Fact,
    Mark,
    event_line,
    network_marks,
    place_text,
)
from app.security.service import investigation
from app.security.service.geo import geo_files
from app.security.vocabulary import severities_matching
from components.format import full_number, iso_utc, local_time, zone_label

PAGE_SIZE: Final = 50
MOST_PAGES: Final = 1_000
PERIODS: Final = {"1": "24 hours", "7": "7 days", "30": "30 days", "90": "90 days"}
USUAL_DAYS: Final = "7"
LONGEST_WORD: Final = 320
SEVERITIES: Final = tuple(SEVERITY_TONES)
FACET_WORDS: Final = {"event": "Event", "severity": "Severity", "country": "Country", "actor": "Actor", "ip": "Address"}


@dataclass(frozen=True)
class Query:
    """What the address asks for. `since` and `until` are times of the viewer's zone and win over `days`."""

    event: str = ""
    severity: str = ""
    actor: str = ""
    ip: str = ""
    country: str = ""
    days: str = USUAL_DAYS
    since: str = ""
    until: str = ""
    page: int = 1
    id: str = ""

    def parameters(self, **changed: str) -> dict[str, str]:
        """The words of the address, without what is usual; a change of any other word goes back to the first page."""
        now = {
            "event": self.event, "severity": self.severity, "actor": self.actor, "ip": self.ip, "country": self.country,
            "days": self.days, "from_": self.since, "to": self.until, "page": "", "id": "",
        } | changed  # fmt: skip
        usual = {"days": USUAL_DAYS, "page": "1"}
        return {name: value for name, value in now.items() if value and value != usual.get(name)}


@dataclass(frozen=True)
class FacetWord:
    """A word that events may be narrowed to."""

    facet: str
    word: str
    count: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """The most frequent words of one property."""

    name: str
    label: str
    words: list[FacetWord] = field(default_factory=list)


@dataclass(frozen=True)
class Chip:
    """A filter in force."""

    name: str
    text: str


@dataclass(frozen=True)
class Detail:
    """One event in full."""

    name: str = ""
    severity: str = ""
    tone: str = "neutral"
    when: str = ""
    iso: str = ""
    facts: list[Fact] = field(default_factory=list)
    enrichment: list[Fact] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    metadata: str = ""
    is_by_db_ip: bool = False
    problem: str = ""


@dataclass(frozen=True)
class EventsView:
    """A page of events. `first` and `last` are places in the whole result, `zone` is the one of the moments in the search."""

    rows: list[EventLine] = field(default_factory=list)
    facets: list[Facet] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    countries: list[list[str]] = field(default_factory=list)
    page: int = 1
    total: int = 0
    total_text: str = "0"
    first: int = 0
    last: int = 0
    notes: list[str] = field(default_factory=list)
    is_narrowed: bool = False
    is_open: bool = False
    zone: str = "UTC"
    detail: Detail = field(default_factory=Detail)


def query_of(words: Mapping[str, str]) -> Query:
    """The search an address asks for; what makes no sense is left out."""

    def word(name: str) -> str:
        return words.get(name, "")[:LONGEST_WORD].replace("\0", "").strip()

    page = page_number(words.get("page", ""))
    return Query(
        event=word("event").lower(),
        severity=word("severity") if word("severity") in SEVERITIES else "",
        actor=word("actor"),
        ip=word("ip"),
        country=word("country").upper()[:2],
        days=word("days") if word("days") in PERIODS else USUAL_DAYS,
        since=checked_moment(word("from")),
        until=checked_moment(word("to")),
        page=max(1, min(page, MOST_PAGES)),
        id=word("id")[:64],
    )


def filter_of(query: Query, zone: ZoneInfo, now: datetime) -> EventFilter:
    """The search in the repository's terms. The minute named as the end is part of it."""
    since = moment_of(query.since, zone) or now - timedelta(days=int(query.days))
    until = moment_of(query.until, zone)
    # A stored severity stands for itself; the wider words of the API's filter would count events twice.
    severities = (query.severity,) if severities_matching(query.severity) else ()
    return EventFilter(
        since=since,
        until=until + timedelta(minutes=1) - timedelta(milliseconds=1) if until else None,
        event=query.event,
        actor_id=query.actor,
        severities=severities,
        user_ip=query.ip,
        country_code=query.country,
    )


def events_view(session: Session, actor: Actor, slug: str, query: Query, zone: ZoneInfo, now: datetime | None = None) -> EventsView:
    """The page's content. Errors: NotFound, Unavailable."""
    now = now or SYSTEM_CLOCK.now()
    wanted = filter_of(query, zone, now)
    start = (query.page - 1) * PAGE_SIZE
    found = investigation.find_events(session, actor, slug, wanted, now, limit=PAGE_SIZE, offset=start)
    if found.total and not found.events:
        query = replace(query, page=page_within(query.page, found.total, PAGE_SIZE))
        start = (query.page - 1) * PAGE_SIZE
        found = investigation.find_events(session, actor, slug, wanted, now, limit=PAGE_SIZE, offset=start)
    chosen = {"event": query.event, "severity": query.severity, "country": query.country, "actor": query.actor, "ip": query.ip}
    facets = [
        Facet(
            name,
            label,
            [FacetWord(name, one.word, full_number(one.count), one.word == chosen[name]) for one in found.facets[name]],
        )
        for name, label in FACET_WORDS.items()
    ]
    facets = [_by_gravity(facet) if facet.name == "severity" else facet for facet in facets]
    lines = [event_line(event, slug, zone, now) for event in found.events]
    rows = [
        replace(line, href=security_paths.project_security_events(slug, **to_instants(_at(query, line.id), zone))) for line in lines
    ]
    countries = sorted({one.word for one in found.facets["country"]} | ({query.country} if query.country else set()))
    detail = event_detail(session, actor, slug, query.id, zone, now) if query.id else Detail()
    return EventsView(
        rows=rows,
        facets=[facet for facet in facets if facet.words],
        chips=[Chip(name, f"{FACET_WORDS[name]}: {value}") for name, value in chosen.items() if value] + _time_chips(query),
        countries=[["", "All countries"], *[[code, code] for code in countries]],
        page=query.page,
        total=found.total,
        total_text=full_number(found.total),
        first=start + 1 if rows else 0,
        last=start + len(rows),
        notes=_notes(found.plan.name, found.plan.retention_days, is_full=found.plan.is_full, query=query),
        is_narrowed=any(chosen.values()) or bool(query.since or query.until),
        is_open=bool(query.id),
        zone=zone_label(zone, now),
        detail=detail,
    )


def event_detail(session: Session, actor: Actor, slug: str, event_id: str, zone: ZoneInfo, now: datetime) -> Detail:
    """One event in full; says so when it is not there (any more). Errors: Unavailable."""
    try:
        event = investigation.get_event(session, actor, slug, event_id, now)
    except NotFound:
        return Detail(problem="There is no such event. It may be older than the plan keeps.")
    known = event.properties
    metadata = {name: value for name, value in (known.get("metadata") or {}).items() if name not in _MIRRORED}
    return Detail(
        name=event.name,
        severity=event.severity,
        tone=SEVERITY_TONES.get(event.severity, "neutral"),
        when=local_time(event.time, zone, now=now, seconds=True),
        iso=iso_utc(event.time),
        facts=_facts(event, slug),
        enrichment=_enrichment(known),
        marks=network_marks(known),
        metadata=json.dumps(metadata, indent=2, ensure_ascii=False) if metadata else "",
        is_by_db_ip=bool(known.get("country_code")) and geo_files().is_by_db_ip,
    )


def _by_gravity(facet: Facet) -> Facet:
    ranks = {name: rank for rank, name in enumerate(SEVERITIES)}
    return replace(facet, words=sorted(facet.words, key=lambda one: ranks.get(one.word, len(ranks))))


_MIRRORED: Final = ("geolocation", "network_intelligence")


def _facts(event: StoredEvent, slug: str) -> list[Fact]:
    known = event.properties

    def more(**filters: str) -> str:
        return security_paths.project_security_events(slug, days="90", **filters)

    found = [
        Fact("Actor", event.actor_id, more(actor=event.actor_id)) if event.actor_id else Fact("Actor", "not told"),
        Fact("Email", str(known["actor_email"])) if known.get("actor_email") else None,
        Fact("Address", event.user_ip, more(ip=event.user_ip)) if event.user_ip else Fact("Address", "not told"),
        Fact("Sent from", str(known["server_ip"])) if known.get("server_ip") else None,
        Fact("Event id", event.id),
    ]
    return [fact for fact in found if fact is not None]


def _enrichment(known: Mapping[str, Any]) -> list[Fact]:
    score = known.get("threat_score")
    reasons = ", ".join(str(reason) for reason in known.get("threat_reasons") or ())
    operator = known.get("asn_org") or known.get("isp")
    north, east = known.get("latitude"), known.get("longitude")
    found = [
        ("Place", ", ".join(str(part) for part in (place_text(known), known.get("region")) if part)),
        ("Coordinates", f"{north:.3f}, {east:.3f}" if isinstance(north, int | float) and isinstance(east, int | float) else ""),
        ("Time zone", str(known.get("timezone") or "")),
        ("Operator", " · ".join(str(part) for part in (operator, f"AS{known['asn']}" if known.get("asn") else "") if part)),
        ("Network", str(known.get("network_type") or "")),
        ("Threat score", "" if score is None else f"{score} of 100" + (f": {reasons}" if reasons else "")),
    ]
    return [Fact(name, value) for name, value in found if value]


def _at(query: Query, event_id: str) -> dict[str, str]:
    return query.parameters(page=str(query.page), id=event_id)


def _time_chips(query: Query) -> list[Chip]:
    found = []
    if query.since:
        found.append(Chip("from_", f"From {query.since.replace('T', ' ')}"))
    if query.until:
        found.append(Chip("to", f"To {query.until.replace('T', ' ')}"))
    return found


def _notes(plan: str, days: int, *, is_full: bool, query: Query) -> list[str]:
    notes = []
    if not is_full:
        notes.append(f"The plan {plan} shows only the country of an address.")
    since, until = moment_of(query.since, ZoneInfo("UTC")), moment_of(query.until, ZoneInfo("UTC"))
    if since and until and since > until:
        notes.append("The search ends before it begins, so nothing can match: swap From and To.")
    if not (query.since or query.until) and int(query.days) > days:
        notes.append(f"The plan {plan} shows {days} days.")
    return notes
