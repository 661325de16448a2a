"""What the rules need to know of the time before each event of a pass, read with a few questions for all of them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from app.identity.contracts import IngestPrincipal
from app.security.behaviour.failures import FAILED
from app.security.behaviour.places import SIGNED_IN
from app.security.behaviour.rules import DEFAULT_RULES
from app.security.behaviour.threat_models import ThreatModel
from app.security.contracts import ActorHistory, Enrichment, SecurityEvent, StoredEvent
from app.security.plans import SecurityPlan
from app.security.repository import history as repository
from app.security.service.failure_counts import FAILURES

_KNOWN: Final = tuple(field.name for field in fields(Enrichment))
_Place = tuple[datetime, str]


class Surroundings:
    """Events around those of one pass and themselves, in order (`events`), by actor and by address."""

    def __init__(self, events: Iterable[SecurityEvent]) -> None:
        self._by_actor: dict[str, list[SecurityEvent]] = defaultdict(list)
        self._by_ip: dict[str, list[SecurityEvent]] = defaultdict(list)
        self.events = sorted(events, key=place_of)
        for event in self.events:
            if event.actor_id:
                self._by_actor[event.actor_id].append(event)
            if event.user_ip:
                self._by_ip[event.user_ip].append(event)

    def before(self, event: SecurityEvent) -> ActorHistory:
        """What the same actor and address did before the event."""
        return ActorHistory(
            by_actor=_before(self._by_actor.get(event.actor_id or "", ()), event),
            by_ip=_before(self._by_ip.get(event.user_ip or "", ()), event),
        )

    def failures_of(self, address: str) -> list[datetime]:
        """When sign-ins from the address failed, oldest first."""
        return [event.at for event in self._by_ip.get(address, ()) if event.name == FAILED]


def place_of(event: SecurityEvent) -> _Place:
    """Where the event stands in the order in which events are judged."""
    return event.at, event.id


def gather(
    principal: IngestPrincipal, plan: SecurityPlan, events: Sequence[SecurityEvent], models: Sequence[ThreatModel]
) -> Surroundings:
    """What is stored around the events, which are in order. Errors: Unavailable."""
    first, last = events[0].at, events[-1].at
    oldest = first - timedelta(days=plan.retention_days)
    known = {event.id: event for event in events}
    failed = [event for event in events if event.name == FAILED]
    signed_in = sorted({event.actor_id for event in events if event.name == SIGNED_IN and event.actor_id})
    # What comes with its details comes first: of an event that is known already no other account is taken.
    if models:
        _add(known, _around_models(principal, events, models))
    if signed_in:
        _add(known, repository.earlier_sign_ins(principal, SIGNED_IN, signed_in, oldest, first))
        _add(known, repository.sign_ins_between(principal, SIGNED_IN, signed_in, first, last, without=known))
    if failed:
        actors = sorted({event.actor_id for event in failed if event.actor_id})
        addresses = sorted({event.user_ip for event in failed if event.user_ip})
        if actors:
            since = failed[0].at - DEFAULT_RULES.failures_per_actor_window
            _add(known, repository.events_of_actors(principal, FAILED, actors, since, last))
        if addresses:
            since = failed[0].at - DEFAULT_RULES.failures_per_ip_window
            _add(known, repository.events_of_addresses(principal, FAILED, addresses, since, last))
    found = Surroundings(known.values())
    for address in {event.user_ip for event in failed if event.user_ip}:
        FAILURES.learn(principal.project_id, address, found.failures_of(address))
    return found


def _around_models(
    principal: IngestPrincipal, events: Sequence[SecurityEvent], models: Sequence[ThreatModel]
) -> Sequence[StoredEvent]:
    concerned = [model for model in models if any(model.is_completed_by(event.name) for event in events)]
    completing = [event for event in events if any(model.is_completed_by(event.name) for model in concerned)]
    if not concerned:
        return ()
    return repository.events_like(
        principal,
        sorted({step.event_pattern for model in concerned for step in model.steps}),
        completing[0].at - max(model.reach for model in concerned),
        completing[-1].at,
        is_detailed=any(step.conditions for model in concerned for step in model.steps),
        actors=sorted({event.actor_id for event in completing if event.actor_id}),
        addresses=sorted({event.user_ip for event in completing if event.user_ip}),
    )


def event_of(row: StoredEvent) -> SecurityEvent:
    """A stored event as the rules take it."""
    known: dict[str, Any] = {name: row.properties.get(name) for name in _KNOWN}
    known["threat_reasons"] = tuple(known["threat_reasons"] or ())
    return SecurityEvent(
        id=row.id,
        name=row.name,
        at=row.time,
        severity=row.severity,
        actor_id=row.actor_id,
        actor_email=row.properties.get("actor_email"),
        user_ip=row.user_ip,
        metadata=row.properties.get("metadata") or {},
        enrichment=Enrichment(**known),
    )


def _add(known: dict[str, SecurityEvent], rows: Iterable[StoredEvent]) -> None:
    for row in rows:
        if row.id not in known:
            known[row.id] = event_of(row)


def _before(events: Sequence[SecurityEvent], event: SecurityEvent) -> tuple[SecurityEvent, ...]:
    return tuple(events[: bisect_left(events, place_of(event), key=place_of)])
