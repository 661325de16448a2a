"""What projects ask of their plans."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_plan_rules"
down_revision: str | None = "20261125_logs"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "plan_rules",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("enforcement", sa.String(length=16), nullable=False),
        sa.Column("event_name_pattern", sa.String(length=500), nullable=False),
        sa.Column("field_name_pattern", sa.String(length=500), nullable=False),
        sa.Column("required_fields", sa.JSON(), nullable=False),
        sa.Column("forbidden_fields", sa.JSON(), nullable=False),
        sa.Column("protects_main", sa.Boolean(), nullable=False),
        sa.Column("minimum_approvals", sa.Integer(), nullable=False),
        sa.Column("sensitive_approvals", sa.Integer(), nullable=False),
        sa.Column("forbids_self_approval", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id"),
    )


def downgrade() -> None:
    op.drop_table("plan_rules")
