"""Bringing a branch to main: its conflicts, the choices that settle them, and the merge itself (contract 11.4, 11.5)."""

from __future__ import annotations

from collections import defaultdict

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import BadRequest, Conflict, InvalidInput, NotFound
from app.plan import repository as plan_rows
from app.plan.branch_scope import BranchScope, writable_branch
from app.plan.branching import repository
from app.plan.branching.branches import base_of, detail_of
from app.plan.branching.merging import bring_photos, write_merge
from app.plan.branching.revisions import store_revision
from app.plan.branching.rows import load_snapshot
from app.plan.branching.scope import changeable, readable, require_reviewable, require_working
from app.plan.branching.views import BranchConflicts, BranchDetail, ResolutionView
from app.plan.governance import Enforcement, Finding, approvals_needed, findings, is_sensitive, touched_event_types
from app.plan.merge import RESOLVABLE, Choice, Choices, FieldConflict, Merge, merge
from app.plan.repository.plan_rules import rules_of
from app.plan.review import BranchStatus
from app.plan.service.trail import note
from app.plan.snapshot import EntityType, Snapshot
from models.branches import MergeResolution
from models.plan import PlanBranch


def branch_conflicts(session: Session, actor: Actor, slug: str, branch_id: str) -> BranchConflicts:
    """Event-type attributes that main and the branch both changed, by event type. Errors: NotFound; BadRequest for main."""
    scope, branch = readable(session, actor, slug, branch_id)
    require_working(branch)
    main_id = plan_rows.find_main_branch(session, scope.project.id) or ""
    choices = stored_choices(session, branch.id)
    outcome = merge(base_of(session, branch), load_snapshot(session, main_id), load_snapshot(session, branch.id), choices)
    found: dict[str, list[FieldConflict]] = defaultdict(list)
    for conflict in outcome.field_conflicts:
        found[conflict.event_type].append(conflict)
    return BranchConflicts(found, len(outcome.unresolved))


def save_resolution(
    session: Session,
    actor: Actor,
    slug: str,
    branch_id: str,
    *,
    entity_type: str,
    entity_name: str,
    field_name: str,
    choice: Choice,
) -> ResolutionView:
    """Store whose value an attribute takes; a second choice replaces the first. Editors and owners.

    Errors: NotFound; BadRequest for main and a merged branch; InvalidInput for anything but the metadata of event types.
    """
    scope, branch = changeable(session, actor, slug, branch_id)
    require_reviewable(branch)
    if entity_type != EntityType.EVENT_TYPE:
        raise InvalidInput("Only conflicts of an event_type can be resolved by a choice", field="entity_type")
    if field_name not in RESOLVABLE:
        raise InvalidInput(f"A choice is possible for {', '.join(RESOLVABLE)}", field="field_name")
    key = (entity_type, entity_name, field_name)
    rows = {(row.entity_type, row.entity_name, row.field_name): row for row in repository.resolutions(session, branch.id)}
    row = rows.get(key) or MergeResolution(
        branch_id=branch.id, entity_type=entity_type, entity_name=entity_name, field_name=field_name, choice=choice.value
    )
    row.choice, row.resolved_by = choice.value, actor.user_id
    repository.add(session, row)
    note(session, actor, scope, "branch.resolve", branch.id, entity_name=entity_name, field_name=field_name, choice=choice.value)
    return ResolutionView(
        row.id, row.branch_id, row.entity_type, row.entity_name, row.field_name, choice, row.resolved_by, row.created_at
    )


def delete_resolution(session: Session, actor: Actor, slug: str, branch_id: str, resolution_id: str) -> None:
    """Take a choice back. Editors and owners. Errors: NotFound; BadRequest for main and a merged branch."""
    scope, branch = changeable(session, actor, slug, branch_id)
    require_reviewable(branch)
    for row in repository.resolutions(session, branch.id):
        if row.id == resolution_id:
            repository.remove(session, row)
            note(session, actor, scope, "branch.unresolve", branch.id, resolution_id=resolution_id)
            return
    raise NotFound("Resolution not found")


def merge_branch(session: Session, actor: Actor, slug: str, branch_id: str) -> BranchDetail:
    """Bring the branch to main in this transaction and write a revision. Editors and owners.

    Errors: NotFound; BadRequest for main and a merged branch; Conflict when it is not approved, and with an object as detail
    for conflicts, for conflicts without a choice, for owners who have not approved and for the project's rules, in this order.
    """
    main = writable_branch(session, actor, slug, changes_plan=False)  # held first, as every writer of two branches does
    _, branch = changeable(session, actor, slug, branch_id)
    _check_state(branch, main)
    ours, theirs = load_snapshot(session, main.branch_id), load_snapshot(session, branch.id)
    outcome = merge(base_of(session, branch), ours, theirs, stored_choices(session, branch.id))
    _check_conflicts(outcome)
    _check_owners(session, branch.id, outcome)
    _check_rules(session, main, branch, theirs, outcome)
    now = SYSTEM_CLOCK.now()
    ids = write_merge(session, main.project.id, main.branch_id, outcome, ours, user_id=actor.user_id, now=now)
    removed_photos = repository.delete_removed_photos(session, branch.id, main.project.id)  # the sweep of files takes theirs
    photos = bring_photos(session, theirs, ids)
    after: Snapshot = load_snapshot(session, main.branch_id)
    revision = store_revision(session, actor, main.project.id, after, f"Merged branch {branch.name}")
    branch.status, branch.merged_at, branch.merged_by = BranchStatus.MERGED.value, now, actor.user_id
    repository.add(session, branch)
    note(
        session, actor, main, "branch.merge", branch.id,
        name=branch.name, revision_id=revision.id, created=len(outcome.creates), updated=len(outcome.updates),
        deleted=len(outcome.deletes), photos=photos,
        removed_photos=removed_photos,
    )  # fmt: skip
    return detail_of(session, branch)


def _check_state(branch: PlanBranch, main: BranchScope) -> None:
    if branch.id == main.branch_id:
        raise BadRequest("The main branch cannot be merged into itself")
    require_reviewable(branch)
    if branch.status != BranchStatus.APPROVED:
        raise Conflict(f"The branch needs an approval before it can be merged; it is {branch.status}")


def _check_conflicts(outcome: Merge) -> None:
    if outcome.conflicts:
        conflicts = [
            {"entity_type": found.type.value, "name": f"{found.parent}.{found.name}" if found.parent else found.name}
            for found in outcome.conflicts
        ]
        raise Conflict("Main and the branch changed the same things differently", detail={"conflicts": conflicts})
    if outcome.unresolved:
        fields = [
            {"entity_type": EntityType.EVENT_TYPE.value, "name": found.event_type, "field": found.attribute}
            for found in outcome.unresolved
        ]
        raise Conflict("Some conflicts have no choice yet", detail={"unresolved_field_conflicts": fields})


def missing_approvals(session: Session, branch_id: str, outcome: Merge) -> dict[str, list[str]]:
    """User ids of the owners of each touched event type none of whom has approved, by the event type's name on main."""
    touched = {entity.id: entity.name for entity in outcome.deletes if entity.type is EntityType.EVENT_TYPE}
    touched |= {update.id: update.before.name for update in outcome.updates if update.entity.type is EntityType.EVENT_TYPE}
    owners: dict[str, list[str]] = defaultdict(list)
    for event_type_id, user_id in repository.owners_of(session, sorted(touched)):
        owners[event_type_id].append(user_id)
    approved = {row.user_id for row in repository.approvals(session, branch_id)}
    missing = {touched[key]: user_ids for key, user_ids in owners.items() if not approved.intersection(user_ids)}
    return dict(sorted(missing.items()))


def _check_owners(session: Session, branch_id: str, outcome: Merge) -> None:
    missing = [
        {"event_type": event_type, "owner_user_ids": user_ids}
        for event_type, user_ids in missing_approvals(session, branch_id, outcome).items()
    ]
    if missing:
        raise Conflict("Owners of event types have not approved", detail={"missing_owner_approvals": missing})


def broken_rules(session: Session, project_id: str, theirs: Snapshot, outcome: Merge) -> list[Finding]:
    """What the branch would bring to main that breaks the project's rules."""
    return findings(theirs, rules_of(session, project_id), touched_event_types(outcome))


def lacking_approvals(session: Session, project_id: str, branch_id: str, outcome: Merge) -> int:
    """How many approvals are still missing by the project's rules."""
    needed = approvals_needed(rules_of(session, project_id), is_sensitive=is_sensitive(outcome))
    if needed <= 1:  # the review's own state asks for that one
        return 0
    return max(0, needed - len(repository.approvals(session, branch_id)))


def _check_rules(session: Session, main: BranchScope, branch: PlanBranch, theirs: Snapshot, outcome: Merge) -> None:
    lacking = lacking_approvals(session, main.project.id, branch.id, outcome)
    if lacking:
        raise Conflict(f"The project's rules ask for {lacking} more approvals", detail={"missing_approvals": lacking})
    if rules_of(session, main.project.id).enforcement is not Enforcement.BLOCK:
        return
    broken = broken_rules(session, main.project.id, theirs, outcome)
    if broken:
        violations = [{"rule": item.rule.value, "event_type": item.event_type, "name": item.name} for item in broken]
        raise Conflict("The branch breaks rules of the project", detail={"rule_violations": violations})


def stored_choices(session: Session, branch_id: str) -> Choices:
    """The choices people have made for the branch's inline conflicts."""
    return {(row.entity_name, row.field_name): Choice(row.choice) for row in repository.resolutions(session, branch_id)}
