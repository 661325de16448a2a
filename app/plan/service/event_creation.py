"""Many events made at once: all of them or, when one does not fit, none (contract 2.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from app.plan import repository
from app.plan.branch_scope import BranchScope
from app.plan.drafts import EventDraft, Values
from app.plan.repository import definitions
from app.plan.repository import events as rows
from app.plan.rules import checked_breakdown_columns, checked_name, checked_tags, checked_values
from app.plan.service.event_rules import check_identities, check_owner
from app.plan.service.plan_rules import check_event_names
from models.plan import Event
from models.plan_entities import EventChange, EventFieldValue, EventMetaValue, EventTag, FieldDefinition, MetaField


def insert_drafts(session: Session, actor: Actor, scope: BranchScope, drafts: Sequence[EventDraft]) -> list[str]:
    """Ids of the new events, in the order of the drafts, at the end of the branch's order.

    Errors: NotFound for an unknown event type, InvalidInput for values that do not fit, Conflict when a name is taken.
    """
    type_ids = {draft.event_type_id for draft in drafts}
    if type_ids - definitions.event_types_among(session, scope.branch_id, type_ids).keys():
        raise NotFound("Event type not found")
    for owner_id in {draft.owner_id for draft in drafts}:
        check_owner(session, owner_id)
    check_identities(session, scope, [(draft.event_type_id, checked_name(draft.name)) for draft in drafts])
    check_event_names(session, scope.project.id, (draft.name for draft in drafts))
    fields = {key: {row.id: row for row in found} for key, found in definitions.fields_of(session, type_ids).items()}
    metas = {row.id: row for row in definitions.meta_fields(session, scope.branch_id)}
    first_order = repository.highest_order(session, scope.branch_id, Event) + 1
    batch = _Batch(actor, scope, SYSTEM_CLOCK.now())
    ids = [
        batch.take(draft, fields.get(draft.event_type_id, {}), metas, order=first_order + index)
        for index, draft in enumerate(drafts)
    ]
    batch.write(session)
    return ids


class _Batch:
    """Rows of the new events by table, written with one statement each."""

    def __init__(self, actor: Actor, scope: BranchScope, now: datetime) -> None:
        self._actor = actor
        self._scope = scope
        self._now = now
        self._events: list[dict[str, Any]] = []
        self._tags: list[dict[str, Any]] = []
        self._field_values: list[dict[str, Any]] = []
        self._meta_values: list[dict[str, Any]] = []
        self._changes: list[dict[str, Any]] = []

    def take(self, draft: EventDraft, fields: Mapping[str, FieldDefinition], metas: Mapping[str, MetaField], *, order: int) -> str:
        """The id of the event that the draft becomes. InvalidInput when it does not fit."""
        event_id = new_id()
        self._events.append(
            {
                "id": event_id,
                "project_id": self._scope.project.id,
                "branch_id": self._scope.branch_id,
                "event_type_id": draft.event_type_id,
                "name": draft.name,
                "source_name": draft.source_name,
                "description": draft.description,
                "order": order,
                "status": draft.status.value,
                "reviewed": draft.reviewed,
                "sunset_at": draft.sunset_at,
                "owner_id": draft.owner_id,
                "metric_breakdown_columns": checked_breakdown_columns(draft.metric_breakdown_columns),
                "created_at": self._now,
                "updated_at": self._now,
            }
        )
        self._tags += [{"id": new_id(), "event_id": event_id, "name": tag} for tag in checked_tags(draft.tags)]
        self._field_values += [
            {"id": new_id(), "event_id": event_id, "field_definition_id": key, "value": value, "is_authored": True}
            for key, value in checked_values(draft.field_values, fields, field="field_values", what="field").items()
        ]
        meta_values = checked_values(_with_defaults(draft.meta_values, metas), metas, field="meta_values", what="meta field")
        self._meta_values += [
            {"id": new_id(), "event_id": event_id, "meta_field_id": key, "value": value} for key, value in meta_values.items()
        ]
        self._changes.append(
            {
                "id": new_id(),
                "event_id": event_id,
                "user_id": self._actor.user_id,
                "field_name": "created",
                "old_value": None,
                "new_value": draft.name,
                "created_at": self._now,
            }
        )
        return event_id

    def write(self, session: Session) -> None:
        """Insert everything taken so far."""
        for table, found in (
            (Event, self._events),
            (EventTag, self._tags),
            (EventFieldValue, self._field_values),
            (EventMetaValue, self._meta_values),
            (EventChange, self._changes),
        ):
            rows.insert_rows(session, table, found)


def _with_defaults(values: Values, metas: Mapping[str, MetaField]) -> Values:
    """The values, and the defaults of required meta fields that the draft leaves out."""
    given = {key for key, _ in values}
    defaults = [
        (meta.id, meta.default_value) for meta in metas.values() if meta.is_required and meta.default_value and meta.id not in given
    ]
    return [*values, *defaults]
