"""Routes tagged audit (contract section 17)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from app.http import Caller, Db, note_use
from app.identity import service
from app.identity.contracts import AuditFilter

router = APIRouter(tags=["audit"])

AUDIT = "/api/v1/audit"


class AuditEntryResponse(BaseModel):
    """One change somebody made; `project_slug` is empty for the instance."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    user_id: UUID | None
    user_email: str
    project_id: UUID | None
    project_slug: str
    action: str
    target_type: str
    target_id: UUID | None
    target_name: str
    payload: dict[str, object]


class AuditListResponse(BaseModel):
    """Entries, newest first, and how many there are."""

    items: list[AuditEntryResponse]
    total: int


@router.get(AUDIT, operation_id="list_audit")
def list_audit(
    session: Db,
    actor: Caller,
    project_slug: str | None = None,
    action: str | None = None,
    user_id: UUID | None = None,
    user_email: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    include_reads: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> AuditListResponse:
    """Who changed what; looks at this log are entries too, shown with `include_reads` or by their action. Owners."""
    wanted = AuditFilter(
        project_slug=project_slug,
        action=action,
        user_id=str(user_id) if user_id else None,
        user_email=user_email,
        since=_aware(since),
        until=_aware(until),
        has_reads=include_reads,
    )
    items, total = service.list_audit(session, actor, wanted, limit=limit, offset=offset)
    note_use(actor, "audit.read", "audit", "list", payload=service.shown_filter(wanted, limit, offset))
    return AuditListResponse(items=[AuditEntryResponse.model_validate(item) for item in items], total=total)


@router.get(AUDIT + "/actions", operation_id="list_audit_actions")
def list_audit_actions(session: Db, actor: Caller) -> list[str]:
    """Every action there is an entry of. Owners."""
    return service.list_audit_actions(session, actor)


@router.get(AUDIT + "/{entry_id}", operation_id="get_audit_entry")
def get_audit_entry(entry_id: UUID, session: Db, actor: Caller) -> AuditEntryResponse:
    """One entry. Owners."""
    entry = AuditEntryResponse.model_validate(service.get_audit_entry(session, actor, str(entry_id)))
    note_use(actor, "audit.read", "audit", str(entry_id))
    return entry


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
