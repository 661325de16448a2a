"""Drifts: recorded by scans, listed, and decided upon by people (contract 8.1 to 8.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.ids import new_id
from app.plan import drift_rules as rules
from app.plan import repository
from app.plan.branch_scope import main_branch_id, readable_branch, writable_branch
from app.plan.contracts import DriftType, ObservedDrift
from app.plan.drafts import FieldChanges, FieldDraft
from app.plan.repository import definitions
from app.plan.repository import drifts as rows
from app.plan.service import fields
from app.plan.service.trail import note as note_in_trail
from app.plan.views import DriftView
from app.plan.vocabulary import DriftAction, DriftStatus, FieldType
from app.projects import service as projects
from models.plan_drifts import SchemaDrift


def record_drifts(
    session: Session, project_id: str, scan_config_id: str | None, observed: Sequence[ObservedDrift], now: datetime
) -> int:
    """Keep what a scan found at `now` and delete what no scan found for 30 days; how many distinct drifts were kept.

    One that is known already gets the newly observed texts and moment, and keeps what people decided about it. Left out are
    event types of other projects, blank field names and names too long for a field. Of the same drift given twice the last counts.
    Values of names that main labels as sensitive, under whichever event type, are not kept: alerts would carry them out.
    """
    branch_id = main_branch_id(session, project_id)
    repository.lock_branch(session, branch_id)
    known = rows.event_types_of_project(session, project_id, {drift.event_type_id for drift in observed})
    distinct = {
        (drift.event_type_id, name, drift.drift_type): drift
        for drift in observed
        if drift.event_type_id in known and (name := _storable_name(drift.field_name))
    }
    kept = [
        {
            "id": new_id(),
            "event_type_id": event_type_id,
            "scan_config_id": scan_config_id,
            "field_name": name,
            "drift_type": drift_type.value,
            "observed_type": rules.fitting(drift.observed_type, rules.LONGEST_TYPE),
            "declared_type": rules.fitting(drift.declared_type, rules.LONGEST_TYPE),
            "sample_value": rules.fitting(drift.sample_value, rules.LONGEST_SAMPLE),
            "status": DriftStatus.OPEN.value,
            "detected_at": now,
        }
        for (event_type_id, name, drift_type), drift in distinct.items()
    ]
    rows.upsert(session, kept)
    rows.forget_sensitive_samples(session, branch_id)
    rows.prune(session, project_id, before=rules.visible_since(now))
    return len(kept)


def list_drifts(session: Session, actor: Actor, slug: str, event_type_id: str, *, now: datetime | None = None) -> list[DriftView]:
    """The event type's drifts found in the last 30 days, decided ones too, newest first; anybody signed in.

    Errors: NotFound for an unknown project or an event type that is not of this project, whatever its branch.
    """
    project = projects.get_project(session, actor, slug)
    if definitions.event_type_with_branch(session, project.id, event_type_id) is None:
        raise NotFound("Event type not found")
    since = rules.visible_since(now or SYSTEM_CLOCK.now())
    return [_view(row) for row in rows.drifts_of(session, event_type_id, since=since)]


def list_project_drifts(session: Session, actor: Actor, slug: str, *, now: datetime | None = None) -> list[DriftView]:
    """The drifts of all event types on main found in the last 30 days, decided ones too, newest first; anybody signed in.

    Errors: NotFound.
    """
    branch_id = readable_branch(session, actor, slug, None).branch_id
    since = rules.visible_since(now or SYSTEM_CLOCK.now())
    return [_view(row) for row in rows.drifts_of_branch(session, branch_id, since=since)]


def apply_drift_action(
    session: Session,
    actor: Actor,
    slug: str,
    drift_id: str,
    action: DriftAction,
    *,
    note: str | None = None,
    snoozed_until: datetime | None = None,
    field_type: FieldType | None = None,
    now: datetime | None = None,
) -> DriftView:
    """Decide about a drift; accepting a column's drift changes the plan to match the data. Editors and owners.

    A new field gets the type given, else the one inferred. A plan that matches already stays as it is. Errors: NotFound when the
    project has no such drift, InvalidInput for a snooze without an end.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    branch_id = rows.branch_of_drift(session, project.id, drift_id)
    scope = None if branch_id is None else writable_branch(session, actor, slug, branch_id)
    # Read after the branch is held: of two people who decide at once the second one sees what the first one did.
    drift = None if scope is None else rows.drift_of_branch(session, scope.branch_id, drift_id)
    if scope is None or drift is None:
        raise NotFound("Drift not found")
    triage = rules.decided(action, note=note, snoozed_until=snoozed_until, user_id=actor.user_id, now=now or SYSTEM_CLOCK.now())
    if action is DriftAction.ACCEPT:
        _change_plan(session, actor, slug, scope.branch_id, drift, field_type)
    for name, value in asdict(triage).items():
        setattr(drift, name, value)
    definitions.add(session, drift)
    note_in_trail(
        session, actor, scope, f"schema_drift.{action.value}", drift.id, event_type_id=drift.event_type_id,
        field_name=drift.field_name, drift_type=drift.drift_type, note=note,
    )  # fmt: skip
    return _view(drift)


def _change_plan(
    session: Session, actor: Actor, slug: str, branch_id: str, drift: SchemaDrift, field_type: FieldType | None
) -> None:
    """Make the event type's fields match what was observed; a broken data contract changes none of them."""
    present = fields.list_fields(session, actor, slug, drift.event_type_id, branch=branch_id)
    field = next((field for field in present if field.name == drift.field_name), None)
    drift_type = DriftType(drift.drift_type)
    wanted = rules.type_accepted(drift_type, drift.observed_type, drift.declared_type)
    match drift_type:
        case DriftType.NEW_FIELD if field is None:
            place = max((other.order for other in present), default=-1) + 1
            draft = FieldDraft(drift.field_name, drift.field_name, field_type or wanted, order=place)
            fields.create_field(session, actor, slug, drift.event_type_id, draft, branch=branch_id)
        case DriftType.TYPE_CHANGED if field is not None:
            changes: FieldChanges = {"field_type": wanted}
            fields.update_field(session, actor, slug, drift.event_type_id, field.id, changes, branch=branch_id)
        case DriftType.MISSING_FIELD if field is not None:
            fields.delete_field(session, actor, slug, drift.event_type_id, field.id, branch=branch_id)


def _storable_name(name: str) -> str:
    kept = rules.fitting(name, rules.LONGEST_NAME + 1) or ""
    return kept if kept.strip() and len(kept) <= rules.LONGEST_NAME else ""


def _view(row: SchemaDrift) -> DriftView:
    return DriftView(
        id=row.id,
        event_type_id=row.event_type_id,
        scan_config_id=row.scan_config_id,
        field_name=row.field_name,
        drift_type=DriftType(row.drift_type),
        observed_type=row.observed_type,
        declared_type=row.declared_type,
        sample_value=row.sample_value,
        status=DriftStatus(row.status),
        resolution_note=row.resolution_note,
        snoozed_until=row.snoozed_until,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        detected_at=row.detected_at,
    )
