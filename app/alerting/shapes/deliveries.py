"""Bodies about deliveries and the inbox."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.alerting.vocabulary import (
    AlertDirection,
    AlertDriftType,
    AlertScope,
    DeliveryStatus,
    DestinationType,
    GroupAction,
    GroupStatus,
)
from app.kernel.text import PlainText


class _Response(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AlertDeliveryResponse(_Response):
    """A delivery."""

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
    payload_snapshot: dict[str, Any] | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None


class AlertDeliveryItemResponse(_Response):
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


class AlertDeliveryDetailResponse(AlertDeliveryResponse):
    """A delivery with its items."""

    items: list[AlertDeliveryItemResponse]


class AlertDeliveryListResponse(_Response):
    """A page of deliveries."""

    items: list[AlertDeliveryResponse]
    total: int


class AlertInboxGroupResponse(_Response):
    """A correlation group of the inbox."""

    correlation_group_id: str
    status: GroupStatus
    muted_until: datetime | None
    note: str | None
    false_positive_count: int = 0
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


class AlertInboxListResponse(_Response):
    """A page of the inbox."""

    items: list[AlertInboxGroupResponse]
    total: int


class AlertInboxActionRequest(BaseModel):
    """What somebody decides about a group."""

    action: GroupAction
    note: Annotated[PlainText, Field(max_length=2000)] | None = None
    muted_until: datetime | None = None
