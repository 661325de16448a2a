"""The review of a branch: its state, who is asked, who has approved, and the discussion (contract 11.2)."""

from __future__ import annotations

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.plan.branching import repository
from app.plan.branching.branches import detail_of
from app.plan.branching.readiness import branch_readiness
from app.plan.branching.scope import changeable, readable, require_reviewable
from app.plan.branching.views import BranchDetail, CommentView, ReviewerView
from app.plan.repository.plan_rules import rules_of
from app.plan.review import BranchAction, BranchStatus, transition
from app.plan.service.trail import note
from models.branches import BranchApproval, BranchComment, BranchReviewer


def transition_branch(session: Session, actor: Actor, slug: str, branch_id: str, action: BranchAction) -> BranchDetail:
    """Move the review along. Editors and owners.

    Errors: NotFound; BadRequest for main and for a merged branch; Conflict when the action is not allowed from there, or when the
    project forbids to approve one's own branch. An approval short of what the project's rules ask for leaves it in review.
    """
    scope, branch = changeable(session, actor, slug, branch_id)
    require_reviewable(branch)
    step = transition(BranchStatus(branch.status), action)
    if step.clears:
        repository.clear_review(session, branch.id)
    reached = step.to
    if step.records_approval:
        rules = rules_of(session, scope.project.id)
        if actor.user_id == branch.created_by and rules.forbids_self_approval:
            raise Conflict("This project asks for somebody else's approval of your branch")
        _approve(session, branch.id, actor)
        # Whether the branch is sensitive takes a whole merge to know.
        may_lack = rules.minimum_approvals > 1 or rules.sensitive_approvals > 0
        if may_lack and branch_readiness(session, actor, slug, branch_id).lacking_approvals:
            reached = BranchStatus.READY_FOR_REVIEW  # until enough people have approved
    before, branch.status = branch.status, reached.value
    note(session, actor, scope, f"branch.{action.value}", branch.id, name=branch.name, status=[before, branch.status])
    repository.add(session, branch)
    return detail_of(session, branch)


def _approve(session: Session, branch_id: str, actor: Actor) -> None:
    now = SYSTEM_CLOCK.now()
    for row in repository.approvals(session, branch_id):
        if row.user_id == actor.user_id:
            row.approved_at = now
            return
    repository.add(session, BranchApproval(branch_id=branch_id, user_id=actor.user_id, approved_at=now))


def add_reviewer(session: Session, actor: Actor, slug: str, branch_id: str, user_id: str) -> ReviewerView:
    """Ask somebody to review; asking again answers what is there. Editors and owners.

    Errors: NotFound for an unknown branch or person; BadRequest for main and for a merged branch.
    """
    scope, branch = changeable(session, actor, slug, branch_id)
    require_reviewable(branch)
    if not repository.user_exists(session, user_id):
        raise NotFound("User not found")
    row = repository.reviewer(session, branch.id, user_id)
    if row is None:
        row = BranchReviewer(branch_id=branch.id, user_id=user_id)
        repository.add(session, row)
        note(session, actor, scope, "branch.add_reviewer", branch.id, user_id=user_id)
    return ReviewerView(row.id, row.user_id, row.created_at)


def remove_reviewer(session: Session, actor: Actor, slug: str, branch_id: str, user_id: str) -> None:
    """Ask them no longer. Editors and owners. Errors as `add_reviewer`; NotFound also for somebody who was not asked."""
    scope, branch = changeable(session, actor, slug, branch_id)
    require_reviewable(branch)
    row = repository.reviewer(session, branch.id, user_id)
    if row is None:
        raise NotFound("Reviewer not found")
    repository.remove(session, row)
    note(session, actor, scope, "branch.remove_reviewer", branch.id, user_id=user_id)


def list_comments(session: Session, actor: Actor, slug: str, branch_id: str) -> list[CommentView]:
    """The discussion, oldest first; main has one too. Errors: NotFound."""
    _, branch = readable(session, actor, slug, branch_id)
    return [_view(row) for row in repository.comments(session, branch.id)]


def create_comment(
    session: Session, actor: Actor, slug: str, branch_id: str, body: str, parent_id: str | None = None
) -> CommentView:
    """Remark, or reply to a remark on the same branch. Editors and owners, whatever the branch's status.

    Errors: NotFound for an unknown branch or parent; InvalidInput for a blank body.
    """
    scope, branch = changeable(session, actor, slug, branch_id)
    if not body.strip():
        raise InvalidInput("A comment must not be blank", field="body")
    if parent_id is not None and repository.comment(session, branch.id, parent_id) is None:
        raise NotFound("Parent comment not found")
    row = BranchComment(branch_id=branch.id, parent_id=parent_id, user_id=actor.user_id, body=body.strip())
    repository.add(session, row)
    note(session, actor, scope, "branch.comment", branch.id, comment_id=row.id)
    return _view(row)


def delete_comment(session: Session, actor: Actor, slug: str, branch_id: str, comment_id: str) -> None:
    """Delete the remark with its replies; any editor may. Errors: NotFound."""
    scope, branch = changeable(session, actor, slug, branch_id)
    row = repository.comment(session, branch.id, comment_id)
    if row is None:
        raise NotFound("Comment not found")
    repository.remove(session, row)
    note(session, actor, scope, "branch.delete_comment", branch.id, comment_id=comment_id)


def _view(row: BranchComment) -> CommentView:
    return CommentView(row.id, row.branch_id, row.parent_id, row.user_id, row.body, row.created_at, row.updated_at)
