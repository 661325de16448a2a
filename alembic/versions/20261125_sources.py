"""Data sources: connections with sealed secrets, and how the last test ended."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_sources"
down_revision: str | None = "20261125_scans"
branch_labels: str | None = None
depends_on: str | None = None

_ADDED = (
    "host", "port", "database_name", "username", "sealed_password", "timeout_seconds", "extra_params", "sealed_params",
    "last_test_at", "last_test_status", "last_test_message",
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("data_sources") as batch:
        batch.add_column(sa.Column("host", sa.String(length=500), nullable=False, server_default=""))
        batch.add_column(sa.Column("port", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("database_name", sa.String(length=255), nullable=False, server_default=""))
        batch.add_column(sa.Column("username", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("sealed_password", sa.Text(), nullable=True))
        batch.add_column(sa.Column("timeout_seconds", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("extra_params", sa.JSON(none_as_null=True), nullable=True))
        batch.add_column(sa.Column("sealed_params", sa.Text(), nullable=True))
        batch.add_column(sa.Column("last_test_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("last_test_status", sa.String(length=16), nullable=True))
        batch.add_column(sa.Column("last_test_message", sa.String(length=500), nullable=True))
    # The defaults only filled rows that were there.
    with op.batch_alter_table("data_sources") as batch:
        batch.alter_column("host", existing_type=sa.String(length=500), existing_nullable=False, server_default=None)
        batch.alter_column("port", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        batch.alter_column("database_name", existing_type=sa.String(length=255), existing_nullable=False, server_default=None)
        batch.alter_column("username", existing_type=sa.Text(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("data_sources") as batch:
        for name in reversed(_ADDED):
            batch.drop_column(name)
