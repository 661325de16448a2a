"""Branches, reviews and revisions as others see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.plan.diff import EntityDiff
from app.plan.merge import Choice, FieldConflict
from app.plan.review import BranchStatus


@dataclass(frozen=True, slots=True)
class BranchView:
    """A branch. `kind` is main or working; main's status means nothing."""

    id: str
    project_id: str
    name: str
    kind: str
    status: BranchStatus
    description: str
    base_revision_id: str | None
    created_by: str | None
    merged_at: datetime | None
    merged_by: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewerView:
    """A person asked to review."""

    id: str
    user_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A person's approval; `user_id` is None when the account is gone."""

    user_id: str | None
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class BranchDetail:
    """A branch with its review."""

    branch: BranchView
    reviewers: Sequence[ReviewerView]
    approvals: Sequence[ApprovalView]


@dataclass(frozen=True, slots=True)
class CommentView:
    """A remark about a branch."""

    id: str
    branch_id: str
    parent_id: str | None
    user_id: str | None
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BranchDiff:
    """What the branch would change on main as it is now; `is_behind_base` when main has moved since the branch was made."""

    entries: Sequence[EntityDiff]
    is_behind_base: bool


@dataclass(frozen=True, slots=True)
class BranchConflicts:
    """Inline conflicts by event type name, and how many still need a choice."""

    by_event_type: Mapping[str, Sequence[FieldConflict]]
    unresolved_count: int


@dataclass(frozen=True, slots=True)
class ResolutionView:
    """A stored choice."""

    id: str
    branch_id: str
    entity_type: str
    entity_name: str
    field_name: str
    choice: Choice
    resolved_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    """A revision without its payload."""

    id: str
    project_id: str
    summary: str
    created_at: datetime
    created_by: str | None
    entity_counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RevisionDetail:
    """A revision with its payload."""

    summary: RevisionSummary
    payload: Mapping[str, object]
