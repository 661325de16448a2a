"""What the overview of security shows, as finished texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import security_paths
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.security.pages.overview_rows import ActorRow, NetworkRow, PlaceRow, actor_row, counted, network_row, place_name, place_row
from app.security.pages.wording import (
    BAR_TONES,
    SEVERITY_TONES,
    STATUS_TONES,
    STATUS_WORDS,
    event_line,
)
from app.security.refusals import PlanRestricted
from app.security.service import actor_scoring, triage
from app.security.service import origins as origin_service
from app.security.service.geo import GeoFiles, geo_files
from app.security.service.investigation import Picture, picture
from app.security.service.triage import AlertFigures, AlertView
from components.bar_data import Bars, bar_data
from components.format import full_number, iso_utc, local_time
from components.map_data import MapData, Spot, world_data

PERIODS: Final = {"1": "24 hours", "7": "7 days", "30": "30 days"}
_BUCKETS: Final = {1: 1_800, 7: 4 * 3_600, 30: 86_400}
MOST_LINES: Final = 12
_MOST_PLACES: Final = 8


@dataclass(frozen=True)
class Moment:
    """An alert or a grave event on the timeline."""

    title: str
    kind: str
    severity: str
    tone: str
    status: str
    status_tone: str
    who: str
    when: str
    iso: str
    href: str
    is_alert: bool


@dataclass(frozen=True)
class GeoView:
    """Which local files there are about addresses."""

    has_places: bool = True
    has_lists: bool = True
    text: str = ""
    is_by_db_ip: bool = False


@dataclass(frozen=True)
class SecurityView:
    """Everything the page shows."""

    has_events: bool = False
    has_alert_plan: bool = True
    critical: str = "0"
    high: str = "0"
    medium: str = "0"
    low: str = "0"
    acknowledged: str = ""
    events: str = "0"
    failed: str = "0"
    failed_note: str = ""
    actors: str = "0"
    alert_bars: Bars = field(default_factory=Bars)
    event_bars: Bars = field(default_factory=Bars)
    map: MapData = field(default_factory=MapData)
    located_note: str = ""
    places: list[PlaceRow] = field(default_factory=list)
    top_actors: list[ActorRow] = field(default_factory=list)
    top_networks: list[NetworkRow] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    geo: GeoView = GeoView()
    retention_note: str = ""
    is_owner: bool = False
    origins: str = ""
    origins_note: str = ""


def security_view(
    session: Session, actor: Actor, slug: str, days: int, zone: ZoneInfo, now: datetime | None = None
) -> SecurityView:
    """The page's content for the last days. Errors: NotFound, Unavailable."""
    now = now or SYSTEM_CLOCK.now()
    since = now - timedelta(days=days)
    found = picture(session, actor, slug, since, now, seconds=_BUCKETS[days], newest=MOST_LINES)
    figures, alerts = _alerts(session, actor, slug, since, now)
    under_way = figures.by_severity("open")
    history: dict[int, Counter[str]] = defaultdict(Counter)
    for one in found.history:
        history[int(one.start.timestamp())][one.severity] += one.count
    raised: dict[int, Counter[str]] = defaultdict(Counter)
    for moment, severity in figures.moments:
        raised[int(moment.timestamp()) // _BUCKETS[days] * _BUCKETS[days]][severity] += 1
    start = max(since, found.since)
    geo = geo_files()
    acknowledged = sum(figures.by_severity("acknowledged").values())
    scores = {one.actor_id: one for one in actor_scoring.list_scores(session, actor, slug)}
    origins, note = _origins(session, actor, slug)
    return SecurityView(
        has_events=found.totals.events > 0 or bool(figures.counts),
        has_alert_plan=found.plan.is_full,
        critical=full_number(under_way["critical"]),
        high=full_number(under_way["high"]),
        medium=full_number(under_way["medium"]),
        low=full_number(under_way["low"]),
        acknowledged=f"{full_number(acknowledged)} acknowledged" if acknowledged else "",
        events=full_number(found.totals.events),
        failed=full_number(found.totals.failed_sign_ins),
        failed_note=f"of {full_number(found.totals.sign_ins)} sign-ins",
        actors=full_number(found.totals.actors),
        alert_bars=bar_data(raised, BAR_TONES, start=start, stop=now, seconds=_BUCKETS[days], zone=zone, noun="alerts"),
        event_bars=bar_data(history, BAR_TONES, start=start, stop=now, seconds=_BUCKETS[days], zone=zone, noun="events"),
        map=_map(found),
        located_note=_located_note(found),
        places=[place_row(place, slug, days) for place in found.places[:_MOST_PLACES]],
        top_actors=[actor_row(one, slug, days, scores.get(one.actor_id)) for one in found.actors],
        top_networks=[network_row(one, slug, days) for one in found.networks],
        moments=_moments(alerts, found, slug, zone, now),
        geo=_geo(geo),
        retention_note=_retention_note(found, since),
        is_owner=actor.role is UserRole.OWNER,
        origins=origins,
        origins_note=note,
    )


def _alerts(session: Session, actor: Actor, slug: str, since: datetime, now: datetime) -> tuple[AlertFigures, list[AlertView]]:
    try:
        figures = triage.alert_figures(session, actor, slug, since, now)
        alerts, _ = triage.list_alerts(session, actor, slug, now, limit=MOST_LINES, offset=0)
    except PlanRestricted:
        return AlertFigures({}, ()), []
    return figures, [alert for alert in alerts if alert.created_at >= since]


def _origins(session: Session, actor: Actor, slug: str) -> tuple[str, str]:
    if actor.role is not UserRole.OWNER:
        return "", ""
    found = origin_service.list_origins(session, actor, slug)
    most = "as many as you like" if found.most is None else f"at most {found.most}"
    wildcards = ", https://*.example.com for every sub-domain" if found.has_wildcards else ""
    return "\n".join(found.origins), f"One a line, {most}: https://app.example.com{wildcards}."


def _map(found: Picture) -> MapData:
    spots = [
        Spot(
            place.latitude,
            place.longitude,
            weight=place.succeeded + place.failed,
            tone="bad" if place.failed > place.succeeded else "calm",
            tip=f"{place_name(place)}: {counted(place.succeeded, 'sign-in')}, {full_number(place.failed)} failed",
        )
        for place in found.places
    ]
    if not spots:
        return world_data([], summary="No sign-in could be located.")
    busiest = found.places[0]
    total = sum(place.succeeded + place.failed for place in found.places)
    places = counted(len(spots), "place")
    return world_data(
        spots,
        summary=f"{full_number(total)} sign-ins and attempts from {places}; most from {place_name(busiest)}.",
    )


def _located_note(found: Picture) -> str:
    share = found.totals.located / found.totals.events if found.totals.events else 0
    return f"{share:.0%} of events could be located".replace("%", "\u00a0%")


def _moments(alerts: list[AlertView], found: Picture, slug: str, zone: ZoneInfo, now: datetime) -> list[Moment]:
    lines = [(alert.created_at, _alert_moment(alert, slug, zone, now)) for alert in alerts]
    # A critical event has its alert on the line beside it.
    named = {event_id for alert in alerts for event_id in alert.event_ids}
    for event in found.grave:
        if event.id in named:
            continue
        line = event_line(event, slug, zone, now)
        moment = Moment(
            line.name,
            "Event",
            line.severity,
            line.tone,
            "",
            "neutral",
            line.who or line.address,
            line.when,
            line.iso,
            line.href,
            False,
        )
        lines.append((event.time, moment))
    return [moment for _, moment in sorted(lines, key=lambda line: line[0], reverse=True)[:MOST_LINES]]


def _alert_moment(alert: AlertView, slug: str, zone: ZoneInfo, now: datetime) -> Moment:
    return Moment(
        title=alert.title,
        kind="Alert",
        severity=alert.severity,
        tone=SEVERITY_TONES.get(alert.severity, "neutral"),
        status=STATUS_WORDS.get(alert.status, alert.status),
        status_tone=STATUS_TONES.get(alert.status, "neutral"),
        who=alert.source_ip or alert.actor_id or "",
        when=local_time(alert.created_at, zone, now=now, seconds=True),
        iso=iso_utc(alert.created_at),
        href=security_paths.project_security_alert(slug, alert.id),
        is_alert=True,
    )


def _geo(files: GeoFiles) -> GeoView:
    text = ", ".join(f"{kind} of {built_on:%-d %b %Y}" for kind, built_on in files.kinds)
    return GeoView(files.has_places, bool(files.lists), text, files.is_by_db_ip)


def _retention_note(found: Picture, since: datetime) -> str:
    if found.since <= since:
        return ""
    return f"The plan {found.plan.name} shows {found.plan.retention_days} days."
