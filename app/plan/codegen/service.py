"""Tracking code of one branch of a project."""

from __future__ import annotations

from sqlmodel import Session

from app.identity.contracts import Actor
from app.plan.codegen.kotlin import kotlin
from app.plan.codegen.model import Language, PlannedEvent, Property, TrackingCode, plan_digest
from app.plan.codegen.python_code import python_code
from app.plan.codegen.swift import swift
from app.plan.codegen.typescript import typescript
from app.plan.contracts import EventStatus
from app.plan.drafts import EventFilter
from app.plan.json_schema import literal_of
from app.plan.service.catalogue import LARGEST_PAGE
from app.plan.service.event_details import list_event_details
from app.plan.service.event_types import list_event_type_details
from app.plan.views import EventDetail, EventTypeDetail, FieldView
from app.plan.vocabulary import FieldType

_GENERATORS = {
    Language.TYPESCRIPT: ("tracking.ts", typescript),
    Language.PYTHON: ("tracking.py", python_code),
    Language.SWIFT: ("Tracking.swift", swift),
    Language.KOTLIN: ("Tracking.kt", kotlin),
}
_LEFT_OUT = (EventStatus.DEPRECATED, EventStatus.ARCHIVED)


def tracking_code(session: Session, actor: Actor, slug: str, language: Language, branch: str | None = None) -> TrackingCode:
    """A typed file with one method per event that is neither deprecated nor archived; the same text for equal plans.

    Errors: NotFound, BadRequest as `readable_branch`; Conflict when two events or properties would get one name.
    """
    events = planned_events(session, actor, slug, branch)
    filename, generate = _GENERATORS[language]
    header = (
        f"Made by Plumbline from the plan of {slug}; changes by hand are lost.\n"
        f"Plan {plan_digest(events)}, {len(events)} event{'' if len(events) == 1 else 's'}."
    )
    return TrackingCode(filename, generate(events, header))


def planned_events(session: Session, actor: Actor, slug: str, branch: str | None = None) -> list[PlannedEvent]:
    """The events that code may send, by event type and name. Errors: as `readable_branch`."""
    types = {entry.id: entry for entry in list_event_type_details(session, actor, slug, branch=branch)}
    found = list_event_details(session, actor, slug, EventFilter(), branch=branch, limit=LARGEST_PAGE)
    events = [_planned(event, types[event.event_type_id]) for event in found.items if event.status not in _LEFT_OUT]
    return sorted(events, key=lambda event: (event.event_type, event.name))


def _planned(event: EventDetail, event_type: EventTypeDetail) -> PlannedEvent:
    authored = {value.field_definition_id: value.value for value in event.field_values}
    return PlannedEvent(
        event_type=event_type.name,
        name=event.source_name or event.name,
        description=event.description,
        properties=tuple(_property(field, authored.get(field.id)) for field in event_type.field_definitions),
    )


def _property(field: FieldView, authored: str | None) -> Property:
    kind = FieldType(field.field_type)
    return Property(
        name=field.name,
        kind=kind,
        is_required=field.is_required,
        options=tuple(field.enum_options or ()) if kind is FieldType.ENUM else (),
        description=field.description or ("" if field.display_name == field.name else field.display_name),
        literal=literal_of(kind.value, authored),
    )
