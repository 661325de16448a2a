"""Events in full: listed, read, described as JSON Schema, and their history (contract 2.3, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.pagination import Page
from app.plan.branch_scope import readable_branch
from app.plan.contracts import EventStatus
from app.plan.drafts import EventFilter
from app.plan.drift_rules import visible_since
from app.plan.json_schema import FieldRule, json_schema
from app.plan.repository import definitions, drifts
from app.plan.repository import events as rows
from app.plan.service.catalogue import DEFAULT_PAGE, LARGEST_PAGE
from app.plan.views import (
    EventChangeView,
    EventDetail,
    EventSortKey,
    EventTypeBrief,
    FieldValueView,
    MetaValueView,
    TagView,
    VariableValueView,
)
from app.plan.vocabulary import ValueKind
from models.plan_entities import FieldDefinition, VariableContext

FURTHEST_OFFSET = 2**31 - 1


def list_event_details(
    session: Session,
    actor: Actor,
    slug: str,
    wanted: EventFilter | None = None,
    *,
    branch: str | None = None,
    limit: int = DEFAULT_PAGE,
    offset: int = 0,
    now: datetime | None = None,
) -> Page[EventDetail]:
    """The branch's events by order, then newest first, at most 10 000 at once. The number of queries is fixed.

    Only this list counts the active drifts of each event's type (`drift_count`); anywhere else the count is 0.
    Errors: NotFound, BadRequest as `readable_branch`.
    """
    scope = readable_branch(session, actor, slug, branch)
    limit, offset = max(1, min(limit, LARGEST_PAGE)), max(0, min(offset, FURTHEST_OFFSET))
    now = now or SYSTEM_CLOCK.now()
    found, total = rows.filtered_page(session, scope.branch_id, _tidy(wanted or EventFilter()), now=now, limit=limit, offset=offset)
    event_type_ids = {row[0].event_type_id for row in found}
    counts = drifts.active_counts(session, event_type_ids, now=now, since=visible_since(now))
    return Page(details_of(session, found, counts), total, limit, offset)


def list_sort_keys(
    session: Session, actor: Actor, slug: str, wanted: EventFilter, *, branch: str | None = None, now: datetime | None = None
) -> list[EventSortKey]:
    """What a list orders by, of every event that matches, in no order. Cheap also for a plan of ten thousand events.

    Errors: NotFound, BadRequest as `readable_branch`.
    """
    scope = readable_branch(session, actor, slug, branch)
    found = rows.sorting_rows(session, scope.branch_id, _tidy(wanted), now=now or SYSTEM_CLOCK.now())
    return [EventSortKey(*row) for row in found]


def get_event_detail(session: Session, actor: Actor, slug: str, event_id: str, *, branch: str | None = None) -> EventDetail:
    """One event of the branch. Errors: NotFound, BadRequest as `readable_branch`."""
    scope = readable_branch(session, actor, slug, branch)
    return details_by_id(session, scope.branch_id, [event_id])[0]


def list_tags(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> list[str]:
    """Every tag in use on the branch, by name. Errors: NotFound, BadRequest as `readable_branch`."""
    return rows.distinct_tags(session, readable_branch(session, actor, slug, branch).branch_id)


def get_event_history(
    session: Session, actor: Actor, slug: str, event_id: str, *, branch: str | None = None
) -> list[EventChangeView]:
    """What people changed in the event, newest first. Errors: NotFound, BadRequest as `readable_branch`."""
    event = get_event_detail(session, actor, slug, event_id, branch=branch)
    return [
        EventChangeView(
            id=change.id,
            event_id=change.event_id,
            user_id=change.user_id,
            user_email=email,
            field=change.field_name,
            old_value=change.old_value,
            new_value=change.new_value,
            created_at=change.created_at,
        )
        for change, email in rows.changes_of(session, event.id)
    ]


def event_json_schema(session: Session, actor: Actor, slug: str, event_id: str, *, branch: str | None = None) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the event's payload. Errors: NotFound, BadRequest as `readable_branch`."""
    event = get_event_detail(session, actor, slug, event_id, branch=branch)
    authored = {value.field_definition_id: value.value for value in event.field_values}
    fields = definitions.fields_of(session, [event.event_type_id])[event.event_type_id]
    rules = [_rule(field, authored.get(field.id)) for field in fields]
    return json_schema(event.event_type.name, event.name, event.description, rules)


def details_by_id(session: Session, branch_id: str, event_ids: Sequence[str]) -> list[EventDetail]:
    """The branch's events in the order of the ids. NotFound when one of them is missing."""
    found = rows.events_of_branch(session, branch_id, event_ids)
    if any(event_id not in found for event_id in event_ids):
        raise NotFound("Event not found")
    return details_of(session, [found[event_id] for event_id in event_ids])


def details_of(
    session: Session, found: Sequence[rows.EventRow], drift_counts: Mapping[str, int] = MappingProxyType({})
) -> list[EventDetail]:
    """The events with their tags and values, in the same order; `drift_counts` are by event type id."""
    ids = [row[0].id for row in found]
    tags, fields = rows.tags_of(session, ids), rows.field_values_of(session, ids)
    metas, contexts = rows.meta_values_of(session, ids), rows.contexts_of(session, ids)
    return [
        EventDetail(
            id=event.id,
            project_id=event.project_id,
            event_type_id=event.event_type_id,
            event_type=EventTypeBrief(event.event_type_id, type_name, type_display_name, type_color),
            name=event.name,
            source_name=event.source_name,
            description=event.description,
            order=event.order,
            status=EventStatus(event.status),
            sunset_at=event.sunset_at,
            last_seen_at=event.last_seen_at,
            owner_id=event.owner_id,
            reviewed=event.reviewed,
            metric_breakdown_columns=event.metric_breakdown_columns,
            drift_count=drift_counts.get(event.event_type_id, 0),
            tags=[TagView(tag.id, tag.name) for tag in tags.get(event.id, ())],
            field_values=[
                FieldValueView(
                    id=value.id,
                    field_definition_id=value.field_definition_id,
                    value=value.value,
                    is_authored=value.is_authored,
                    variable_values=[
                        _variable_value(*context) for context in contexts.get((event.id, value.field_definition_id), ())
                    ],
                )
                for value, _ in fields.get(event.id, ())
            ],
            meta_values=[MetaValueView(value.id, value.meta_field_id, value.value) for value, _ in metas.get(event.id, ())],
            created_at=event.created_at,
            updated_at=event.updated_at,
        )
        for event, type_name, type_display_name, type_color in found
    ]


def _variable_value(context: VariableContext, variable_name: str) -> VariableValueView:
    return VariableValueView(
        id=context.id,
        variable_id=context.variable_id,
        variable_name=variable_name,
        source_column=context.source_column,
        value_kind=ValueKind(context.value_kind),
        observed_count=context.observed_count,
        values=context.values,
    )


def _tidy(wanted: EventFilter) -> EventFilter:
    """The filter as stored values can match it: PostgreSQL keeps no NUL in text, and tags are stored trimmed and lower-cased."""
    return replace(
        wanted,
        search=_plain(wanted.search).strip(),
        statuses=[_plain(status) for status in wanted.statuses],
        tag=_plain(wanted.tag).strip().lower(),
        field_value=_plain(wanted.field_value),
        meta_value=_plain(wanted.meta_value),
    )


def _plain(text: str) -> str:
    return text.replace("\x00", "")


def _rule(field: FieldDefinition, authored: str | None) -> FieldRule:
    return FieldRule(
        name=field.name,
        display_name=field.display_name,
        description=field.description,
        field_type=field.field_type,
        is_required=field.is_required,
        enum_options=tuple(field.enum_options or ()),
        regex=field.contract_regex,
        minimum=field.contract_min_value,
        maximum=field.contract_max_value,
        sensitivity=field.sensitivity,
        authored=authored,
    )
