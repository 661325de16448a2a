"""Routes tagged plan-branches (contract section 11)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, BackgroundTasks

from app.http import PROJECT, Caller, Db, Editor
from app.plan.branching import service
from app.plan.photos import files
from app.plan.shapes.branches import (
    BranchCommentCreate,
    BranchCommentResponse,
    BranchConflictsResponse,
    BranchReviewerCreate,
    BranchReviewerResponse,
    BranchTransitionRequest,
    PlanBranchCreate,
    PlanBranchDetailResponse,
    PlanBranchDiff,
    PlanBranchList,
    PlanBranchResponse,
    ResolutionCreate,
    ResolutionResponse,
    branch_conflicts,
    branch_detail,
    branch_diff,
)

router = APIRouter(tags=["plan-branches"])

BRANCHES = PROJECT + "/branches"
BRANCH = BRANCHES + "/{branch_id}"


@router.get(BRANCHES, operation_id="list_branches")
def list_branches(slug: str, session: Db, actor: Caller) -> PlanBranchList:
    """Main first, then the newest."""
    page = service.list_branches(session, actor, slug)
    return PlanBranchList(items=[PlanBranchResponse.model_validate(found) for found in page.items], total=page.total)


@router.post(BRANCHES, operation_id="create_branch", status_code=201)
def create_branch(slug: str, body: PlanBranchCreate, session: Db, actor: Editor) -> PlanBranchResponse:
    """Make a branch that holds everything main holds now."""
    return PlanBranchResponse.model_validate(service.create_branch(session, actor, slug, body.name, body.description))


@router.get(BRANCH, operation_id="get_branch")
def get_branch(slug: str, branch_id: UUID, session: Db, actor: Caller) -> PlanBranchDetailResponse:
    """One branch with its review."""
    return branch_detail(service.get_branch(session, actor, slug, str(branch_id)))


@router.delete(BRANCH, operation_id="delete_branch", status_code=204)
def delete_branch(slug: str, branch_id: UUID, session: Db, actor: Editor, background: BackgroundTasks) -> None:
    """Delete the branch with everything in it."""
    stored = service.delete_branch(session, actor, slug, str(branch_id))
    background.add_task(files.remove_unreferenced, stored)  # runs after the commit and after the answer


@router.post(BRANCH + "/transition", operation_id="transition_branch")
def transition_branch(
    slug: str, branch_id: UUID, body: BranchTransitionRequest, session: Db, actor: Editor
) -> PlanBranchDetailResponse:
    """Move the review along."""
    return branch_detail(service.transition_branch(session, actor, slug, str(branch_id), body.action))


@router.post(BRANCH + "/reviewers", operation_id="add_reviewer", status_code=201)
def add_reviewer(slug: str, branch_id: UUID, body: BranchReviewerCreate, session: Db, actor: Editor) -> BranchReviewerResponse:
    """Ask somebody to review; asking again answers what is there."""
    found = service.add_reviewer(session, actor, slug, str(branch_id), str(body.user_id))
    return BranchReviewerResponse.model_validate(found)


@router.delete(BRANCH + "/reviewers/{user_id}", operation_id="remove_reviewer", status_code=204)
def remove_reviewer(slug: str, branch_id: UUID, user_id: UUID, session: Db, actor: Editor) -> None:
    """Ask them no longer."""
    service.remove_reviewer(session, actor, slug, str(branch_id), str(user_id))


@router.get(BRANCH + "/comments", operation_id="list_comments")
def list_comments(slug: str, branch_id: UUID, session: Db, actor: Caller) -> list[BranchCommentResponse]:
    """The discussion, oldest first."""
    found = service.list_comments(session, actor, slug, str(branch_id))
    return [BranchCommentResponse.model_validate(comment) for comment in found]


@router.post(BRANCH + "/comments", operation_id="create_comment", status_code=201)
def create_comment(slug: str, branch_id: UUID, body: BranchCommentCreate, session: Db, actor: Editor) -> BranchCommentResponse:
    """Remark, or reply to a remark."""
    parent_id = None if body.parent_id is None else str(body.parent_id)
    found = service.create_comment(session, actor, slug, str(branch_id), body.body, parent_id)
    return BranchCommentResponse.model_validate(found)


@router.delete(BRANCH + "/comments/{comment_id}", operation_id="delete_comment", status_code=204)
def delete_comment(slug: str, branch_id: UUID, comment_id: UUID, session: Db, actor: Editor) -> None:
    """Delete the remark with its replies."""
    service.delete_comment(session, actor, slug, str(branch_id), str(comment_id))


@router.get(BRANCH + "/diff", operation_id="diff_branch")
def diff_branch(slug: str, branch_id: UUID, session: Db, actor: Caller) -> PlanBranchDiff:
    """What the branch would change on main as it is now."""
    return branch_diff(service.diff_branch(session, actor, slug, str(branch_id)))


@router.get(BRANCH + "/conflicts", operation_id="get_branch_conflicts")
def get_branch_conflicts(slug: str, branch_id: UUID, session: Db, actor: Caller) -> BranchConflictsResponse:
    """Attributes of event types that main and the branch both changed."""
    return branch_conflicts(service.branch_conflicts(session, actor, slug, str(branch_id)))


@router.post(BRANCH + "/resolutions", operation_id="save_branch_resolution", status_code=201)
def save_branch_resolution(slug: str, branch_id: UUID, body: ResolutionCreate, session: Db, actor: Editor) -> ResolutionResponse:
    """Choose whose value an attribute takes."""
    found = service.save_resolution(
        session,
        actor,
        slug,
        str(branch_id),
        entity_type=body.entity_type,
        entity_name=body.entity_name,
        field_name=body.field_name,
        choice=body.choice,
    )
    return ResolutionResponse.model_validate(found)


@router.delete(BRANCH + "/resolutions/{resolution_id}", operation_id="delete_branch_resolution", status_code=204)
def delete_branch_resolution(slug: str, branch_id: UUID, resolution_id: UUID, session: Db, actor: Editor) -> None:
    """Take the choice back."""
    service.delete_resolution(session, actor, slug, str(branch_id), str(resolution_id))


@router.post(BRANCH + "/merge", operation_id="merge_branch")
def merge_branch(slug: str, branch_id: UUID, session: Db, actor: Editor) -> PlanBranchDetailResponse:
    """Bring the branch to main."""
    return branch_detail(service.merge_branch(session, actor, slug, str(branch_id)))
