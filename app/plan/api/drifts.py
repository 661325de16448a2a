"""Routes on drifts, tagged event-types (contract 8.3)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.http import Caller, Db, Editor
from app.plan import service
from app.plan.api.event_types import EVENT_TYPE, EVENT_TYPES
from app.plan.shapes.drifts import SchemaDriftActionRequest, SchemaDriftListResponse, SchemaDriftResponse

router = APIRouter(tags=["event-types"])


@router.get(EVENT_TYPE + "/drifts", operation_id="list_event_type_drifts")
def list_event_type_drifts(slug: str, event_type_id: UUID, session: Db, actor: Caller) -> SchemaDriftListResponse:
    """Drifts found in the last 30 days, newest first."""
    found = service.list_drifts(session, actor, slug, str(event_type_id))
    return SchemaDriftListResponse(items=[SchemaDriftResponse.model_validate(drift) for drift in found], total=len(found))


@router.post(EVENT_TYPES + "/drifts/{drift_id}/actions", operation_id="apply_schema_drift_action")
def apply_schema_drift_action(
    slug: str, drift_id: UUID, body: SchemaDriftActionRequest, session: Db, actor: Editor
) -> SchemaDriftResponse:
    """Accept, snooze, dismiss or reopen a drift; accepting one of a column changes the plan."""
    drift = service.apply_drift_action(
        session, actor, slug, str(drift_id), body.action, note=body.note, snoozed_until=body.snoozed_until
    )
    return SchemaDriftResponse.model_validate(drift)
