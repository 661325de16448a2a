"""Routes tagged reconciliation (contract 9)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.http import PROJECT, Branch, Caller, Db, Editor
from app.reconciliation import ledger_api, service
from app.reconciliation import shapes as wire
from app.reconciliation.contracts import ShadowStatus

router = APIRouter(tags=["reconciliation"])

BASE = PROJECT + "/reconciliation"
CANDIDATE = BASE + "/shadow-events/{candidate_id}"


@router.get(BASE + "/shadow-events", operation_id="list_shadow_events")
def list_shadow_events(
    slug: str,
    session: Db,
    actor: Caller,
    status: ShadowStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> wire.ShadowEventListResponse:
    """Identities that data has and the plan does not, most frequent first."""
    found = service.list_shadow_events(session, actor, slug, status=status, limit=limit)
    return wire.ShadowEventListResponse.model_validate(found)


@router.post(CANDIDATE + "/accept", operation_id="accept_shadow_event")
def accept_shadow_event(
    slug: str, candidate_id: UUID, body: wire.ShadowEventAcceptRequest, session: Db, actor: Editor, branch: Branch
) -> wire.ShadowEventAcceptResponse:
    """Plan the candidate as a live event."""
    accepted = service.accept_shadow_event(
        session, actor, slug, str(candidate_id), event_type_id=None if body.event_type_id is None else str(body.event_type_id),
        name=body.name, branch=branch,
    )  # fmt: skip
    return wire.ShadowEventAcceptResponse.model_validate(accepted)


@router.post(CANDIDATE + "/dismiss", operation_id="dismiss_shadow_event")
def dismiss_shadow_event(slug: str, candidate_id: UUID, session: Db, actor: Editor) -> wire.ShadowEventDismissResponse:
    """Leave the candidate out of the plan for good."""
    status = service.dismiss_shadow_event(session, actor, slug, str(candidate_id))
    return wire.ShadowEventDismissResponse(candidate_id=str(candidate_id), status=status)


@router.post(CANDIDATE + "/reopen", operation_id="reopen_shadow_event")
def reopen_shadow_event(slug: str, candidate_id: UUID, session: Db, actor: Editor) -> wire.ShadowEventReopenResponse:
    """Take the decision about a candidate back; the event that accepting it made is deleted."""
    status = service.reopen_shadow_event(session, actor, slug, str(candidate_id))
    return wire.ShadowEventReopenResponse(candidate_id=str(candidate_id), status=status)


@router.get(BASE + "/dead-events", operation_id="list_dead_events")
def list_dead_events(
    slug: str, session: Db, actor: Caller, days: Annotated[int, Query(ge=1, le=365)] = 30
) -> wire.DeadEventListResponse:
    """Implemented and live events that no data came for."""
    items = [wire.DeadEventItem.model_validate(one) for one in service.list_dead_events(session, actor, slug, days=days)]
    return wire.DeadEventListResponse(items=items, total=len(items), days=days)


@router.post(BASE + "/dead-events/archive", operation_id="archive_dead_events")
def archive_dead_events(
    slug: str, body: wire.DeadEventArchiveRequest, session: Db, actor: Editor, branch: Branch
) -> wire.DeadEventArchiveResponse:
    """Retire events."""
    done = service.archive_dead_events(
        session, actor, slug, [str(one) for one in body.event_ids], status=body.status, branch=branch
    )
    return wire.DeadEventArchiveResponse(event_ids=done.event_ids, status=done.status, archived_count=len(done.event_ids))


@router.post(BASE + "/dead-events/restore", operation_id="restore_dead_events")
def restore_dead_events(
    slug: str, body: wire.DeadEventRestoreRequest, session: Db, actor: Editor, branch: Branch
) -> wire.DeadEventRestoreResponse:
    """Take the archiving of events back."""
    done = service.restore_dead_events(
        session, actor, slug, [str(one) for one in body.event_ids], status=body.status, branch=branch
    )
    return wire.DeadEventRestoreResponse(event_ids=done.event_ids, status=done.status, restored_count=len(done.event_ids))


@router.get(BASE + "/coverage", operation_id="get_coverage")
def get_coverage(
    slug: str,
    session: Db,
    actor: Caller,
    days: Annotated[int, Query(ge=1, le=180)] = 14,
    scan_config_id: UUID | None = None,
) -> wire.CoverageResponse:
    """How much of the data the plan covers, per bucket and in sum."""
    found = service.get_coverage(
        session, actor, slug, days=days, scan_config_id=None if scan_config_id is None else str(scan_config_id)
    )
    return wire.CoverageResponse(
        items=[wire.CoverageBucket.model_validate(item) for item in found.items],
        summary=wire.CoverageSummary(
            total_count=found.total_count, matched_count=found.matched_count, coverage_pct=found.coverage_pct
        ),
        days=found.days,
    )


router.routes.extend(ledger_api.router.routes)  # flat: the edge reads the path of every route
