"""What crosses the border of alerting about one message: what a channel needs to send it, how that ended, and what was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.alerting.contracts import DestinationFields
from app.alerting.vocabulary import AlertDirection, AlertDriftType, AlertScope, DeliveryStatus, DestinationType


@dataclass(frozen=True, slots=True)
class Target:
    """Everything a channel needs to reach a destination, secrets included: for the process that sends, never for an answer."""

    type: DestinationType
    name: str
    fields: DestinationFields
    signing_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message ready to be sent: the stored snapshot and the id that stays the same over all its attempts.

    `wants_explanation` says that its rule asks for the assistant's words and that it has none yet.
    """

    delivery_id: str
    target: Target
    snapshot: dict[str, object]
    created_at: datetime
    wants_explanation: bool = False


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """How an attempt ended. `notes` are added to the snapshot."""

    is_sent: bool
    error_message: str | None = None
    error_kind: str | None = None
    is_temporary: bool = False
    retry_after_seconds: float | None = None
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How a test message fared, as a sentence. `kind` says why it failed: dns, tls, timeout, status, rate_limited and so on."""

    is_sent: bool
    message: str
    kind: str | None
    retry_after_seconds: float | None
    tested_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryItemView:
    """One scope in a delivery."""

    id: str
    delivery_id: str
    scope_type: AlertScope
    scope_ref: str
    scope_name: str
    event_type_id: str | None
    event_id: str | None
    bucket: datetime
    direction: AlertDirection
    actual_count: int
    expected_count: int
    absolute_delta: int
    percent_delta: float
    details_path: str | None
    monitoring_path: str | None
    drift_field: str | None
    drift_type: AlertDriftType | None
    sample_value: str | None
    correlation_group_id: str | None
    dropped_because: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery; `items` only when it was asked for alone. `kind` is alert, escalation or drill."""

    id: str
    project_id: str
    scan_config_id: str
    scan_job_id: str | None
    destination_id: str
    rule_id: str
    destination_name: str
    rule_name: str
    scan_name: str
    status: DeliveryStatus
    channel: DestinationType
    matched_count: int
    payload_snapshot: dict[str, object] | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None
    attempt_count: int
    next_attempt_at: datetime | None
    items: list[DeliveryItemView]
    error_kind: str | None = None
    kind: str = "alert"
    held_until: datetime | None = None
