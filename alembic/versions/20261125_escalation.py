"""Alerts that go to owners, are escalated, are assigned to members, and heed what people decide before they leave."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_escalation"
down_revision: str | None = "20261125_oidc"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("alert_destinations") as table:
        table.add_column(sa.Column("sealed_apprise_url", sa.Text(), nullable=True))
    with op.batch_alter_table("alert_rules") as table:
        table.add_column(sa.Column("routes_to_owners", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("escalation", sa.JSON(), nullable=True))
    with op.batch_alter_table("alert_rule_states") as table:
        table.add_column(sa.Column("waiting_since", _MOMENT, nullable=True))
        table.add_column(sa.Column("escalation_step", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_alert_rule_states_waiting",
        "alert_rule_states",
        ["waiting_since"],
        sqlite_where=sa.text("waiting_since IS NOT NULL"),
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )
    with op.batch_alter_table("alert_deliveries") as table:
        table.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default="alert"))
        table.add_column(sa.Column("recipient_id", sa.String(36), nullable=True))
        table.add_column(sa.Column("heeds_decisions", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("alert_delivery_items") as table:
        table.add_column(sa.Column("dropped_because", sa.String(500), nullable=True))
    op.create_table(
        "alert_contacts",
        sa.Column("project_id", sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("destination_id", sa.String(64), sa.ForeignKey("alert_destinations.id", ondelete="SET NULL"), nullable=True),
        sa.Column("email", sa.String(320), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "alert_assignments",
        sa.Column("project_id", sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("correlation_group_id", sa.String(36), primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("assigned_at", _MOMENT, nullable=False),
    )
    op.create_index("ix_alert_assignments_user_id", "alert_assignments", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_alert_assignments_user_id", table_name="alert_assignments")
    op.drop_table("alert_assignments")
    op.drop_table("alert_contacts")
    op.drop_index("ix_alert_rule_states_waiting", table_name="alert_rule_states")
    added = {
        "alert_delivery_items": ("dropped_because",),
        "alert_deliveries": ("heeds_decisions", "recipient_id", "kind"),
        "alert_rule_states": ("escalation_step", "waiting_since"),
        "alert_rules": ("escalation", "routes_to_owners"),
        "alert_destinations": ("sealed_apprise_url",),
    }
    for table_name, columns in added.items():
        with op.batch_alter_table(table_name) as table:
            for column in columns:
                table.drop_column(column)
