"""What the page of an event type shows, as plain rows, and what its forms hand in."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor
from app.plan import service as plan
from app.plan.drafts import EventFilter, EventTypeChanges, FieldChanges, FieldDraft
from app.plan.pages.words import Form, is_ticked, lines_of, number_of, plain, plural, share_of, text_of
from app.plan.views import FieldView
from app.plan.vocabulary import FieldType, Sensitivity


@dataclass(frozen=True)
class FieldRow:
    """A field as the table and its details show it; shares are percentages."""

    id: str
    name: str
    display_name: str
    field_type: str
    is_required: bool
    sensitivity: str
    description: str
    options: str
    regex: str
    low: str
    high: str
    null_rate: str
    bad_rate: str
    rules: str
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class EventTypeView:
    """The event type; `events_href` lists its events."""

    name: str = ""
    display_name: str = ""
    description: str = ""
    color: str = "#6366f1"
    event_count: str = ""
    events_href: str = ""
    fields: list[FieldRow] = field(default_factory=list)


def event_type_view(session: Session, actor: Actor, slug: str, event_type_id: str, branch: str) -> EventTypeView:
    """The page's data in one read. Errors: NotFound."""
    found = plan.get_event_type(session, actor, slug, event_type_id, branch=branch)
    events = plan.list_event_details(session, actor, slug, EventFilter(event_type_id=event_type_id), branch=branch, limit=1)
    query = ui_paths.branch_query(branch)
    last = len(found.field_definitions) - 1
    return EventTypeView(
        name=found.name,
        display_name=found.display_name,
        description=found.description,
        color=found.color,
        event_count=plural(events.total, "event"),
        events_href=f"{ui_paths.project_events(slug)}{query}{'&' if query else '?'}type={event_type_id}",
        fields=[_row(entry, index == 0, index == last) for index, entry in enumerate(found.field_definitions)],
    )


def _row(entry: FieldView, is_first: bool, is_last: bool) -> FieldRow:
    return FieldRow(
        id=entry.id,
        name=entry.name,
        display_name=entry.display_name,
        field_type=entry.field_type.value,
        is_required=entry.is_required,
        sensitivity=entry.sensitivity.value,
        description=entry.description,
        options="\n".join(entry.enum_options or ()),
        regex=entry.contract_regex or "",
        low=plain(entry.contract_min_value),
        high=plain(entry.contract_max_value),
        null_rate=plain(entry.contract_required_max_null_rate, scale=100),
        bad_rate=plain(entry.contract_max_bad_rate or None, scale=100),
        rules="; ".join(rules_of(entry)),
        is_first=is_first,
        is_last=is_last,
    )


def rules_of(entry: FieldView) -> list[str]:
    """The data contract of a field in words."""
    options = entry.enum_options or ()
    rules = [f"one of {', '.join(options[:4])}{f' and {len(options) - 4} more' if len(options) > 4 else ''}"] if options else []
    if entry.contract_regex:
        rules.append(f"matches {entry.contract_regex}")
    low, high = plain(entry.contract_min_value), plain(entry.contract_max_value)
    if low and high:
        rules.append(f"from {low} to {high}")
    elif low or high:
        rules.append(f"at least {low}" if low else f"at most {high}")
    if entry.contract_required_max_null_rate is not None:
        rules.append(f"missing in at most {plain(entry.contract_required_max_null_rate, scale=100)}\u00a0%")
    if entry.contract_max_bad_rate:
        rules.append(f"up to {plain(entry.contract_max_bad_rate, scale=100)}\u00a0% may break this")
    return rules


def field_draft(form: Form) -> FieldDraft:
    """The field that the dialog describes. InvalidInput at the field of the form."""
    name = text_of(form, "name")
    return FieldDraft(
        name=name,
        display_name=text_of(form, "display_name") or name,
        field_type=FieldType(text_of(form, "field_type") or "string"),
        is_required=is_ticked(form, "is_required"),
        enum_options=lines_of(form, "enum_options") or None,
        description=text_of(form, "description"),
        sensitivity=Sensitivity(text_of(form, "sensitivity") or "none"),
    )


def detail_changes(form: Form) -> FieldChanges:
    """What the details of a field ask for. InvalidInput at the field of the form."""
    return {
        "field_type": FieldType(text_of(form, "field_type")),
        "description": text_of(form, "description"),
        "enum_options": lines_of(form, "enum_options") or None,
        "contract_regex": text_of(form, "contract_regex") or None,
        "contract_min_value": number_of(form, "contract_min_value"),
        "contract_max_value": number_of(form, "contract_max_value"),
        "contract_required_max_null_rate": share_of(form, "contract_required_max_null_rate"),
        "contract_max_bad_rate": share_of(form, "contract_max_bad_rate") or 0.0,
    }


def definition_changes(form: Form) -> EventTypeChanges:
    """What the form about the event type itself asks for."""
    return {
        "display_name": text_of(form, "display_name"),
        "description": text_of(form, "description"),
        "color": text_of(form, "color"),
    }


def field_consequences(session: Session, actor: Actor, slug: str, event_type_id: str, field_id: str, branch: str) -> list[str]:
    """What deleting a field takes along, as sentences."""
    events = plan.list_event_details(
        session, actor, slug, EventFilter(event_type_id=event_type_id), branch=branch, limit=plan.LARGEST_PAGE
    )
    using = sum(any(value.field_definition_id == field_id for value in event.field_values) for event in events.items)
    relations = plan.list_relations(session, actor, slug, branch=branch)
    joined = sum(field_id in (relation.source_field_id, relation.target_field_id) for relation in relations)
    lines = [f"The values that {plural(using, 'event')} give it"] if using else []
    return lines + ([f"{plural(joined, 'relation')} through it"] if joined else [])
