"""What the texts of plans mean to an embedding model."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_search_vectors"
down_revision: str | None = "20261125_removed_photos"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "search_vectors",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id", "model", "text_hash"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("search_vectors")
