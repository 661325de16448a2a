"""Breakdowns of the project total, stored beside those of its event types."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_metrics_read"
down_revision: str | None = "20261125_escalation"
branch_labels: str | None = None
depends_on: str | None = None

KEYS = "breakdown_column, breakdown_value, is_other, bucket"


def upgrade() -> None:
    # Totals that newer code has stored already are made again, with those of the time before it.
    op.execute(sa.text("DELETE FROM metric_breakdowns WHERE scope_type = 'project_total'"))
    op.execute(
        sa.text(
            f"INSERT INTO metric_breakdowns (scan_config_id, scope_type, scope_ref, {KEYS}, count) "
            f"SELECT scan_config_id, 'project_total', scan_config_id, {KEYS}, CAST(sum(count) AS BIGINT) "
            f"FROM metric_breakdowns WHERE scope_type = 'event_type' GROUP BY scan_config_id, {KEYS}"
        )
    )


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM metric_breakdowns WHERE scope_type = 'project_total'"))
