"""Fire drills: how a project's alerting is tried, and how each try went."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_fire_drills"
down_revision: str | None = "20261125_stream_settings"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)
_STAGES = ("posted_at", "ingested_at", "counted_at", "detected_at", "decided_at", "delivered_at", "finished_at")


def upgrade() -> None:
    op.create_table(
        "alert_drills",
        sa.Column("project_id", sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("destination_id", sa.String(36), nullable=True),
        sa.Column("backup_destination_id", sa.String(36), nullable=True),
        sa.Column("interval", sa.String(16), nullable=False),
        sa.Column("next_run_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "alert_drill_runs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("project_id", sa.String(64), sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("is_manual", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("failed_stage", sa.String(16), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("bucket", _MOMENT, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        *(sa.Column(name, _MOMENT, nullable=True) for name in _STAGES),
        sa.Column("canary_project_id", sa.String(36), nullable=False),
        sa.Column("scan_config_id", sa.String(36), nullable=False),
        sa.Column("scan_job_id", sa.String(36), nullable=True),
        sa.Column("rule_id", sa.String(36), nullable=False),
        sa.Column("destination_name", sa.String(255), nullable=False),
        sa.Column("backup_destination_id", sa.String(36), nullable=True),
        sa.Column("backup_delivery_id", sa.String(36), nullable=True),
    )
    op.create_index("ix_alert_drill_runs_project_started", "alert_drill_runs", ["project_id", "started_at"])
    op.create_index("ix_alert_drill_runs_outcome", "alert_drill_runs", ["outcome"])


def downgrade() -> None:
    op.drop_index("ix_alert_drill_runs_outcome", table_name="alert_drill_runs")
    op.drop_index("ix_alert_drill_runs_project_started", table_name="alert_drill_runs")
    op.drop_table("alert_drill_runs")
    op.drop_table("alert_drills")
