"""Whether a webhook's entry is durable, and as which event: a claim alone no longer counts as taken in."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261126_delivery_claims"
down_revision: str | None = "20261126_metric_days"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("security_deliveries") as table:
        table.add_column(sa.Column("event_id", sa.String(length=36), nullable=False, server_default=""))
        table.add_column(sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE security_deliveries SET kept_at = received_at")
    with op.batch_alter_table("security_deliveries") as table:
        table.alter_column("event_id", server_default=None, existing_type=sa.String(length=36), existing_nullable=False)


def downgrade() -> None:
    op.execute("DELETE FROM security_deliveries WHERE kept_at IS NULL")
    with op.batch_alter_table("security_deliveries") as table:
        table.drop_column("kept_at")
        table.drop_column("event_id")
