"""Answers kept under the idempotency keys of ingest requests."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_ingest_requests"
down_revision: str | None = "20261125_search_vectors"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "ingest_requests",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "key"),
    )
    op.create_index("ix_ingest_requests_claimed_at", "ingest_requests", ["claimed_at"])


def downgrade() -> None:
    op.drop_table("ingest_requests")
