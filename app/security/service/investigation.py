"""Stored events as the people of a project look at them. What a plan hides from its keys, it hides here too (contract C.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import NotFound
from app.projects import service as projects
from app.security.contracts import (
    ActorCount,
    EventFilter,
    NetworkCount,
    PlaceCount,
    ProjectScope,
    SeverityCount,
    StoredEvent,
    Totals,
    WordCount,
)
from app.security.plans import SecurityPlan, plan_of
from app.security.repository import events as repository
from app.security.repository import insights
from app.security.repository.insights import FACETS
from app.security.service.reading import visible_properties

MOST_RELATED: Final = 200
MOST_PLACES: Final = 300
MOST_ACTORS: Final = 8
MOST_NETWORKS: Final = 8
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Outlook:
    """The project somebody looks at and the plan it is under."""

    scope: ProjectScope
    plan: SecurityPlan


@dataclass(frozen=True, slots=True)
class Picture:
    """What happened in a period. Places and networks are empty on plans that do not show them."""

    plan: SecurityPlan
    since: datetime
    totals: Totals
    history: tuple[SeverityCount, ...]
    places: tuple[PlaceCount, ...]
    actors: tuple[ActorCount, ...]
    networks: tuple[NetworkCount, ...]
    grave: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of events with how many there are and the words to narrow them by."""

    plan: SecurityPlan
    events: tuple[StoredEvent, ...]
    total: int
    facets: Mapping[str, tuple[WordCount, ...]]


def outlook(session: Session, actor: Actor, slug: str) -> Outlook:
    """The project and its plan. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return Outlook(ProjectScope(project.tenant_id, project.id), plan_of(identity.tenant_plan(session, project.tenant_id)))


def picture(session: Session, actor: Actor, slug: str, since: datetime, now: datetime, *, seconds: int, newest: int) -> Picture:
    """Figures, places, actors and networks since then, and the newest grave events. Errors: NotFound, Unavailable."""
    view = outlook(session, actor, slug)
    wanted = EventFilter(since=max(since, view.plan.cutoff(now)))
    grave, _ = repository.list_events(view.scope, replace(wanted, severities=("high", "critical")), limit=newest, offset=0)
    is_full = view.plan.is_full
    return Picture(
        plan=view.plan,
        since=wanted.since,
        totals=insights.totals(view.scope, wanted),
        history=tuple(insights.over_time(view.scope, wanted, seconds=seconds)),
        places=tuple(insights.places(view.scope, wanted, limit=MOST_PLACES)) if is_full else (),
        actors=tuple(insights.actors(view.scope, wanted, limit=MOST_ACTORS)),
        networks=tuple(insights.networks(view.scope, wanted, limit=MOST_NETWORKS)) if is_full else (),
        grave=tuple(_shown(view.plan, event) for event in grave),
    )


def find_events(session: Session, actor: Actor, slug: str, wanted: EventFilter, now: datetime, *, limit: int, offset: int) -> Found:
    """A page of events, newest first, with facets. Errors: NotFound, Unavailable."""
    view = outlook(session, actor, slug)
    within = replace(wanted, since=max(wanted.since, view.plan.cutoff(now)))
    events, total = repository.list_events(view.scope, within, limit=limit, offset=offset)
    facets = {name: tuple(insights.facet(view.scope, within, name, limit=MOST_WORDS)) for name in FACETS}
    return Found(view.plan, tuple(_shown(view.plan, event) for event in events), total, facets)


def get_event(session: Session, actor: Actor, slug: str, event_id: str, now: datetime) -> StoredEvent:
    """One event. Errors: NotFound, also for one older than the plan shows; Unavailable."""
    view = outlook(session, actor, slug)
    found = repository.get_event(view.scope, event_id, view.plan.cutoff(now))
    if found is None:
        raise NotFound("Event not found")
    return _shown(view.plan, found)


def events_around(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    actor_id: str | None,
    user_ip: str | None,
    since: datetime,
    until: datetime,
    now: datetime,
) -> list[StoredEvent]:
    """The newest events of the actor, or from the address where no actor is known, in [since, until]. NotFound, Unavailable."""
    view = outlook(session, actor, slug)
    found = repository.related_events(
        view.scope,
        actor_id=actor_id,
        user_ip=None if actor_id else user_ip,
        since=max(since, view.plan.cutoff(now)),
        until=until,
        limit=MOST_RELATED,
    )
    return [_shown(view.plan, event) for event in found]


def _shown(plan: SecurityPlan, event: StoredEvent) -> StoredEvent:
    properties: dict[str, Any] = visible_properties(plan, event.properties)
    return replace(event, properties=properties)
