"""Threat models of projects, scores of actors, and what was judged already."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_threat_models"
down_revision: str | None = "20261125_destination_tests"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "security_incident_events",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("incident_key", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "incident_key", "event_id"),
    )
    op.create_index("ix_security_incident_events_happened_at", "security_incident_events", ["happened_at"], unique=False)
    op.create_table(
        "security_judged_buckets",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "starts_at"),
    )
    op.create_table(
        "security_threat_models",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("event_pattern", sa.String(length=100), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("window_minutes", sa.Integer(), nullable=False),
        sa.Column("followed_by_pattern", sa.String(length=100), nullable=True),
        sa.Column("followed_by_conditions", sa.JSON(), nullable=False),
        sa.Column("followed_by_window_minutes", sa.Integer(), nullable=True),
        sa.Column("group_by", sa.String(length=8), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("paused_reason", sa.String(length=500), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id", "name"),
    )
    op.create_table(
        "security_actor_scores",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("actor_id", sa.String(length=320), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("is_unusual", sa.Boolean(), nullable=False),
        sa.Column("contributions", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "day", "actor_id"),
    )


def downgrade() -> None:
    op.drop_table("security_actor_scores")
    op.drop_table("security_threat_models")
    op.drop_table("security_judged_buckets")
    op.drop_table("security_incident_events")
