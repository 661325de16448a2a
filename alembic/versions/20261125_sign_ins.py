"""Where a sign-in comes from, and when it was last used."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_sign_ins"
down_revision: str | None = "20261125_detection_work"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("user_sessions") as table:
        table.add_column(sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("user_agent", sa.String(length=400), nullable=False, server_default=""))
        table.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("user_sessions") as table:
        for name in ("last_used_at", "user_agent", "address"):
            table.drop_column(name)
