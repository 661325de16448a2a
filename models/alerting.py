"""Where alerts go, when they fire, and what was told to whom."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.kernel.database import UtcDateTime
from models.base import created_field, id_field, json_field, moment_field, reference, text_field, updated_field


class AlertDestination(SQLModel, table=True):
    """A place that messages are sent to. Only the columns of its own channel are filled; `sealed_...` hold secrets.

    `last_test_status` is success or failed.
    """

    __tablename__ = "alert_destinations"

    id: str = id_field()
    project_id: str = reference("projects.id")
    type: str = Field(max_length=16)
    name: str = Field(max_length=255)
    enabled: bool = True
    sealed_webhook_url: str | None = text_field(None)
    sealed_bot_token: str | None = text_field(None)
    chat_id: str | None = Field(default=None, max_length=255)
    sealed_target_url: str | None = text_field(None)
    webhook_header_name: str | None = Field(default=None, max_length=255)
    sealed_webhook_header_value: str | None = text_field(None)
    sealed_signing_secret: str | None = text_field(None)
    email_recipients: str | None = text_field(None)
    email_from_address: str | None = Field(default=None, max_length=320)
    email_subject_template: str | None = Field(default=None, max_length=500)
    jira_base_url: str | None = Field(default=None, max_length=500)
    jira_auth_email: str | None = Field(default=None, max_length=320)
    sealed_jira_api_token: str | None = text_field(None)
    jira_project_key: str | None = Field(default=None, max_length=32)
    jira_issue_type: str | None = Field(default=None, max_length=64)
    sealed_linear_api_key: str | None = text_field(None)
    linear_team_id: str | None = Field(default=None, max_length=64)
    linear_state_id: str | None = Field(default=None, max_length=64)
    linear_label_ids: str | None = Field(default=None, max_length=2000)
    sealed_apprise_url: str | None = text_field(None)
    last_test_at: datetime | None = moment_field(nullable=True)
    last_test_status: str | None = Field(default=None, max_length=16)
    last_test_message: str | None = text_field(None)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class AlertRule(SQLModel, table=True):
    """When a destination is told. `filters` are objects with id, field, operator and values; all of them must hold.

    `schedule` says when its messages may leave; without one they leave at once. With `routes_to_owners` the destination is told
    only of what has no owner who can be reached. `escalation` says who is told when nobody answers.
    """

    __tablename__ = "alert_rules"

    id: str = id_field()
    destination_id: str = reference("alert_destinations.id")
    name: str = Field(max_length=255)
    enabled: bool = True
    include_project_total: bool = True
    include_event_types: bool = True
    include_events: bool = True
    include_schema_drifts: bool = False
    include_distribution_drifts: bool = False
    include_release_regressions: bool = False
    notify_on_spike: bool = True
    notify_on_drop: bool = True
    ai_explanation_enabled: bool = False
    min_percent_delta: float = 0.0
    min_absolute_delta: float = 0.0
    min_expected_count: float = 0.0
    cooldown_minutes: int = 1440
    message_template: str | None = text_field(None)
    items_template: str | None = text_field(None)
    message_format: str = Field(default="plain", max_length=32)
    filters: list[dict[str, object]] = json_field(list)
    muted_until: datetime | None = moment_field(nullable=True)
    schedule: dict[str, object] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True), nullable=True))
    routes_to_owners: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    escalation: dict[str, object] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True), nullable=True))
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class AlertRuleState(SQLModel, table=True):
    """What a rule remembers of one scope of one scan.

    `notified_at` and `notified_bucket` are those of the last delivery that arrived; while `delivery_id` is set, a delivery about
    the scope is under way. `waiting_since` is the newest message that nobody has answered, `escalation_step` how many followed the
    first one.
    """

    __tablename__ = "alert_rule_states"
    __table_args__ = (
        sa.Index(
            "ix_alert_rule_states_waiting",
            "waiting_since",
            sqlite_where=sa.text("waiting_since IS NOT NULL"),
            postgresql_where=sa.text("waiting_since IS NOT NULL"),
        ),
    )

    rule_id: str = Field(sa_column=sa.Column(sa.String(36), sa.ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True))
    scan_config_id: str = Field(
        sa_column=sa.Column(sa.String(36), sa.ForeignKey("scan_configs.id", ondelete="CASCADE"), primary_key=True)
    )
    scope_type: str = Field(primary_key=True, max_length=32)
    scope_ref: str = Field(primary_key=True, max_length=64)
    is_active: bool = True
    bucket: datetime = Field(sa_column=sa.Column(UtcDateTime(), nullable=False))
    last_seen_bucket: datetime = Field(sa_column=sa.Column(UtcDateTime(), nullable=False))
    direction: str = Field(max_length=8)
    notified_at: datetime | None = moment_field(nullable=True)
    notified_bucket: datetime | None = moment_field(nullable=True)
    delivery_id: str | None = Field(default=None, max_length=36, index=True)
    waiting_since: datetime | None = moment_field(nullable=True)
    escalation_step: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class AlertEvaluation(SQLModel, table=True):
    """How far a scan's collections have been handed to the rules."""

    __tablename__ = "alert_evaluations"

    scan_config_id: str = Field(
        sa_column=sa.Column(sa.String(36), sa.ForeignKey("scan_configs.id", ondelete="CASCADE"), primary_key=True)
    )
    collected_at: datetime = moment_field()
    evaluated_at: datetime = moment_field()


class AlertDelivery(SQLModel, table=True):
    """One message to one destination: an outbox row until it is sent, history afterwards.

    It names its rule and destination by value, so that it outlives them. A failed delivery with `next_attempt_at` is tried again
    by itself; one without has been given up. Until `held_until` it waits for the rule's schedule and takes in what fires meanwhile.
    `kind` is alert or escalation. One to a member's mailbox names the member as `recipient_id`. One that heeds decisions leaves out
    what somebody has answered before it leaves.
    """

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        sa.Index("ix_alert_deliveries_project_created", "project_id", "created_at"),
        sa.Index("ix_alert_deliveries_rule", "rule_id"),
        sa.Index(
            "ix_alert_deliveries_due",
            "next_attempt_at",
            sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        ),
    )

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    scan_config_id: str = reference("scan_configs.id")
    scan_job_id: str | None = Field(default=None, max_length=36)
    destination_id: str = Field(max_length=36)
    rule_id: str = Field(max_length=36)
    destination_name: str = Field(max_length=255)
    rule_name: str = Field(max_length=255)
    scan_name: str = Field(max_length=255)
    status: str = Field(default="pending", max_length=16)
    channel: str = Field(max_length=16)
    matched_count: int = 0
    payload_snapshot: dict[str, object] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True), nullable=True))
    error_message: str | None = Field(default=None, max_length=1000)
    error_kind: str | None = Field(default=None, max_length=32)
    attempt_count: int = 0
    next_attempt_at: datetime | None = moment_field(nullable=True)
    held_until: datetime | None = moment_field(nullable=True)
    kind: str = Field(default="alert", max_length=16, sa_column_kwargs={"server_default": "alert"})
    recipient_id: str | None = Field(default=None, max_length=36)
    heeds_decisions: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    claimed_by: str | None = Field(default=None, max_length=100)
    claimed_until: datetime | None = moment_field(nullable=True)
    sent_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class AlertDeliveryItem(SQLModel, table=True):
    """One scope in a delivery. `dropped_because` says why it was left out before the message left."""

    __tablename__ = "alert_delivery_items"

    id: str = id_field()
    delivery_id: str = reference("alert_deliveries.id")
    scope_type: str = Field(max_length=32)
    scope_ref: str = Field(max_length=64)
    scope_name: str = Field(max_length=1000)
    event_type_id: str | None = Field(default=None, max_length=36)
    event_id: str | None = Field(default=None, max_length=36)
    bucket: datetime = moment_field()
    direction: str = Field(max_length=8)
    actual_count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    expected_count: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    absolute_delta: int = Field(sa_column=sa.Column(sa.BigInteger(), nullable=False))
    percent_delta: float
    details_path: str | None = Field(default=None, max_length=1000)
    monitoring_path: str | None = Field(default=None, max_length=1000)
    drift_field: str | None = Field(default=None, max_length=255)
    drift_type: str | None = Field(default=None, max_length=32)
    sample_value: str | None = text_field(None)
    correlation_group_id: str | None = Field(default=None, max_length=36, index=True)
    dropped_because: str | None = Field(default=None, max_length=500)


class AlertGroup(SQLModel, table=True):
    """What people decided about one correlation group; a group without a row is open."""

    __tablename__ = "alert_groups"

    project_id: str = Field(sa_column=sa.Column(sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    correlation_group_id: str = Field(primary_key=True, max_length=36)
    status: str = Field(default="open", max_length=16)
    muted_until: datetime | None = moment_field(nullable=True)
    note: str | None = text_field(None)
    false_positive_count: int = 0
    acted_at: datetime | None = moment_field(nullable=True)
    acted_by: str | None = reference("users.id", nullable=True, index=False, on_delete="SET NULL")


class AlertDrill(SQLModel, table=True):
    """A project's fire drill: how often, where it tells, and who is told when it does not arrive. `interval` is daily or hourly."""

    __tablename__ = "alert_drills"

    project_id: str = Field(sa_column=sa.Column(sa.String(36), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True))
    enabled: bool = False
    destination_id: str | None = Field(default=None, max_length=36)
    backup_destination_id: str | None = Field(default=None, max_length=36)
    interval: str = Field(default="daily", max_length=16)
    next_run_at: datetime | None = moment_field(nullable=True)
    created_at: datetime = created_field()
    updated_at: datetime = updated_field()


class AlertDrillRun(SQLModel, table=True):
    """One drill: when its canary passed each stage. `outcome` is running, passed, failed or unknown.

    The canary's own project, scan and destination are named by value: they are removed when the next drill begins.
    """

    __tablename__ = "alert_drill_runs"
    __table_args__ = (sa.Index("ix_alert_drill_runs_project_started", "project_id", "started_at"),)

    id: str = id_field()
    project_id: str = reference("projects.id", index=False)
    is_manual: bool = False
    outcome: str = Field(default="running", max_length=16, index=True)
    failed_stage: str | None = Field(default=None, max_length=16)
    detail: str = text_field()
    bucket: datetime = moment_field()
    started_at: datetime = moment_field()
    posted_at: datetime | None = moment_field(nullable=True)
    ingested_at: datetime | None = moment_field(nullable=True)
    counted_at: datetime | None = moment_field(nullable=True)
    detected_at: datetime | None = moment_field(nullable=True)
    decided_at: datetime | None = moment_field(nullable=True)
    delivered_at: datetime | None = moment_field(nullable=True)
    finished_at: datetime | None = moment_field(nullable=True)
    canary_project_id: str = Field(max_length=36)
    scan_config_id: str = Field(max_length=36)
    scan_job_id: str | None = Field(default=None, max_length=36)
    rule_id: str = Field(max_length=36)
    destination_name: str = Field(max_length=255)
    backup_destination_id: str | None = Field(default=None, max_length=36)
    backup_delivery_id: str | None = Field(default=None, max_length=36)
