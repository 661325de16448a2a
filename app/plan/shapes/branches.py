"""Bodies of the routes tagged plan-branches, field by field as the contract has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from app.kernel.text import PlainText
from app.plan.branching.views import BranchConflicts, BranchDetail, BranchDiff
from app.plan.diff import DiffKind, EntityDiff, summary
from app.plan.merge import Choice
from app.plan.review import BranchAction, BranchStatus
from app.plan.shapes.value_types import Id, Response
from app.plan.snapshot import EntityType

LONGEST_COMMENT = 10_000


class BranchKind(StrEnum):
    """The one branch that is the plan, or one that wants to become part of it."""

    MAIN = "main"
    WORKING = "working"


class PlanBranchCreate(BaseModel):
    """A branch to make."""

    name: PlainText = Field(max_length=1000)
    description: PlainText = ""


class BranchTransitionRequest(BaseModel):
    """The step to take."""

    action: BranchAction


class BranchReviewerCreate(BaseModel):
    """Somebody to ask."""

    user_id: Id


class BranchCommentCreate(BaseModel):
    """A remark to make."""

    body: PlainText = Field(max_length=LONGEST_COMMENT)
    parent_id: Id | None = None


class ResolutionCreate(BaseModel):
    """A choice to store."""

    entity_type: PlainText
    entity_name: PlainText = Field(max_length=255)
    field_name: PlainText
    choice: Choice


class PlanBranchResponse(Response):
    """A branch."""

    id: str
    project_id: str
    name: str
    kind: BranchKind
    status: BranchStatus
    description: str
    base_revision_id: str | None
    created_by: str | None
    merged_at: datetime | None
    merged_by: str | None
    created_at: datetime
    updated_at: datetime


class PlanBranchList(Response):
    """All branches of a project."""

    items: list[PlanBranchResponse]
    total: int


class BranchReviewerResponse(Response):
    """Somebody who was asked."""

    id: str
    user_id: str
    created_at: datetime


class BranchApprovalResponse(Response):
    """Somebody's approval."""

    user_id: str | None
    approved_at: datetime


class PlanBranchDetailResponse(PlanBranchResponse):
    """A branch with its review."""

    reviewers: list[BranchReviewerResponse]
    approvals: list[BranchApprovalResponse]


class BranchCommentResponse(Response):
    """A remark."""

    id: str
    branch_id: str
    parent_id: str | None
    user_id: str | None
    body: str
    created_at: datetime
    updated_at: datetime


class PlanDiffEntry(Response):
    """One entity that differs; each text of `changes` is `key: old → new`."""

    entity_type: EntityType
    kind: DiffKind
    name: str
    parent: str | None
    changes: list[str]


class PlanDiffSummary(Response):
    """How many entities differ, by how."""

    added: int
    removed: int
    changed: int


class PlanBranchDiff(Response):
    """What a branch would change on main."""

    entries: list[PlanDiffEntry]
    summary: PlanDiffSummary
    behind_base: bool


class ConflictField(Response):
    """One attribute with its three versions: when the branch was made, main now, the branch now."""

    field: str
    base: str | int | None
    ours: str | int | None
    theirs: str | int | None
    choice: Choice | None


class ConflictEntity(Response):
    """The attributes of one entity that conflict."""

    entity_type: str
    name: str
    fields: list[ConflictField]


class BranchConflictsResponse(Response):
    """Conflicts that a choice settles."""

    entities: list[ConflictEntity]
    unresolved_count: int


class ResolutionResponse(Response):
    """A stored choice."""

    id: str
    branch_id: str
    entity_type: str
    entity_name: str
    field_name: str
    choice: Choice
    resolved_by: str | None
    created_at: datetime


def branch_detail(found: BranchDetail) -> PlanBranchDetailResponse:
    """The wire form of a branch with its review."""
    return PlanBranchDetailResponse(
        **PlanBranchResponse.model_validate(found.branch).model_dump(),
        reviewers=[BranchReviewerResponse.model_validate(reviewer) for reviewer in found.reviewers],
        approvals=[BranchApprovalResponse.model_validate(approval) for approval in found.approvals],
    )


def diff_entries(entries: Iterable[EntityDiff]) -> list[PlanDiffEntry]:
    """The wire form of differences."""
    return [
        PlanDiffEntry(
            entity_type=entry.entity.type,
            kind=entry.kind,
            name=entry.entity.name,
            parent=entry.entity.parent,
            changes=[change.text for change in entry.changes],
        )
        for entry in entries
    ]


def branch_diff(found: BranchDiff) -> PlanBranchDiff:
    """The wire form of what a branch changes."""
    return PlanBranchDiff(
        entries=diff_entries(found.entries),
        summary=PlanDiffSummary.model_validate(summary(found.entries)),
        behind_base=found.is_behind_base,
    )


def branch_conflicts(found: BranchConflicts) -> BranchConflictsResponse:
    """The wire form of conflicts, by name."""
    entities = [
        ConflictEntity(
            entity_type=EntityType.EVENT_TYPE,
            name=name,
            fields=[
                ConflictField(
                    field=conflict.attribute,
                    base=conflict.base,
                    ours=conflict.ours,
                    theirs=conflict.theirs,
                    choice=conflict.choice,
                )
                for conflict in conflicts
            ],
        )
        for name, conflicts in sorted(found.by_event_type.items())
    ]
    return BranchConflictsResponse(entities=entities, unresolved_count=found.unresolved_count)
