"""Routes tagged plan-revisions (contract section 10)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.http import PROJECT, Caller, Db, Editor
from app.plan.branching import service
from app.plan.diff import summary
from app.plan.shapes.branches import PlanDiffSummary, diff_entries
from app.plan.shapes.revisions import (
    PlanDiff,
    PlanRevisionCreate,
    PlanRevisionDetail,
    PlanRevisionList,
    PlanRevisionSummary,
    revision_detail,
)

router = APIRouter(tags=["plan-revisions"])

REVISIONS = PROJECT + "/revisions"


@router.post(REVISIONS, operation_id="create_revision", status_code=201)
def create_revision(slug: str, body: PlanRevisionCreate, session: Db, actor: Editor) -> PlanRevisionDetail:
    """Write main down as it is now."""
    return revision_detail(service.create_revision(session, actor, slug, body.summary))


@router.get(REVISIONS, operation_id="list_revisions")
def list_revisions(
    slug: str,
    session: Db,
    actor: Caller,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PlanRevisionList:
    """Revisions without their payload, newest first."""
    page = service.list_revisions(session, actor, slug, limit=limit, offset=offset)
    return PlanRevisionList(items=[PlanRevisionSummary.model_validate(found) for found in page.items], total=page.total)


@router.get(REVISIONS + "/{revision_id}", operation_id="get_revision")
def get_revision(slug: str, revision_id: UUID, session: Db, actor: Caller) -> PlanRevisionDetail:
    """One revision."""
    return revision_detail(service.get_revision(session, actor, slug, str(revision_id)))


@router.get(REVISIONS + "/{revision_id}/diff", operation_id="diff_revision")
def diff_revision(slug: str, revision_id: UUID, compare_to: UUID, session: Db, actor: Caller) -> PlanDiff:
    """What changed from `compare_to`, the old side, to the revision."""
    entries = service.diff_revisions(session, actor, slug, str(revision_id), str(compare_to))
    return PlanDiff(
        revision_id=str(revision_id),
        compare_to=str(compare_to),
        entries=diff_entries(entries),
        summary=PlanDiffSummary.model_validate(summary(entries)),
    )
