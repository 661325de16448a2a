"""What came with each ingest key, by hour."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_key_hours"
down_revision: str | None = "20261125_invitations"
branch_labels: str | None = None
depends_on: str | None = None

COUNTS = ("requests", "accepted", "flagged", "quarantined", "refused_requests")


def upgrade() -> None:
    op.create_table(
        "ingest_key_hours",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.ForeignKeyConstraint(["key_id"], ["ingest_keys.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key_id", "hour"),
    )


def downgrade() -> None:
    op.drop_table("ingest_key_hours")
