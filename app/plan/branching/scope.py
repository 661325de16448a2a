"""Finding the branch that a route names in its path, with what may be done to it (contract 11.2)."""

from __future__ import annotations

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import BadRequest, NotFound
from app.plan import repository as plan_rows
from app.plan.branch_scope import BranchScope
from app.plan.review import BranchStatus
from app.projects import service as projects
from models.plan import PlanBranch

MAIN_IS_NOT_REVIEWED = "The main branch has no review"


def readable(session: Session, actor: Actor, slug: str, branch_id: str) -> tuple[BranchScope, PlanBranch]:
    """The branch, for anybody signed in. Errors: NotFound for an unknown project or branch."""
    return _find(session, actor, slug, branch_id, is_locked=False)


def changeable(session: Session, actor: Actor, slug: str, branch_id: str) -> tuple[BranchScope, PlanBranch]:
    """The branch, for editors and owners, and held until the transaction ends. Errors: NotFound."""
    actor.require_editor()
    return _find(session, actor, slug, branch_id, is_locked=True)


def require_working(branch: PlanBranch, message: str = MAIN_IS_NOT_REVIEWED) -> None:
    """BadRequest for main."""
    if branch.kind == plan_rows.MAIN:
        raise BadRequest(message)


def require_reviewable(branch: PlanBranch) -> None:
    """BadRequest for main, and for a branch that is merged: that one never changes again."""
    require_working(branch)
    if branch.status == BranchStatus.MERGED:
        raise BadRequest("The branch is merged already")


def _find(session: Session, actor: Actor, slug: str, branch_id: str, *, is_locked: bool) -> tuple[BranchScope, PlanBranch]:
    project = projects.get_project(session, actor, slug)
    branch = plan_rows.branch_of_project(session, project.id, branch_id, is_locked=is_locked)
    if branch is None:
        raise NotFound("Branch not found")
    return BranchScope(project, branch.id, branch.kind == plan_rows.MAIN), branch
