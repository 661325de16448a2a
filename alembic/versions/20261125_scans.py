"""Scan configs in full, looks into data sources, breakdown and distribution counts."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_scans"
down_revision: str | None = "20261125_foundation"
branch_labels: str | None = None
depends_on: str | None = None

_LISTS = ("json_value_paths", "event_group_rules", "metric_breakdown_columns", "distribution_drift_fields")
_NUMBERS = ("metric_breakdown_values_limit", "scan_lookback_hours", "scan_row_limit", "app_version_keep_releases")


def upgrade() -> None:
    with op.batch_alter_table("scan_configs") as batch:
        for name in _LISTS:
            batch.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
        for name in _NUMBERS:
            batch.add_column(sa.Column(name, sa.Integer(), nullable=True))
        batch.add_column(sa.Column("cardinality_threshold", sa.Integer(), nullable=False, server_default="100"))
        batch.add_column(sa.Column("app_version_column", sa.String(length=255), nullable=True))
        batch.add_column(sa.Column("naming", sa.JSON(), nullable=False, server_default="{}"))
    # The defaults only filled rows that were there.
    with op.batch_alter_table("scan_configs") as batch:
        for name in (*_LISTS, "naming"):
            batch.alter_column(name, existing_type=sa.JSON(), existing_nullable=False, server_default=None)
        batch.alter_column("cardinality_threshold", existing_type=sa.Integer(), existing_nullable=False, server_default=None)

    op.create_table(
        "scan_looks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("data_source_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("result_summary", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error_message", sa.String(length=1000), nullable=True),
        sa.Column("requested_by", sa.String(length=64), nullable=True),
        sa.Column("claimed_by", sa.String(length=100), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["data_source_id"], ["data_sources.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_scan_looks_data_source_id", "scan_looks", ["data_source_id"], unique=False)
    op.create_index("ix_scan_looks_project_id", "scan_looks", ["project_id"], unique=False)
    op.create_index("ix_scan_looks_status", "scan_looks", ["status"], unique=False)

    op.create_table(
        "metric_breakdowns",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("scope_type", sa.String(length=16), nullable=False),
        sa.Column("scope_ref", sa.String(length=36), nullable=False),
        sa.Column("breakdown_column", sa.String(length=255), nullable=False),
        sa.Column("breakdown_value", sa.String(length=255), nullable=False),
        sa.Column("is_other", sa.Boolean(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(
            "scan_config_id", "scope_type", "scope_ref", "breakdown_column", "breakdown_value", "is_other", "bucket"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_metric_breakdowns_config_bucket", "metric_breakdowns", ["scan_config_id", "bucket"], unique=False)
    op.create_table(
        "metric_distributions",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("event_type_id", sa.String(length=36), nullable=False),
        sa.Column("field_name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scan_config_id", "event_type_id", "field_name", "value", "bucket"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_metric_distributions_config_bucket", "metric_distributions", ["scan_config_id", "bucket"], unique=False)


def downgrade() -> None:
    op.drop_table("metric_distributions")
    op.drop_table("metric_breakdowns")
    op.drop_table("scan_looks")
    with op.batch_alter_table("scan_configs") as batch:
        for name in ("naming", "app_version_column", "cardinality_threshold", *_NUMBERS, *_LISTS):
            batch.drop_column(name)
