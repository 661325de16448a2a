"""How the last test of a destination ended."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_destination_tests"
down_revision: str | None = "20261125_anomalies"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("alert_destinations") as table:
        table.add_column(sa.Column("last_test_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("last_test_status", sa.String(length=16), nullable=True))
        table.add_column(sa.Column("last_test_message", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("alert_destinations") as table:
        for name in ("last_test_message", "last_test_status", "last_test_at"):
            table.drop_column(name)
