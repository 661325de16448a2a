"""What still stands between a branch and main, told before anybody presses merge (contract 11.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.identity.contracts import Actor
from app.plan import repository as plan_rows
from app.plan.branching.branches import base_of
from app.plan.branching.merges import missing_approvals, stored_choices
from app.plan.branching.rows import load_snapshot
from app.plan.branching.scope import readable, require_working
from app.plan.merge import EntityConflict, FieldConflict, merge


@dataclass(frozen=True, slots=True)
class Readiness:
    """`conflicts` block whatever anybody chooses; `choices` are settled by one each; `missing_owners` maps event types to the
    ids of owners none of whom has approved."""

    conflicts: Sequence[EntityConflict]
    choices: Sequence[FieldConflict]
    missing_owners: Mapping[str, Sequence[str]]


def branch_readiness(session: Session, actor: Actor, slug: str, branch_id: str) -> Readiness:
    """Everything a merge would be refused for now, the branch's status aside. Errors: NotFound; BadRequest for main."""
    scope, branch = readable(session, actor, slug, branch_id)
    require_working(branch)
    ours = load_snapshot(session, plan_rows.find_main_branch(session, scope.project.id) or "")
    outcome = merge(base_of(session, branch), ours, load_snapshot(session, branch.id), stored_choices(session, branch.id))
    return Readiness(outcome.conflicts, outcome.field_conflicts, missing_approvals(session, branch.id, outcome))
