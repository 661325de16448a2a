"""Events, places and a replay that hands each event the history the service would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.security.behaviour import BehaviourRules, findings
from app.security.contracts import ActorHistory, Enrichment, Finding, SecurityEvent
from app.security.service.alerts import instant_finding
from app.security.vocabulary import severity_of

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
RULES = BehaviourRules()
LATEST = 1_000


def place(country: str, city: str, latitude: float, longitude: float, **more: Any) -> Enrichment:
    return Enrichment(country_code=country, city=city, latitude=latitude, longitude=longitude, **more)


NEW_YORK = place("US", "New York", 40.7128, -74.0060)
LONDON = place("GB", "London", 51.5074, -0.1278)
OXFORD = place("GB", "Oxford", 51.7520, -1.2577)
NOWHERE = Enrichment()


def event(
    name: str,
    after: timedelta = timedelta(0),
    *,
    actor: str | None = "ana",
    ip: str | None = "81.2.69.1",
    at: Enrichment = NOWHERE,
    **metadata: Any,
) -> SecurityEvent:
    moment = START + after
    return SecurityEvent(
        id=f"{moment.timestamp():020.6f}-{name}-{actor}",
        name=name,
        at=moment,
        severity=severity_of(name),
        actor_id=actor,
        user_ip=ip,
        metadata=metadata,
        enrichment=at,
    )


def replay(events: Iterable[SecurityEvent], rules: BehaviourRules = RULES, models=()) -> list[tuple[SecurityEvent, Finding]]:
    """Every finding in order, instant ones too."""
    by_actor: dict[str, list[SecurityEvent]] = defaultdict(list)
    by_ip: dict[str, list[SecurityEvent]] = defaultdict(list)
    found = []
    for one in events:
        history = ActorHistory(
            tuple(by_actor[one.actor_id][-LATEST:]) if one.actor_id else (),
            tuple(by_ip[one.user_ip][-LATEST:]) if one.user_ip else (),
        )
        instant = instant_finding(one)
        found += [(one, finding) for finding in ([instant] if instant else []) + findings(one, history, rules, models)]
        if one.actor_id:
            by_actor[one.actor_id].append(one)
        if one.user_ip:
            by_ip[one.user_ip].append(one)
    return found


def alerts(found: Iterable[tuple[SecurityEvent, Finding]]) -> list[tuple[str, str]]:
    """Type and subject of the alerts that stay after joining repetitions within the hour."""
    last: dict[tuple[str, str], datetime] = {}
    raised = []
    for one, finding in found:
        key = (finding.alert_type, finding.subject)
        if key not in last or one.at - last[key] >= timedelta(hours=1):
            raised.append(key)
        last[key] = one.at
    return raised
