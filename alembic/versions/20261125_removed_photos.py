"""Photos of main that a branch no longer has."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_removed_photos"
down_revision: str | None = "20261125_sign_ins"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "removed_photos",
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("photo_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["plan_branches.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["photo_id"], ["event_photos.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("branch_id", "photo_id"),
    )
    op.create_index("ix_removed_photos_photo_id", "removed_photos", ["photo_id"])


def downgrade() -> None:
    op.drop_table("removed_photos")
