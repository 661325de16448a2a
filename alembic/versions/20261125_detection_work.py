"""Bake-offs of detectors, and notes on planned events."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_detection_work"
down_revision: str | None = "20261125_audit_chain"
branch_labels: str | None = None
depends_on: str | None = None

_LIVE = "status IN ('pending', 'running')"


def upgrade() -> None:
    with op.batch_alter_table("planned_events") as batch:
        batch.add_column(sa.Column("note", sa.String(length=1000), nullable=False, server_default=""))
    with op.batch_alter_table("planned_events") as batch:
        batch.alter_column("note", existing_type=sa.String(length=1000), existing_nullable=False, server_default=None)
    op.create_table(
        "bakeoffs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("scan_config_id", sa.String(length=64), nullable=False),
        sa.Column("scope_type", sa.String(length=16), nullable=False),
        sa.Column("scope_ref", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("progress_percent", sa.Integer(), nullable=False),
        sa.Column("progress_phase", sa.String(length=200), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("error_message", sa.String(length=1000), nullable=True),
        sa.Column("adopted", sa.String(length=64), nullable=True),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_by", sa.String(length=64), nullable=True),
        sa.Column("claimed_by", sa.String(length=100), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_bakeoffs_project_created", "bakeoffs", ["project_id", "created_at"])
    op.create_index(op.f("ix_bakeoffs_status"), "bakeoffs", ["status"])
    op.create_index(
        "ux_bakeoffs_live_series",
        "bakeoffs",
        ["scan_config_id", "scope_type", "scope_ref"],
        unique=True,
        sqlite_where=sa.text(_LIVE),
        postgresql_where=sa.text(_LIVE),
    )


def downgrade() -> None:
    op.drop_table("bakeoffs")
    with op.batch_alter_table("planned_events") as batch:
        batch.drop_column("note")
