"""Events on their way in: booked against the month, completed by the server, encoded for the log (contract C.2, C.4, C.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import IngestPrincipal
from app.ingest import service as ingest
from app.kernel.ids import new_id
from app.security import intelligence
from app.security.behaviour.failures import FAILED
from app.security.contracts import Enrichment, SecurityEvent
from app.security.normalise import Incoming
from app.security.plans import SecurityPlan, month_start
from app.security.refusals import QuotaExceeded
from app.security.repository import accounts
from app.security.service.failure_counts import FAILURES
from app.security.vocabulary import severity_of

KIND = "security"
SURFACE = "security"
_NOTHING = Enrichment()
_LOCATION = ("country_code", "country_name", "city", "region", "latitude", "longitude", "timezone")
_NETWORK = tuple(name for name in _NOTHING.as_mapping() if name not in _LOCATION)


def book(session: Session, principal: IngestPrincipal, plan: SecurityPlan, events: int, now: datetime) -> int:
    """Take the events from the month, all or none; how many are used then. QuotaExceeded."""
    used = accounts.take_quota(session, principal.tenant_id, month_start(now), events, plan.events_per_month)
    if used is None:
        raise QuotaExceeded(f"The plan allows {plan.events_per_month} events per month")
    return used


def booked(session: Session, principal: IngestPrincipal, now: datetime) -> int:
    """How many events are used in the month."""
    return accounts.used_quota(session, principal.tenant_id, month_start(now))


def organisation_name(session: Session, principal: IngestPrincipal) -> str:
    """What the key's tenant is called."""
    return accounts.organisation_name(session, principal.tenant_id)


def give_back(session: Session, principal: IngestPrincipal, events: int, now: datetime) -> None:
    """Undo a booking whose events were not stored."""
    accounts.return_quota(session, principal.tenant_id, month_start(now), events)


def completed(project_id: str, incoming: Sequence[Incoming], now: datetime, ids: Sequence[str] = ()) -> list[SecurityEvent]:
    """The events with id, time, severity and what is known of their address; ids rise in the order sent unless they are given.

    The threat score of each holds the failed sign-ins of the last five minutes that came from its address before it.
    """
    ids = ids or sorted(new_id() for _ in incoming)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as exact as it is stored
    return [
        SecurityEvent(
            id=identifier,
            name=one.event,
            at=now,
            severity=severity_of(one.event),
            actor_id=one.actor_id,
            actor_email=one.actor_email,
            user_ip=one.user_ip,
            metadata=one.metadata,
            enrichment=_enriched(project_id, one, now),
        )
        for identifier, one in zip(ids, incoming, strict=True)
    ]


def lines_of(principal: IngestPrincipal, events: Sequence[SecurityEvent], server_ip: str | None) -> ingest.RecordLines:
    """The events as lines for the log."""
    return ingest.encode_records(
        SURFACE, principal.tenant_id, principal.project_id, [_record(event, server_ip) for event in events]
    )


def _record(event: SecurityEvent, server_ip: str | None) -> ingest.Record:
    known = event.enrichment.as_mapping()
    properties: dict[str, object] = {
        "actor_email": event.actor_email,
        "server_ip": server_ip,
        **known,
        "metadata": {**event.metadata, **_mirrored(event.enrichment, known)},
    }
    return ingest.Record(
        kind=KIND,
        source="security",
        name=event.name,
        time=event.at,
        received_at=event.at,
        id=event.id,
        properties=properties,
        actor_id=event.actor_id or "",
        severity=event.severity,
        ip=event.user_ip or "",
    )


def _mirrored(enrichment: Enrichment, known: Mapping[str, object]) -> dict[str, object]:
    """Where rules and one client look for it; nothing when nothing is known."""
    if enrichment is _NOTHING or enrichment == _NOTHING:
        return {}
    return {
        "geolocation": {name: known[name] for name in _LOCATION},
        "network_intelligence": {name: known[name] for name in _NETWORK},
    }


def _enriched(project_id: str, one: Incoming, now: datetime) -> Enrichment:
    if one.user_ip is None:
        return Enrichment()
    agent = one.metadata.get("user_agent")
    failed = FAILURES.count(project_id, one.user_ip, now)
    known = intelligence.enrich(one.user_ip, user_agent=agent if isinstance(agent, str) else None, failed_logins=failed)
    if one.event == FAILED:
        FAILURES.add(project_id, one.user_ip, now)
    return known
