"""Alert destinations, rules, their states, deliveries and what people decided about groups of them."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_alerting"
down_revision: str | None = "20261125_saved_views"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "alert_destinations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("sealed_webhook_url", sa.Text(), nullable=True),
        sa.Column("sealed_bot_token", sa.Text(), nullable=True),
        sa.Column("chat_id", sa.String(length=255), nullable=True),
        sa.Column("sealed_target_url", sa.Text(), nullable=True),
        sa.Column("webhook_header_name", sa.String(length=255), nullable=True),
        sa.Column("sealed_webhook_header_value", sa.Text(), nullable=True),
        sa.Column("sealed_signing_secret", sa.Text(), nullable=True),
        sa.Column("email_recipients", sa.Text(), nullable=True),
        sa.Column("email_from_address", sa.String(length=320), nullable=True),
        sa.Column("email_subject_template", sa.String(length=500), nullable=True),
        sa.Column("jira_base_url", sa.String(length=500), nullable=True),
        sa.Column("jira_auth_email", sa.String(length=320), nullable=True),
        sa.Column("sealed_jira_api_token", sa.Text(), nullable=True),
        sa.Column("jira_project_key", sa.String(length=32), nullable=True),
        sa.Column("jira_issue_type", sa.String(length=64), nullable=True),
        sa.Column("sealed_linear_api_key", sa.Text(), nullable=True),
        sa.Column("linear_team_id", sa.String(length=64), nullable=True),
        sa.Column("linear_state_id", sa.String(length=64), nullable=True),
        sa.Column("linear_label_ids", sa.String(length=2000), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_destinations_project_id", "alert_destinations", ["project_id"], unique=False)
    op.create_table(
        "alert_groups",
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("correlation_group_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("false_positive_count", sa.Integer(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acted_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["acted_by"], ["users.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "correlation_group_id"),
    )
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("destination_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("include_project_total", sa.Boolean(), nullable=False),
        sa.Column("include_event_types", sa.Boolean(), nullable=False),
        sa.Column("include_events", sa.Boolean(), nullable=False),
        sa.Column("include_schema_drifts", sa.Boolean(), nullable=False),
        sa.Column("include_distribution_drifts", sa.Boolean(), nullable=False),
        sa.Column("include_release_regressions", sa.Boolean(), nullable=False),
        sa.Column("notify_on_spike", sa.Boolean(), nullable=False),
        sa.Column("notify_on_drop", sa.Boolean(), nullable=False),
        sa.Column("ai_explanation_enabled", sa.Boolean(), nullable=False),
        sa.Column("min_percent_delta", sa.Float(), nullable=False),
        sa.Column("min_absolute_delta", sa.Float(), nullable=False),
        sa.Column("min_expected_count", sa.Float(), nullable=False),
        sa.Column("cooldown_minutes", sa.Integer(), nullable=False),
        sa.Column("message_template", sa.Text(), nullable=True),
        sa.Column("items_template", sa.Text(), nullable=True),
        sa.Column("message_format", sa.String(length=32), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["destination_id"], ["alert_destinations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_rules_destination_id", "alert_rules", ["destination_id"], unique=False)
    op.create_table(
        "alert_deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("scan_config_id", sa.String(length=64), nullable=False),
        sa.Column("scan_job_id", sa.String(length=36), nullable=True),
        sa.Column("destination_id", sa.String(length=36), nullable=False),
        sa.Column("rule_id", sa.String(length=36), nullable=False),
        sa.Column("destination_name", sa.String(length=255), nullable=False),
        sa.Column("rule_name", sa.String(length=255), nullable=False),
        sa.Column("scan_name", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("matched_count", sa.Integer(), nullable=False),
        sa.Column("payload_snapshot", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error_message", sa.String(length=1000), nullable=True),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.String(length=100), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_alert_deliveries_due",
        "alert_deliveries",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("ix_alert_deliveries_project_created", "alert_deliveries", ["project_id", "created_at"], unique=False)
    op.create_index("ix_alert_deliveries_rule", "alert_deliveries", ["rule_id"], unique=False)
    op.create_index("ix_alert_deliveries_scan_config_id", "alert_deliveries", ["scan_config_id"], unique=False)
    op.create_table(
        "alert_evaluations",
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scan_config_id"),
    )
    op.create_table(
        "alert_rule_states",
        sa.Column("rule_id", sa.String(length=36), nullable=False),
        sa.Column("scan_config_id", sa.String(length=36), nullable=False),
        sa.Column("scope_type", sa.String(length=32), nullable=False),
        sa.Column("scope_ref", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notified_bucket", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivery_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scan_config_id"], ["scan_configs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("rule_id", "scan_config_id", "scope_type", "scope_ref"),
    )
    op.create_index("ix_alert_rule_states_delivery_id", "alert_rule_states", ["delivery_id"], unique=False)
    op.create_table(
        "alert_delivery_items",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("delivery_id", sa.String(length=64), nullable=False),
        sa.Column("scope_type", sa.String(length=32), nullable=False),
        sa.Column("scope_ref", sa.String(length=64), nullable=False),
        sa.Column("scope_name", sa.String(length=1000), nullable=False),
        sa.Column("event_type_id", sa.String(length=36), nullable=True),
        sa.Column("event_id", sa.String(length=36), nullable=True),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("actual_count", sa.BigInteger(), nullable=False),
        sa.Column("expected_count", sa.BigInteger(), nullable=False),
        sa.Column("absolute_delta", sa.BigInteger(), nullable=False),
        sa.Column("percent_delta", sa.Float(), nullable=False),
        sa.Column("details_path", sa.String(length=1000), nullable=True),
        sa.Column("monitoring_path", sa.String(length=1000), nullable=True),
        sa.Column("drift_field", sa.String(length=255), nullable=True),
        sa.Column("drift_type", sa.String(length=32), nullable=True),
        sa.Column("sample_value", sa.Text(), nullable=True),
        sa.Column("correlation_group_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["alert_deliveries.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_delivery_items_correlation_group_id", "alert_delivery_items", ["correlation_group_id"], unique=False)
    op.create_index("ix_alert_delivery_items_delivery_id", "alert_delivery_items", ["delivery_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_alert_delivery_items_delivery_id", table_name="alert_delivery_items")
    op.drop_index("ix_alert_delivery_items_correlation_group_id", table_name="alert_delivery_items")
    op.drop_table("alert_delivery_items")
    op.drop_index("ix_alert_rule_states_delivery_id", table_name="alert_rule_states")
    op.drop_table("alert_rule_states")
    op.drop_table("alert_evaluations")
    op.drop_index("ix_alert_deliveries_scan_config_id", table_name="alert_deliveries")
    op.drop_index("ix_alert_deliveries_rule", table_name="alert_deliveries")
    op.drop_index("ix_alert_deliveries_project_created", table_name="alert_deliveries")
    op.drop_index(
        "ix_alert_deliveries_due",
        table_name="alert_deliveries",
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.drop_table("alert_deliveries")
    op.drop_index("ix_alert_rules_destination_id", table_name="alert_rules")
    op.drop_table("alert_rules")
    op.drop_table("alert_groups")
    op.drop_index("ix_alert_destinations_project_id", table_name="alert_destinations")
    op.drop_table("alert_destinations")
