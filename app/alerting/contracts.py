"""What crosses the border of alerting about rules, destinations, monitors and the inbox: candidates in, views out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.alerting.vocabulary import (
    AlertDirection,
    AlertDriftType,
    AlertScope,
    DeliveryStatus,
    DestinationType,
    FilterField,
    FilterOperator,
    GroupStatus,
    MessageFormat,
    MonitorStatus,
)

ScopeKey = tuple[AlertScope, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something a rule may tell about. `last_bucket` is later than `bucket` only for an outage that lasts.

    `expected_because` is why somebody expects it; then it is never told.
    """

    scope_type: AlertScope
    scope_ref: str
    scope_name: str
    bucket: datetime
    direction: AlertDirection
    actual: float
    expected: float
    id: str = ""
    last_bucket: datetime | None = None
    event_type_id: str | None = None
    event_id: str | None = None
    drift_field: str | None = None
    drift_type: AlertDriftType | None = None
    sample_value: str | None = None
    expected_because: str = ""

    @property
    def key(self) -> ScopeKey:
        """What the rule's state is kept by."""
        return self.scope_type, self.scope_ref

    @property
    def newest_bucket(self) -> datetime:
        """The last bucket it is about."""
        return self.last_bucket or self.bucket

    @property
    def absolute_delta(self) -> float:
        """How far the count is from the expected one."""
        return abs(self.actual - self.expected)

    @property
    def percent_delta(self) -> float:
        """The same in percent of the expected count; 100 when nothing was expected."""
        if self.expected > 0:
            return self.absolute_delta / self.expected * 100
        return 100.0 if self.absolute_delta > 0 else 0.0


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """A condition on a candidate."""

    field: FilterField
    operator: FilterOperator
    values: tuple[str, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as people write it (contract 12.2)."""

    name: str
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
    message_template: str | None = None
    items_template: str | None = None
    message_format: MessageFormat = MessageFormat.PLAIN
    filters: tuple[RuleFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleView:
    """A stored rule."""

    id: str
    destination_id: str
    spec: RuleSpec
    muted_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DestinationFields:
    """A destination as people write it; only the fields of its channel count. Secrets are in the clear here and only here."""

    webhook_url: str | None = None
    bot_token: str | None = None
    chat_id: str | None = None
    target_url: str | None = None
    webhook_header_name: str | None = None
    webhook_header_value: str | None = None
    email_recipients: str | None = None
    email_from_address: str | None = None
    email_subject_template: str | None = None
    jira_base_url: str | None = None
    jira_auth_email: str | None = None
    jira_api_token: str | None = None
    jira_project_key: str | None = None
    jira_issue_type: str | None = None
    linear_api_key: str | None = None
    linear_team_id: str | None = None
    linear_state_id: str | None = None
    linear_label_ids: str | None = None
    apprise_url: str | None = None


@dataclass(frozen=True, slots=True)
class DestinationView:
    """A destination without its secrets."""

    id: str
    project_id: str
    type: DestinationType
    name: str
    enabled: bool
    webhook_set: bool
    bot_token_set: bool
    chat_id: str | None
    target_url_set: bool
    webhook_header_name: str | None
    email_recipients: str | None
    email_from_address: str | None
    email_subject_template: str | None
    jira_base_url: str | None
    jira_auth_email: str | None
    jira_api_token_set: bool
    jira_project_key: str | None
    jira_issue_type: str | None
    linear_api_key_set: bool
    linear_team_id: str | None
    linear_state_id: str | None
    linear_label_ids: str | None
    rules: list[RuleView]
    created_at: datetime
    updated_at: datetime
    webhook_header_value_set: bool = False
    apprise_url_set: bool = False
    last_test_at: datetime | None = None
    last_test_status: str | None = None
    last_test_message: str | None = None


@dataclass(frozen=True, slots=True)
class MonitorView:
    """A rule as something that watches (contract 12.8)."""

    rule: RuleView
    destination_name: str
    destination_type: DestinationType
    destination_enabled: bool
    status: MonitorStatus
    active_scope_count: int
    firing_scope_count: int
    last_anomaly_at: datetime | None
    last_notified_at: datetime | None
    muted: bool
    total_deliveries: int = 0
    last_delivery_at: datetime | None = None
    last_delivery_status: DeliveryStatus | None = None


@dataclass(frozen=True, slots=True)
class GroupView:
    """A correlation group of the inbox (contract 12.9)."""

    correlation_group_id: str
    status: GroupStatus
    muted_until: datetime | None
    note: str | None
    false_positive_count: int
    item_count: int
    delivery_count: int
    latest_bucket: datetime
    latest_delivery_at: datetime
    direction: AlertDirection
    scope_names: list[str]
    destination_names: list[str]
    rule_names: list[str]
    scan_names: list[str]
    acted_at: datetime | None
    acted_by: str | None
    assignee_id: str | None = None
    assigned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """A candidate that a simulated rule tells about, as it would read."""

    candidate: Candidate
    rendered_item: str | None


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """A step that a simulated rule takes because nobody answers: what it is about, its number from 1, and when."""

    candidate: Candidate
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a rule would have done (contract 12.7). `steps` are those of its escalation if nobody had answered anything."""

    rule_id: str
    rule_name: str
    days: int
    window_from: datetime
    window_to: datetime
    considered_count: int
    matched_count: int
    firings: list[Firing]
    is_noisy: bool
    cooldown_minutes_used: int
    rendered_message: str | None
    steps: list[EscalationStep] = field(default_factory=list)

    @property
    def saved_count(self) -> int:
        """How many messages the cooldown held back."""
        return self.matched_count - len(self.firings)
