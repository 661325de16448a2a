"""What still stands between a branch and main, told before anybody presses merge (contract 11.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.identity.contracts import Actor
from app.plan import repository as plan_rows
from app.plan.branch_scope import readable_branch
from app.plan.branching.branches import base_of
from app.plan.branching.merges import broken_rules, lacking_approvals, missing_approvals, stored_choices
from app.plan.branching.rows import load_snapshot
from app.plan.branching.scope import readable, require_working
from app.plan.governance import Enforcement, Finding, findings
from app.plan.merge import EntityConflict, FieldConflict, merge
from app.plan.repository.plan_rules import rules_of


@dataclass(frozen=True, slots=True)
class Readiness:
    """`conflicts` block whatever anybody chooses; `choices` are settled by one each; `missing_owners` maps event types to the
    ids of owners none of whom has approved; `broken_rules` block a merge only with `rules_block`."""

    conflicts: Sequence[EntityConflict]
    choices: Sequence[FieldConflict]
    missing_owners: Mapping[str, Sequence[str]]
    lacking_approvals: int = 0
    broken_rules: Sequence[Finding] = ()
    rules_block: bool = False


def branch_readiness(session: Session, actor: Actor, slug: str, branch_id: str) -> Readiness:
    """Everything a merge would be refused for now, the branch's status aside. Errors: NotFound; BadRequest for main."""
    scope, branch = readable(session, actor, slug, branch_id)
    require_working(branch)
    ours = load_snapshot(session, plan_rows.find_main_branch(session, scope.project.id) or "")
    theirs = load_snapshot(session, branch.id)
    outcome = merge(base_of(session, branch), ours, theirs, stored_choices(session, branch.id))
    project_id = scope.project.id
    return Readiness(
        outcome.conflicts,
        outcome.field_conflicts,
        missing_approvals(session, branch.id, outcome),
        lacking_approvals(session, project_id, branch.id, outcome),
        broken_rules(session, project_id, theirs, outcome),
        rules_of(session, project_id).enforcement is Enforcement.BLOCK,
    )


def rule_findings(session: Session, actor: Actor, slug: str, *, branch: str | None = None) -> list[Finding]:
    """What breaks the project's rules on the branch, or on main. Errors: NotFound, BadRequest for a branch that is no id."""
    scope = readable_branch(session, actor, slug, branch)
    return findings(load_snapshot(session, scope.branch_id), rules_of(session, scope.project.id))
