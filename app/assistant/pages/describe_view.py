"""Suggested descriptions of an event or an event type, and taking one of them into the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from app.assistant.assist import Description
from app.identity.contracts import Actor
from app.kernel.errors import NotFound
from app.plan import service as plan
from app.plan.drafts import EventChanges, EventTypeChanges, FieldChanges

SUBJECT: Final = "subject"
"""Stands for the event or event type itself where suggestions for its fields go by the field's name."""


@dataclass(frozen=True)
class SuggestionRow:
    """One description the model suggests, beside the one there is."""

    key: str
    label: str
    present: str
    suggested: str


@dataclass(frozen=True, slots=True)
class Present:
    """What the plan says now: the subject's name and description, and those of the type's fields."""

    name: str
    description: str
    event_type_id: str
    fields: Mapping[str, tuple[str, str]]


def present_of(session: Session, actor: Actor, slug: str, *, event_id: str, event_type_id: str, branch: str) -> Present:
    """The plan's own words for an event, or for an event type when `event_id` is empty. Errors: NotFound, BadRequest."""
    event = plan.get_event_detail(session, actor, slug, event_id, branch=branch) if event_id else None
    kind = plan.get_event_type(session, actor, slug, event.event_type_id if event else event_type_id, branch=branch)
    return Present(
        name=event.name if event else kind.display_name,
        description=event.description if event else kind.description,
        event_type_id=kind.id,
        fields={field.name: (field.id, field.description) for field in kind.field_definitions},
    )


def suggestion_rows(found: Description, present: Present) -> list[SuggestionRow]:
    """What differs from the plan as it is, the subject first."""
    rows = [SuggestionRow(SUBJECT, present.name, present.description, found.description.strip())]
    rows += [
        SuggestionRow(item.field_name, f"Field {item.field_name}", present.fields[item.field_name][1], item.description.strip())
        for item in found.field_suggestions
        if item.field_name in present.fields
    ]
    return [row for row in rows if row.suggested and row.suggested != row.present]


def take_suggestion(
    session: Session, actor: Actor, slug: str, row: SuggestionRow, *, event_id: str, event_type_id: str, branch: str
) -> None:
    """Write one suggestion into the plan. Editors. Errors: NotFound and what the plan refuses."""
    present = present_of(session, actor, slug, event_id=event_id, event_type_id=event_type_id, branch=branch)
    if row.key != SUBJECT:
        if row.key not in present.fields:
            raise NotFound("The field is not there any more")
        field = FieldChanges(description=row.suggested)
        plan.update_field(session, actor, slug, present.event_type_id, present.fields[row.key][0], field, branch=branch)
    elif event_id:
        plan.update_event(session, actor, slug, event_id, EventChanges(description=row.suggested), branch=branch)
    else:
        changes = EventTypeChanges(description=row.suggested)
        plan.update_event_type(session, actor, slug, present.event_type_id, changes, branch=branch)
