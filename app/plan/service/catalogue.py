"""Reading the plan, and keeping it in step with what scans observe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from app.kernel.pagination import Page
from app.plan import repository
from app.plan.branch_scope import main_branch_id
from app.plan.contracts import (
    EventStatus,
    EventTypeView,
    EventView,
    FieldRules,
    ObservedEvent,
    PlanIdentities,
    SyncResult,
    identity_of,
)
from app.plan.repository import definitions
from app.plan.sync import color_for, decide, merged_identities
from app.projects import service as projects
from models.plan import Event, EventType

DEFAULT_PAGE = 200
LARGEST_PAGE = 10_000
SCAN_DESCRIPTION = "Generated from a data source scan."


def planned_names(session: Session, project_id: str, branch_id: str | None = None) -> frozenset[tuple[str, str]]:
    """Every (source, name) that the branch, or main, plans and has not archived; compare through `identity_of`."""
    branch_id = branch_id or repository.find_main_branch(session, project_id)
    if branch_id is None:
        return frozenset()
    rows = repository.identity_rows(session, branch_id, without_status=EventStatus.ARCHIVED)
    return frozenset((event_type, identity) for event_type, identity, _, _ in rows)


def field_rules(session: Session, project_id: str, branch_id: str | None = None) -> dict[str, list[FieldRules]]:
    """What the fields of the branch, or of main, demand, by event type name, in their order. Empty for a project without a plan."""
    branch_id = branch_id or repository.find_main_branch(session, project_id)
    if branch_id is None:
        return {}
    types = {row.id: name for name, row in repository.event_types_by_name(session, branch_id).items()}
    return {
        types[type_id]: [
            FieldRules(
                name=field.name,
                field_type=field.field_type,
                is_required=field.is_required,
                enum_options=tuple(field.enum_options or ()),
                regex=field.contract_regex,
                minimum=field.contract_min_value,
                maximum=field.contract_max_value,
                sensitivity=field.sensitivity,
            )
            for field in fields
        ]
        for type_id, fields in definitions.fields_of(session, list(types)).items()
    }


def plan_identities(session: Session, project_id: str) -> PlanIdentities:
    """How observed names resolve to main's events, archived ones included. Creates nothing."""
    branch_id = repository.find_main_branch(session, project_id)
    if branch_id is None:
        return PlanIdentities({}, {})
    events = {
        (event_type, identity): (event_type_id, event_id)
        for event_type, identity, event_type_id, event_id in repository.identity_rows(session, branch_id)
    }
    event_types = {name: row.id for name, row in repository.event_types_by_name(session, branch_id).items()}
    return PlanIdentities(event_types, events)


def is_on_main(session: Session, project_id: str, event_type_id: str) -> bool:
    """Whether main has the event type."""
    branch_id = repository.find_main_branch(session, project_id)
    return branch_id is not None and definitions.event_type_of_branch(session, branch_id, event_type_id) is not None


def sync_observed_events(session: Session, project_id: str, observed: Sequence[ObservedEvent]) -> SyncResult:
    """Make main hold an event for every observed (source, name), matched by source name (contract 2.2, 4.5).

    Missing event types are created. New events are in review; existing ones keep their status. Last seen only moves forward.
    Running it twice with the same input changes nothing the second time.
    """
    branch_id = main_branch_id(session, project_id)
    repository.lock_branch(session, branch_id)
    identities = merged_identities(observed)
    event_types = repository.event_types_by_name(session, branch_id)
    created_types = _create_event_types(session, project_id, branch_id, event_types, (source for source, _ in identities))
    decision = decide(
        list(identities),
        repository.known_events(session, branch_id),
        {row.id: name for name, row in event_types.items()},
    )
    repository.adopt(session, decision.adopted)
    event_ids = dict(decision.matched)
    next_order = repository.highest_order(session, branch_id, Event) + 1
    now = SYSTEM_CLOCK.now()
    rows = []
    for offset, (event_type, source_name, display) in enumerate(decision.to_create):
        identity = (event_type, source_name)
        event_ids[identity] = new_id()
        rows.append(
            {
                "id": event_ids[identity],
                "project_id": project_id,
                "branch_id": branch_id,
                "event_type_id": event_types[event_type].id,
                "name": display,
                "source_name": source_name,
                "description": SCAN_DESCRIPTION,
                "order": next_order + offset,
                "status": EventStatus.IN_REVIEW.value,
                "reviewed": False,
                "last_seen_at": identities[identity].last_at,
                "created_at": now,
                "updated_at": now,
            }
        )
    repository.insert_events(session, rows)
    seen = {event_id: identities[key].last_at for key, event_id in decision.matched.items()}
    repository.advance_last_seen(session, {event_id: moment for event_id, moment in seen.items() if moment is not None})
    resolved: dict[tuple[str, str], tuple[str, str]] = {}
    for item in observed:
        identity = identity_of(item.source, item.name)
        if identity in event_ids:
            resolved[(item.source, item.name)] = (event_types[identity[0]].id, event_ids[identity])
    return SyncResult(len(rows), len(decision.matched), resolved, decision.not_created, created_types)


def _create_event_types(
    session: Session, project_id: str, branch_id: str, known: dict[str, EventType], names: Iterable[str]
) -> list[str]:
    missing = sorted(set(names) - known.keys())
    if not missing:
        return []
    next_order = repository.highest_order(session, branch_id, EventType) + 1
    for offset, name in enumerate(missing):
        known[name] = EventType(
            project_id=project_id,
            branch_id=branch_id,
            name=name,
            display_name=name,
            color=color_for(name),
            order=next_order + offset,
        )
        session.add(known[name])
    session.flush()
    return missing


def touch_last_seen(session: Session, seen: Mapping[str, datetime]) -> None:
    """Move last seen of events (by id) forward; an older instant changes nothing."""
    repository.advance_last_seen(session, seen)


def list_event_types(session: Session, actor: Actor, slug: str) -> list[EventTypeView]:
    """Main's event types in their order. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    branch_id = repository.find_main_branch(session, project.id)
    if branch_id is None:
        return []
    return [
        EventTypeView(row.id, row.name, row.display_name, row.description, row.color, row.order, count)
        for row, count in repository.event_types_with_counts(session, branch_id)
    ]


def list_events(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    search: str = "",
    status: Iterable[str] = (),
    limit: int = DEFAULT_PAGE,
    offset: int = 0,
) -> Page[EventView]:
    """Main's events by order, then newest first (contract 2.4). `search` is a substring of name, description or source name.

    `limit` is taken as at most 10 000. Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    limit, offset = max(1, min(limit, LARGEST_PAGE)), max(0, offset)
    branch_id = repository.find_main_branch(session, project.id)
    if branch_id is None:
        return Page([], 0, limit, offset)
    rows, total = repository.page_of_events(
        session, branch_id, search=search.replace("\x00", "").strip(), statuses=status, limit=limit, offset=offset
    )
    return Page([_view(*row) for row in rows], total, limit, offset)


def event_type_names(session: Session, actor: Actor, slug: str, *, limit: int) -> list[tuple[str, str]]:
    """(id, display name) of main's first `limit` event types in their order. For selectors. Errors: NotFound."""
    branch_id = repository.find_main_branch(session, projects.get_project(session, actor, slug).id)
    return [] if branch_id is None else repository.event_type_names(session, branch_id, limit)


def event_names(session: Session, actor: Actor, slug: str, *, limit: int) -> list[tuple[str, str]]:
    """(id, name) of main's first `limit` events as `list_events` has them, by name. For selectors. Errors: NotFound."""
    branch_id = repository.find_main_branch(session, projects.get_project(session, actor, slug).id)
    names = [] if branch_id is None else repository.event_names(session, branch_id, limit)
    return sorted(names, key=lambda pair: pair[1])


def get_event(session: Session, actor: Actor, slug: str, event_id: str) -> EventView:
    """One event of the project. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    rows = repository.events_by_id(session, project.id, [event_id])
    if not rows:
        raise NotFound("Event not found")
    return _view(*rows[0])


def events_by_id(session: Session, project_id: str, event_ids: Iterable[str]) -> dict[str, EventView]:
    """The project's events among the ids; unknown ids are left out."""
    rows = repository.events_by_id(session, project_id, list(dict.fromkeys(event_ids)))
    return {row[0].id: _view(*row) for row in rows}


def count_events(session: Session, project_id: str, *, seen_since: datetime | None = None) -> int:
    """How many events main holds; with `seen_since` those seen at or after it."""
    branch_id = repository.find_main_branch(session, project_id)
    return 0 if branch_id is None else repository.count_events(session, branch_id, seen_since=seen_since)


def _view(event: Event, event_type_name: str, event_type_color: str) -> EventView:
    return EventView(
        id=event.id,
        project_id=event.project_id,
        event_type_id=event.event_type_id,
        event_type_name=event_type_name,
        event_type_color=event_type_color,
        name=event.name,
        source_name=event.source_name,
        description=event.description,
        status=EventStatus(event.status),
        order=event.order,
        reviewed=event.reviewed,
        sunset_at=event.sunset_at,
        last_seen_at=event.last_seen_at,
        owner_id=event.owner_id,
        created_at=event.created_at,
        updated_at=event.updated_at,
    )
