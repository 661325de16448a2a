"""Counts in the index by time, so that sums over a window never look up their rows."""

from __future__ import annotations

from alembic import op

revision: str = "20261125_metric_index"
down_revision: str | None = "20261125_fire_drills"
branch_labels: str | None = None
depends_on: str | None = None

NAME = "ix_metric_buckets_config_scope_bucket"


def upgrade() -> None:
    op.drop_index(NAME, "metric_buckets")
    op.create_index(NAME, "metric_buckets", ["scan_config_id", "scope_type", "bucket", "count"])


def downgrade() -> None:
    op.drop_index(NAME, "metric_buckets")
    op.create_index(NAME, "metric_buckets", ["scan_config_id", "scope_type", "bucket"])
