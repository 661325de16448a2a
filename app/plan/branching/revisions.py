"""Revisions: immutable snapshots of main (contract section 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.pagination import Page
from app.plan.branch_scope import writable_branch
from app.plan.branching import repository
from app.plan.branching.payload import payload_of, snapshot_from
from app.plan.branching.rows import load_snapshot
from app.plan.branching.views import RevisionDetail, RevisionSummary
from app.plan.diff import EntityDiff, diff
from app.plan.service.trail import note
from app.plan.snapshot import Snapshot
from app.projects import service as projects
from models.branches import PlanRevision

# Beyond it no list goes, and a database's integers end.
FURTHEST_OFFSET = 2**31 - 1


def create_revision(session: Session, actor: Actor, slug: str, summary: str = "") -> RevisionDetail:
    """A snapshot of main as it is now. Editors and owners. Errors: NotFound."""
    scope = writable_branch(session, actor, slug, changes_plan=False)
    row = store_revision(session, actor, scope.project.id, load_snapshot(session, scope.branch_id), summary)
    note(session, actor, scope, "revision.create", row.id, summary=summary)
    return _detail(row)


def store_revision(session: Session, actor: Actor, project_id: str, plan: Snapshot, summary: str) -> PlanRevision:
    """Write the plan down as a revision of the project."""
    row = PlanRevision(
        project_id=project_id,
        summary=summary,
        payload=payload_of(plan),
        entity_counts=dict(plan.counts()),
        created_by=actor.user_id,
        created_at=SYSTEM_CLOCK.now(),
    )
    repository.add(session, row)
    return row


def list_revisions(session: Session, actor: Actor, slug: str, *, limit: int, offset: int) -> Page[RevisionSummary]:
    """Revisions without their payload, newest first. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    rows, total = repository.page_of_revisions(session, project.id, limit=limit, offset=min(offset, FURTHEST_OFFSET))
    return Page([_summary(row) for row in rows], total, limit, offset)


def newest_revision_id(session: Session, project_id: str) -> str | None:
    """The id of the project's newest revision, None before there is one. For the ingest: it has no actor to ask for rights."""
    return repository.newest_revision_id(session, project_id)


def get_revision(session: Session, actor: Actor, slug: str, revision_id: str) -> RevisionDetail:
    """One revision. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    return _detail(_find(session, project.id, revision_id))


def diff_revisions(session: Session, actor: Actor, slug: str, revision_id: str, compare_to: str) -> list[EntityDiff]:
    """What changed from `compare_to`, the old side, to the revision. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    new = _find(session, project.id, revision_id)
    old = _find(session, project.id, compare_to)
    return diff(snapshot_from(old.payload), snapshot_from(new.payload))


def _find(session: Session, project_id: str, revision_id: str) -> PlanRevision:
    row = repository.revision(session, project_id, revision_id)
    if row is None:
        raise NotFound("Revision not found")
    return row


def _summary(row: Mapping[str, Any]) -> RevisionSummary:
    return RevisionSummary(
        id=row["id"],
        project_id=row["project_id"],
        summary=row["summary"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        entity_counts=row["entity_counts"],
    )


def _detail(row: PlanRevision) -> RevisionDetail:
    return RevisionDetail(_summary(row.model_dump(exclude={"payload"})), row.payload)
