"""When the messages of a rule may leave, and until when a delivery is held back."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_alert_rules"
down_revision: str | None = "20261125_ingest_requests"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("alert_rules") as table:
        table.add_column(sa.Column("schedule", sa.JSON(), nullable=True))
    with op.batch_alter_table("alert_deliveries") as table:
        table.add_column(sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("alert_deliveries") as table:
        table.drop_column("held_until")
    with op.batch_alter_table("alert_rules") as table:
        table.drop_column("schedule")
