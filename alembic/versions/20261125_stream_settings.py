"""How a project's streams are looked at."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_stream_settings"
down_revision: str | None = "20261125_key_hours"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "stream_settings",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("baseline_size", "window_size", "hop_size")),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("p_value", "effect")),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id"),
    )


def downgrade() -> None:
    op.drop_table("stream_settings")
