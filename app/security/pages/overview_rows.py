"""Rows of the overview of security: places of sign-ins, actors and networks."""

from __future__ import annotations

from dataclasses import dataclass

from app import security_paths
from app.security.contracts import ActorCount, NetworkCount, PlaceCount
from app.security.pages.wording import Mark, network_marks
from app.security.service.actor_scoring import ScoreView
from components.format import full_number


@dataclass(frozen=True)
class PlaceRow:
    """A place of sign-ins in the table beside the map."""

    name: str
    succeeded: str
    failed: str
    actors: str
    href: str


@dataclass(frozen=True)
class ActorRow:
    """One actor."""

    name: str
    email: str
    events: str
    failed: str
    grave: str
    places: str
    unusual: str
    unusual_tone: str
    score_href: str
    href: str


@dataclass(frozen=True)
class NetworkRow:
    """One network."""

    name: str
    note: str
    events: str
    failed: str
    score: str
    marks: list[Mark]
    href: str


def place_name(place: PlaceCount) -> str:
    """City and country, or the position of a place without a name."""
    known = ", ".join(part for part in (place.city, place.country_code) if part)
    return known or f"{place.latitude:g}, {place.longitude:g}"


def place_row(place: PlaceCount, slug: str, days: int) -> PlaceRow:
    """A place with its sign-ins; it leads to the events of its country."""
    return PlaceRow(
        name=place_name(place),
        succeeded=full_number(place.succeeded),
        failed=full_number(place.failed),
        actors=full_number(place.actors),
        href=security_paths.project_security_events(slug, country=place.country_code, days=str(days)),
    )


def actor_row(one: ActorCount, slug: str, days: int, score: ScoreView | None) -> ActorRow:
    """An actor with what the score of their behaviour says; it leads to their events."""
    places = counted(one.addresses, "address", "addresses")
    if one.countries:
        places += f", {counted(one.countries, 'country', 'countries')}"
    return ActorRow(
        name=one.actor_id,
        email=one.email if one.email != one.actor_id else "",
        events=full_number(one.events),
        failed=full_number(one.failed),
        grave=full_number(one.grave),
        places=places.replace(" ", "\u00a0").replace(",\u00a0", ", "),
        unusual="" if score is None or score.score is None else f"{score.score:.1f}",
        unusual_tone="warn" if score is not None and score.is_unusual else "neutral",
        score_href=security_paths.project_actors(slug, actor=one.actor_id),
        href=security_paths.project_security_events(slug, actor=one.actor_id, days=str(days)),
    )


def network_row(one: NetworkCount, slug: str, days: int) -> NetworkRow:
    """A network with what is known against it; it leads to the events of its address."""
    addresses = one.one_address if one.addresses == 1 and one.one_address != one.name else ""
    if one.addresses > 1:
        addresses = counted(one.addresses, "address", "addresses")
    note = ", ".join(part for part in (f"AS{one.asn}" if one.asn else "", addresses, counted(one.actors, "actor")) if part)
    return NetworkRow(
        name=one.name,
        note=note,
        events=full_number(one.events),
        failed=full_number(one.failed),
        score="" if one.threat_score is None else str(one.threat_score),
        marks=network_marks(dict.fromkeys(one.marks, True)),
        href=security_paths.project_security_events(slug, ip=one.one_address, days=str(days)),
    )


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 place", "3 places"."""
    return f"{full_number(number)} {one if number == 1 else many or f'{one}s'}"
