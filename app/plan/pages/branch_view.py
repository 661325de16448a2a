"""Everything the review of a branch shows, in one read and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.identity import service as identity
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.plan.branching import service as branching
from app.plan.branching.readiness import Readiness, branch_readiness
from app.plan.branching.views import BranchDetail
from app.plan.pages.comment_threads import CommentRow, comment_rows
from app.plan.pages.differences import GROUPS, counted, groups_of, label_of, text_of_value
from app.plan.pages.words import BRANCH_STATUSES, BRANCH_TONES, plural
from app.plan.review import TRANSITIONS, BranchAction, BranchStatus
from app.plan.snapshot import EntityType
from components.diff_view import DiffGroup
from components.format import ago, local_time

ACTION_WORDS = {
    BranchAction.REQUEST_CHANGES: "Request changes",
    BranchAction.REOPEN: "Reopen",
    BranchAction.CLOSE: "Close",
    BranchAction.SUBMIT: "Submit for review",
    BranchAction.APPROVE: "Approve",
}


@dataclass(frozen=True)
class Action:
    """A step of the review that is allowed now."""

    key: str
    label: str
    is_primary: bool


@dataclass(frozen=True)
class Check:
    """Something a merge needs."""

    label: str
    notes: list[str]
    is_met: bool


@dataclass(frozen=True)
class Reviewer:
    """Somebody asked to review."""

    user_id: str
    name: str
    verdict: str
    has_approved: bool


@dataclass(frozen=True)
class ConflictRow:
    """An attribute that main and the branch both changed."""

    event_type: str
    attribute: str
    label: str
    base: str
    ours: str
    theirs: str
    choice: str


@dataclass(frozen=True)
class BranchPage:
    """The page's data."""

    name: str = ""
    description: str = ""
    description_sentence: str = ""
    status: str = ""
    status_word: str = ""
    tone: str = "neutral"
    origin: str = ""
    plan_href: str = ""
    is_main: bool = False
    is_merged: bool = False
    is_open: bool = False
    is_approved: bool = False
    is_behind: bool = False
    may_edit: bool = False
    actions: list[Action] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    is_ready: bool = False
    reviewers: list[Reviewer] = field(default_factory=list)
    members: list[list[str]] = field(default_factory=list)
    conflicts: list[ConflictRow] = field(default_factory=list)
    groups: list[DiffGroup] = field(default_factory=list)
    counted: str = ""
    losses: list[str] = field(default_factory=list)
    comments: list[CommentRow] = field(default_factory=list)


def branch_page_data(session: Session, actor: Actor, slug: str, branch_id: str, zone: ZoneInfo) -> BranchPage:
    """The review of one working branch; for main, which has none, only that it is main. Errors: NotFound."""
    now = SYSTEM_CLOCK.now()
    detail = branching.get_branch(session, actor, slug, branch_id)
    branch = detail.branch
    if branch.kind == "main":
        return BranchPage(name=branch.name, is_main=True)
    names = {user.id: user.name or user.email for user in identity.list_users(session, actor)}
    may_edit = actor.role in (UserRole.EDITOR, UserRole.OWNER)
    is_merged = branch.status is BranchStatus.MERGED
    readiness = Readiness((), (), {}) if is_merged else branch_readiness(session, actor, slug, branch_id)
    difference = None if is_merged else branching.diff_branch(session, actor, slug, branch_id)
    entries = difference.entries if difference else ()
    checks = _checks(detail, readiness, names)
    asked = {reviewer.user_id for reviewer in detail.reviewers}
    return BranchPage(
        name=branch.name,
        description=branch.description,
        description_sentence=_sentence(branch.description),
        status=branch.status.value,
        status_word=BRANCH_STATUSES[branch.status.value],
        tone=BRANCH_TONES.get(branch.status.value, "neutral"),
        origin=_origin(detail, names, zone, now),
        plan_href=f"{ui_paths.project_events(slug)}{ui_paths.branch_query(branch_id)}",
        is_merged=is_merged,
        is_open=not is_merged and branch.status is not BranchStatus.CLOSED,
        is_approved=branch.status is BranchStatus.APPROVED,
        is_behind=difference.is_behind_base if difference else False,
        may_edit=may_edit,
        actions=_actions(branch.status) if may_edit else [],
        checks=checks,
        is_ready=all(check.is_met for check in checks),
        reviewers=_reviewers(detail, names, now),
        members=[[user_id, name] for user_id, name in names.items() if user_id not in asked],
        conflicts=_conflicts(readiness),
        groups=groups_of(entries),
        counted=counted(entries),
        losses=[f"Not merged yet: {counted(entries)}"] if entries else [],
        comments=comment_rows(branching.list_comments(session, actor, slug, branch_id), names, zone, now),
    )


def _sentence(text: str) -> str:
    """The text with a full stop, unless it ends a sentence already; another sentence follows it."""
    whole = text.strip()
    return whole if not whole or whole[-1] in ".!?…:;" else f"{whole}."


def _origin(detail: BranchDetail, names: Mapping[str, str], zone: ZoneInfo, now: datetime) -> str:
    branch = detail.branch
    made = f"Made by {names.get(branch.created_by or '', 'somebody')} {ago(branch.created_at, now)}"
    if branch.merged_at is None:
        return f"{made} from main."
    return f"{made}, merged by {names.get(branch.merged_by or '', 'somebody')} on {local_time(branch.merged_at, zone, now=now)}."


def _actions(status: BranchStatus) -> list[Action]:
    return [
        Action(action.value, label, action in (BranchAction.SUBMIT, BranchAction.APPROVE))
        for action, label in ACTION_WORDS.items()
        if status in TRANSITIONS[action].allowed_from
    ]


def _checks(detail: BranchDetail, readiness: Readiness, names: Mapping[str, str]) -> list[Check]:
    approved = [names.get(approval.user_id or "", "somebody") for approval in detail.approvals]
    unresolved = [conflict for conflict in readiness.choices if conflict.choice is None]
    is_approved = detail.branch.status is BranchStatus.APPROVED
    return [
        Check(
            "Approved",
            [f"by {', '.join(approved)}" if approved else ""] if is_approved else [_next_step(detail.branch.status)],
            is_approved,
        ),
        Check(
            "Every choice between main and branch is made",
            [f"{plural(len(unresolved), 'choice')} left, see Conflicts"] if unresolved else [],
            not unresolved,
        ),
        Check(
            "Nothing else clashes with main",
            [
                f"The {GROUPS[found.type][0]} {f'{found.parent}.' if found.parent else ''}{found.name} {_verb(found.reason)}."
                for found in readiness.conflicts
            ],
            not readiness.conflicts,
        ),
        Check(
            "Owners of changed event types agree",
            [
                f"{event_type} needs an approval by {' or '.join(names.get(user_id, 'an owner') for user_id in user_ids)}"
                for event_type, user_ids in readiness.missing_owners.items()
            ],
            not readiness.missing_owners,
        ),
        *_rule_checks(readiness),
    ]


def _rule_checks(readiness: Readiness) -> list[Check]:
    """What the project's own rules ask for, told only where there is something to tell."""
    checks = []
    if readiness.lacking_approvals:
        checks.append(Check("Enough people approved", [f"{plural(readiness.lacking_approvals, 'approval')} more"], False))
    if readiness.broken_rules:
        title = "The project's plan rules are kept" if readiness.rules_block else "Plan rules (these only warn)"
        checks.append(Check(title, [finding.message for finding in readiness.broken_rules], not readiness.rules_block))
    return checks


def _verb(reason: str) -> str:
    return f"was {reason}" if reason.startswith(("added", "changed", "removed")) else reason


def _next_step(status: BranchStatus) -> str:
    return {
        BranchStatus.DRAFT: "Submit it for review first.",
        BranchStatus.READY_FOR_REVIEW: "Waiting for a reviewer.",
        BranchStatus.CHANGES_REQUESTED: "Changes were requested; submit it again after them.",
        BranchStatus.CLOSED: "Reopen it first.",
    }.get(status, "")


def _reviewers(detail: BranchDetail, names: Mapping[str, str], now: datetime) -> list[Reviewer]:
    approved = {approval.user_id: approval.approved_at for approval in detail.approvals}
    asked = [reviewer.user_id for reviewer in detail.reviewers]
    others = [user_id for user_id in approved if user_id is not None and user_id not in asked]
    return [
        Reviewer(
            user_id=user_id,
            name=names.get(user_id, "somebody who left"),
            verdict=f"approved {ago(approved[user_id], now)}" if user_id in approved else "asked",
            has_approved=user_id in approved,
        )
        for user_id in (*asked, *others)
    ]


def _conflicts(readiness: Readiness) -> list[ConflictRow]:
    return [
        ConflictRow(
            event_type=found.event_type,
            attribute=found.attribute,
            label=label_of(found.attribute),
            base=text_of_value(found.attribute, found.base) or "nothing",
            ours=text_of_value(found.attribute, found.ours) or "nothing",
            theirs=text_of_value(found.attribute, found.theirs) or "nothing",
            choice=found.choice.value if found.choice else "",
        )
        for found in readiness.choices
    ]


def merge_problems(refusal: AppError, names: Mapping[str, str]) -> list[str]:
    """A refused merge as sentences."""
    detail = refusal.detail or {}

    def entries(key: str) -> list[Mapping[str, object]]:
        found = detail.get(key)
        return list(found) if isinstance(found, list) else []

    def noun(entry: Mapping[str, object]) -> str:
        return GROUPS[EntityType(str(entry["entity_type"]))][0]

    problems = [f"The {noun(entry)} {entry['name']} was changed on main and on the branch." for entry in entries("conflicts")]
    problems += [
        f"Choose the {label_of(str(entry['field'])).lower()} of {entry['name']}." for entry in entries("unresolved_field_conflicts")
    ]
    for entry in entries("missing_owner_approvals"):
        ids = entry["owner_user_ids"]
        people = [names.get(str(user_id), "an owner") for user_id in ids] if isinstance(ids, list) else []
        problems.append(f"{entry['event_type']} belongs to {' and '.join(people)}; one of them must approve.")
    return problems or [refusal.message]
