"""Review of branches, and the revisions they start from."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from models.base import created_field, id_field, json_field, reference, text_field, updated_field


class PlanRevision(SQLModel, table=True):
    """An immutable snapshot of main."""

    __tablename__ = "plan_revisions"

    id: str = id_field()
    project_id: str = reference("projects.id")
    summary: str = text_field()
    payload: dict[str, object] = json_field(dict)
    entity_counts: dict[str, object] = json_field(dict)
    created_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    created_at: datetime = created_field()


class BranchReviewer(SQLModel, table=True):
    """A person asked to review a branch."""

    __tablename__ = "branch_reviewers"
    __table_args__ = (sa.UniqueConstraint("branch_id", "user_id"),)

    id: str = id_field()
    branch_id: str = reference("plan_branches.id", index=False)
    user_id: str = reference("users.id")
    created_at: datetime = created_field()


class BranchApproval(SQLModel, table=True):
    """A person's approval of a branch as it stood."""

    __tablename__ = "branch_approvals"
    __table_args__ = (sa.UniqueConstraint("branch_id", "user_id"),)

    id: str = id_field()
    branch_id: str = reference("plan_branches.id", index=False)
    user_id: str | None = reference("users.id", nullable=True, on_delete="SET NULL")
    approved_at: datetime = created_field()


class BranchComment(SQLModel, table=True):
    """A remark in the discussion of a branch; replies name their parent."""

    __tablename__ = "branch_comments"

    id: str = id_field()
    branch_id: str = reference("plan_branches.id")
    parent_id: str | None = reference("branch_comments.id", nullable=True, index=False)
    user_id: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    body: str = text_field()
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class MergeResolution(SQLModel, table=True):
    """Whose value an attribute takes that main and the branch both changed."""

    __tablename__ = "merge_resolutions"
    __table_args__ = (sa.UniqueConstraint("branch_id", "entity_type", "entity_name", "field_name"),)

    id: str = id_field()
    branch_id: str = reference("plan_branches.id", index=False)
    entity_type: str = Field(max_length=32)
    entity_name: str = Field(max_length=255)
    field_name: str = Field(max_length=64)
    choice: str = Field(max_length=8)
    resolved_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")
    created_at: datetime = created_field()
