"""Which branch of which project a request works on (contract section 11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import BadRequest, Conflict, NotFound
from app.plan import repository
from app.plan.repository.plan_rules import rules_of
from app.plan.review import BranchStatus
from app.projects import service as projects
from app.projects.contracts import ProjectView
from models.plan import PlanBranch

_FROZEN = (BranchStatus.MERGED, BranchStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class BranchScope:
    """A project and one of its branches."""

    project: ProjectView
    branch_id: str
    is_main: bool


def main_branch_id(session: Session, project_id: str) -> str:
    """Id of the project's main branch; it is created on first use, so the session must then be a writing one."""
    found = repository.find_main_branch(session, project_id)
    if found is not None:
        return found
    branch = PlanBranch(project_id=project_id, name=repository.MAIN, kind=repository.MAIN, status=BranchStatus.MERGED)
    session.add(branch)
    session.flush()
    return branch.id


def readable_branch(session: Session, actor: Actor, slug: str, branch: str | None = None) -> BranchScope:
    """The named branch, main when `branch` is None or empty. Anybody signed in.

    Errors: NotFound for an unknown project or a branch that is not of this project, BadRequest when `branch` is no UUID.
    """
    project = projects.get_project(session, actor, slug)
    if not branch:
        # A project nobody has written to yet may lack its main branch; nothing is found under an empty id.
        return BranchScope(project, repository.find_main_branch(session, project.id) or "", is_main=True)
    row = repository.branch_of_project(session, project.id, _canonical(branch))
    if row is None:
        raise NotFound("Branch not found")
    return BranchScope(project, row.id, is_main=row.kind == repository.MAIN)


def writable_branch(
    session: Session, actor: Actor, slug: str, branch: str | None = None, *, changes_plan: bool = True
) -> BranchScope:
    """As `readable_branch`, for editors and owners, and held until the transaction ends: writers of one branch take turns.

    Errors: also Conflict when the branch is a working one that is merged or closed, and for main when the project protects it
    and the caller means to change the plan itself.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    branch_id = _canonical(branch) if branch else main_branch_id(session, project.id)
    row = repository.branch_of_project(session, project.id, branch_id, is_locked=True)
    if row is None:
        raise NotFound("Branch not found")
    is_main = row.kind == repository.MAIN
    if not is_main and row.status in _FROZEN:
        raise Conflict(f"Branch is {row.status} and cannot be changed")
    if is_main and changes_plan and rules_of(session, project.id).protects_main:
        raise Conflict("Main is protected in this project; make the change on a branch")
    return BranchScope(project, row.id, is_main)


def _canonical(branch: str) -> str:
    try:
        return str(UUID(branch))
    except ValueError:
        raise BadRequest("The query parameter branch must be a branch id (UUID)") from None
