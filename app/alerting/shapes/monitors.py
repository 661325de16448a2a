"""Bodies about monitors: rules as something that watches."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from app.alerting.contracts import MonitorView
from app.alerting.vocabulary import DeliveryStatus, MonitorStatus


class MonitorSummaryItem(BaseModel):
    """A rule as something that watches."""

    rule_id: str
    rule_name: str
    destination_id: str
    destination_name: str
    destination_type: str
    enabled: bool
    status: MonitorStatus
    active_scope_count: int
    firing_scope_count: int
    last_anomaly_at: datetime | None
    last_notified_at: datetime | None
    notify_on_spike: bool
    notify_on_drop: bool
    min_percent_delta: float
    min_expected_count: float
    cooldown_minutes: int
    muted: bool = False
    muted_until: datetime | None


class MonitorsSummaryResponse(BaseModel):
    """All rules, counted by status."""

    monitors: list[MonitorSummaryItem]
    firing_count: int
    warning_count: int
    healthy_count: int
    total: int


class MonitorDetailResponse(MonitorSummaryItem):
    """A rule with its toggles and what it has delivered."""

    rule_enabled: bool
    destination_enabled: bool
    include_project_total: bool
    include_event_types: bool
    include_events: bool
    include_schema_drifts: bool
    include_distribution_drifts: bool
    include_release_regressions: bool
    total_deliveries: int
    last_delivery_at: datetime | None
    last_delivery_status: DeliveryStatus | None


class MonitorMuteRequest(BaseModel):
    """Until when a rule is silent."""

    muted_until: datetime


_MONITOR_FIELDS = ("destination_name", "status", "active_scope_count", "firing_scope_count", "last_anomaly_at",
                   "last_notified_at", "muted")  # fmt: skip
_MONITOR_RULE_FIELDS = ("notify_on_spike", "notify_on_drop", "min_percent_delta", "min_expected_count", "cooldown_minutes")
_MONITOR_TOGGLES = ("include_project_total", "include_event_types", "include_events", "include_schema_drifts",
                    "include_distribution_drifts", "include_release_regressions")  # fmt: skip


def _summary(view: MonitorView) -> dict[str, object]:
    spec = view.rule.spec
    return {
        "rule_id": view.rule.id,
        "rule_name": spec.name,
        "destination_id": view.rule.destination_id,
        "destination_type": view.destination_type.value,
        "enabled": spec.enabled and view.destination_enabled,
        "muted_until": view.rule.muted_until,
        **{name: getattr(view, name) for name in _MONITOR_FIELDS},
        **{name: getattr(spec, name) for name in _MONITOR_RULE_FIELDS},
    }


def monitors_response(views: list[MonitorView]) -> MonitorsSummaryResponse:
    """The wire form of all monitors."""
    count = {status: sum(view.status is status for view in views) for status in MonitorStatus}
    return MonitorsSummaryResponse(
        monitors=[MonitorSummaryItem.model_validate(_summary(view)) for view in views],
        firing_count=count[MonitorStatus.FIRING],
        warning_count=count[MonitorStatus.WARNING],
        healthy_count=count[MonitorStatus.HEALTHY],
        total=len(views),
    )


def monitor_response(view: MonitorView) -> MonitorDetailResponse:
    """The wire form of one monitor."""
    return MonitorDetailResponse.model_validate(
        {
            **_summary(view),
            "rule_enabled": view.rule.spec.enabled,
            "destination_enabled": view.destination_enabled,
            "total_deliveries": view.total_deliveries,
            "last_delivery_at": view.last_delivery_at,
            "last_delivery_status": view.last_delivery_status,
            **{name: getattr(view.rule.spec, name) for name in _MONITOR_TOGGLES},
        }
    )
