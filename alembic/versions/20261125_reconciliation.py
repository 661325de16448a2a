"""Shadow events, and the ledger's settings and first counts."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_reconciliation"
down_revision: str | None = "20261125_alerting"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "shadow_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("scan_config_id", sa.String(length=64), nullable=False),
        sa.Column("event_type_name", sa.String(length=255), nullable=False),
        sa.Column("event_name", sa.String(length=500), nullable=False),
        sa.Column("event_type_id", sa.String(length=64), nullable=True),
        sa.Column("observed_count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("accepted_event_id", sa.String(length=64), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["accepted_event_id"], ["events.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["event_type_id"], ["event_types.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scan_config_id", "event_type_name", "event_name"),
    )
    op.create_index("ix_shadow_events_project_count", "shadow_events", ["project_id", "observed_count"], unique=False)
    op.create_index("ix_shadow_events_event_type_id", "shadow_events", ["event_type_id"], unique=False)
    op.create_index("ix_shadow_events_accepted_event_id", "shadow_events", ["accepted_event_id"], unique=False)
    op.create_table(
        "ledger_settings",
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("settling_minutes", sa.Integer(), nullable=False),
        sa.Column("lateness_minutes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id"),
    )
    op.create_table(
        "ledger_first_counts",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scan_config_id", "event_id", "hour"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("ledger_first_counts")
    op.drop_table("ledger_settings")
    op.drop_table("shadow_events")
