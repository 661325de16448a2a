"""Branches: listed, made as deep copies of main, compared with it, deleted (contract 11.1, 11.3)."""

from __future__ import annotations

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.pagination import Page
from app.plan import repository as plan_rows
from app.plan.branch_scope import BranchScope, writable_branch
from app.plan.branching import repository
from app.plan.branching.copying import copy_plan
from app.plan.branching.payload import snapshot_from
from app.plan.branching.revisions import store_revision
from app.plan.branching.rows import load, load_snapshot, snapshot_of
from app.plan.branching.scope import changeable, readable, require_working
from app.plan.branching.views import ApprovalView, BranchDetail, BranchDiff, BranchView, ReviewerView
from app.plan.diff import diff
from app.plan.photos import repository as photos
from app.plan.photos.storage import StoredFile
from app.plan.review import BranchStatus
from app.plan.service.trail import note
from app.plan.snapshot import Snapshot
from app.projects import service as projects
from models.plan import PlanBranch

WORKING = "working"
LONGEST_NAME = 255


def list_branches(session: Session, actor: Actor, slug: str) -> Page[BranchView]:
    """Main first, then the newest. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    rows = repository.branches(session, project.id)
    return Page([view_of(row) for row in rows], repository.count_branches(session, project.id), len(rows), 0)


def create_branch(session: Session, actor: Actor, slug: str, name: str, description: str = "") -> BranchView:
    """A branch that holds everything main holds now, under fresh ids, with a base revision. Editors and owners.

    Errors: NotFound; InvalidInput for a name that is blank, too long or main's; Conflict for one that is taken.
    """
    scope = writable_branch(session, actor, slug, changes_plan=False)
    name = _checked_name(name)
    if repository.is_branch_name_taken(session, scope.project.id, name):
        raise Conflict(f"A branch named {name} exists")
    rows = load(session, scope.branch_id)
    base = store_revision(session, actor, scope.project.id, snapshot_of(rows), f"Base of branch {name}")
    branch = PlanBranch(
        project_id=scope.project.id,
        name=name,
        kind=WORKING,
        status=BranchStatus.DRAFT,
        description=description,
        base_revision_id=base.id,
        created_by=actor.user_id,
    )
    repository.add(session, branch)
    copy_plan(session, rows, scope.branch_id, branch.id)
    note(session, actor, BranchScope(scope.project, branch.id, is_main=False), "branch.create", branch.id, name=name)
    return view_of(branch)


def get_branch(session: Session, actor: Actor, slug: str, branch_id: str) -> BranchDetail:
    """One branch with its review. Errors: NotFound."""
    return detail_of(session, readable(session, actor, slug, branch_id)[1])


def delete_branch(session: Session, actor: Actor, slug: str, branch_id: str) -> list[StoredFile]:
    """Delete the branch with everything in it. Editors and owners.

    Returns the files of its photos; hand them to `photos.files.remove_unreferenced` after the commit.
    Errors: NotFound; BadRequest for main.
    """
    scope, branch = changeable(session, actor, slug, branch_id)
    require_working(branch, "The main branch cannot be deleted")
    stored = photos.files_of_branch(session, branch.id)
    note(session, actor, scope, "branch.delete", branch.id, name=branch.name)
    repository.remove(session, branch)
    return stored


def diff_branch(session: Session, actor: Actor, slug: str, branch_id: str) -> BranchDiff:
    """What separates main as it is now, the old side, from the branch. Errors: NotFound; BadRequest for main."""
    scope, branch = readable(session, actor, slug, branch_id)
    require_working(branch, "The main branch has nothing to be compared with")
    main = load_snapshot(session, plan_rows.find_main_branch(session, scope.project.id) or "")
    base = base_of(session, branch)
    return BranchDiff(diff(main, load_snapshot(session, branch.id)), is_behind_base=bool(diff(base, main)))


def base_of(session: Session, branch: PlanBranch) -> Snapshot:
    """Main as it was when the branch was made; nothing at all when that revision is gone, so that every difference asks."""
    row = repository.revision(session, branch.project_id, branch.base_revision_id) if branch.base_revision_id else None
    return snapshot_from(row.payload) if row is not None else Snapshot(())


def view_of(row: PlanBranch) -> BranchView:
    """The row as others see it."""
    return BranchView(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        kind=row.kind,
        status=BranchStatus(row.status),
        description=row.description,
        base_revision_id=row.base_revision_id,
        created_by=row.created_by,
        merged_at=row.merged_at,
        merged_by=row.merged_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def detail_of(session: Session, row: PlanBranch) -> BranchDetail:
    """The row with its review."""
    return BranchDetail(
        view_of(row),
        [ReviewerView(found.id, found.user_id, found.created_at) for found in repository.reviewers(session, row.id)],
        [ApprovalView(found.user_id, found.approved_at) for found in repository.approvals(session, row.id)],
    )


def _checked_name(name: str) -> str:
    tidy = name.strip()
    if not tidy:
        raise InvalidInput("A branch name must not be blank", field="name")
    if tidy.lower() == plan_rows.MAIN:
        raise InvalidInput("The name main is taken by the main branch", field="name")
    if len(tidy) > LONGEST_NAME:
        raise InvalidInput(f"A branch name has at most {LONGEST_NAME} characters", field="name")
    return tidy
