"""The audit trail of the plan: every change says on which branch it was made."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor
from app.plan.branch_scope import BranchScope

_MOST_NAMED = 100


def note(session: Session, actor: Actor, scope: BranchScope, action: str, target_id: str, **payload: object) -> None:
    """Note `action` (like `event.update`, its first word is what the target is) in the change's own transaction."""
    identity.record_audit(
        session,
        actor,
        action,
        action.partition(".")[0],
        target_id,
        project_slug=scope.project.slug,
        payload={"branch_id": scope.branch_id, **payload},
    )


def note_many(session: Session, actor: Actor, scope: BranchScope, action: str, ids: Sequence[str], **payload: object) -> None:
    """One entry for a change of many things; the target is the branch, the first hundred ids are named."""
    note(session, actor, scope, action, scope.branch_id, count=len(ids), ids=list(ids[:_MOST_NAMED]), **payload)
