"""Sign-ins and other security events of the people who run the demo shop, four weeks of them. Pure.

Addresses are those kept for examples, so places are told here instead of being looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np

from app.demo.story import SEED, Timeline
from app.security.contracts import Enrichment, SecurityEvent
from app.security.vocabulary import severity_of

DAYS: Final = 28
SUCCESS: Final = "auth.login_success"
FAILED: Final = "auth.login_failed"
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE: Final = "Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


def _place(code: str, country: str, city: str, latitude: float, longitude: float, zone: str) -> Enrichment:
    return Enrichment(
        country_code=code, country_name=country, city=city, latitude=latitude, longitude=longitude, timezone=zone,
        asn=64500, asn_org="Example Net", isp="Example Net", network_type="isp", is_vpn=False, is_tor=False, is_proxy=False,
        is_datacenter=False, is_mobile=False, threat_score=0,
    )  # fmt: skip


HAMBURG: Final = _place("DE", "Germany", "Hamburg", 53.55, 9.99, "Europe/Berlin")
LYON: Final = _place("FR", "France", "Lyon", 45.76, 4.84, "Europe/Paris")
UTRECHT: Final = _place("NL", "Netherlands", "Utrecht", 52.09, 5.12, "Europe/Amsterdam")
LISBON: Final = _place("PT", "Portugal", "Lisbon", 38.72, -9.14, "Europe/Lisbon")
TORONTO: Final = _place("CA", "Canada", "Toronto", 43.65, -79.38, "America/Toronto")


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works for the shop. `pace` is how often they sign in on a working day."""

    name: str
    address: str
    place: Enrichment
    pace: float

    @property
    def email(self) -> str:
        """Their mail address, by which they are known."""
        return f"{self.name}@example.com"


COLLEAGUES: Final = (
    Colleague("ada", "192.0.2.11", HAMBURG, 4),
    Colleague("bo", "192.0.2.12", HAMBURG, 3),
    Colleague("cleo", "192.0.2.13", HAMBURG, 3),
    Colleague("devi", "198.51.100.21", LYON, 4),
    Colleague("emil", "198.51.100.22", LYON, 2),
    Colleague("fern", "203.0.113.31", UTRECHT, 3),
    Colleague("gus", "203.0.113.32", UTRECHT, 2),
    Colleague("hana", "192.0.2.14", HAMBURG, 2),
    Colleague("ines", "198.51.100.23", LYON, 3),
)
TRAVELLER, EXPORTER, LOCKED_OUT, LEAD = COLLEAGUES[3], COLLEAGUES[5], COLLEAGUES[1], COLLEAGUES[0]
_ROUTINE: Final = (
    ("auth.logout", 0.6), ("data.export", 0.05), ("admin.settings_changed", 0.03), ("auth.token_refreshed", 0.5),
    ("authz.permission_granted", 0.02), ("auth.password_reset", 0.01), (FAILED, 0.08),
)  # fmt: skip


def security_events(timeline: Timeline) -> list[SecurityEvent]:
    """The events of the last weeks up to now, oldest first. The same hour gives the same events."""
    random = np.random.default_rng([SEED, 3, int(timeline.current_hour.timestamp()) // 3600])
    found = [*_routine(timeline, random), *_incidents(timeline, random)]
    return sorted((event for event in found if event.at < timeline.now), key=lambda event: (event.at, event.id))


def _routine(timeline: Timeline, random: np.random.Generator) -> Iterator[SecurityEvent]:
    for day in range(DAYS, -1, -1):
        midnight = timeline.now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=day)
        quiet = 0.3 if midnight.weekday() >= 5 else 1.0
        for colleague in COLLEAGUES:
            for _ in range(random.poisson(colleague.pace * quiet)):
                moment = midnight + timedelta(hours=6.5 + 11 * float(random.random()))
                yield _event(SUCCESS, moment, colleague, random)
                for name, chance in _ROUTINE:
                    if random.random() < chance:
                        moment += timedelta(minutes=1 + 20 * float(random.random()))
                        yield _event(name, moment, colleague, random)


def _incidents(timeline: Timeline, random: np.random.Generator) -> Iterator[SecurityEvent]:
    def ago(days: float) -> datetime:
        return timeline.current_hour - timedelta(days=days)

    # A forgotten password, tried again and again, then a reset.
    for number in range(9):
        yield _event(FAILED, ago(5) + timedelta(seconds=22 * number), LOCKED_OUT, random)
    yield _event("auth.password_reset", ago(5) + timedelta(minutes=9), LOCKED_OUT, random)
    # Somebody on a journey, and a tunnel that still ends at home.
    yield _event(SUCCESS, ago(3), TRAVELLER, random)
    yield _event(SUCCESS, ago(3) + timedelta(minutes=50), TRAVELLER, random, "203.0.113.77", TORONTO, PHONE)
    yield _event("security.rate_limit_exceeded", ago(2.2), COLLEAGUES[6], random)
    yield _event("authz.role_changed", ago(1.4), LEAD, random)
    # The yearly stock-taking: far more exports than on any other day.
    for number in range(26):
        yield _event("data.export", ago(0.4) + timedelta(minutes=6 * number), EXPORTER, random)
    for number in range(7):
        moment = ago(0.1) + timedelta(seconds=31 * number)
        yield _event(FAILED, moment, COLLEAGUES[8], random, "203.0.113.140", LISBON)


def _event(
    name: str,
    at: datetime,
    colleague: Colleague,
    random: np.random.Generator,
    address: str | None = None,
    place: Enrichment | None = None,
    agent: str = BROWSER,
) -> SecurityEvent:
    return SecurityEvent(
        id=str(UUID(bytes=random.bytes(16), version=4)),
        name=name,
        at=at.replace(microsecond=at.microsecond // 1000 * 1000),
        severity=severity_of(name),
        actor_id=colleague.email,
        actor_email=colleague.email,
        user_ip=address or colleague.address,
        metadata={"user_agent": agent, "application": "back office"},
        enrichment=place or colleague.place,
    )
