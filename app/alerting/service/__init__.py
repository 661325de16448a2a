"""Alerting as one surface: destinations, rules, monitors, deliveries, the inbox, and what jobs call."""

from __future__ import annotations

from app.alerting.repository.deliveries import DeliveryFilter
from app.alerting.repository.states import Collected
from app.alerting.service.deliveries import get_delivery, list_deliveries, retry_delivery
from app.alerting.service.destinations import (
    check_reach,
    create_destination,
    delete_destination,
    get_destination,
    list_destinations,
    parcel_to_test,
    require_editor_of,
    rotate_signing_secret,
    signing_secret,
    try_parcel,
    update_destination,
)
from app.alerting.service.evaluation import evaluate_scan, waiting_scans
from app.alerting.service.explanation import Explanation, GateResult, explain
from app.alerting.service.inbox import apply_action, list_groups
from app.alerting.service.monitors import get_monitor, list_monitors, mute_monitor, unmute_monitor
from app.alerting.service.rules import create_rule, delete_rule, get_rule, update_rule
from app.alerting.service.sending import claim_parcel, has_due, record
from app.alerting.service.simulation import Comparison, compare_rule, simulate_rule

__all__ = [
    "Collected",
    "Comparison",
    "DeliveryFilter",
    "Explanation",
    "GateResult",
    "apply_action",
    "check_reach",
    "claim_parcel",
    "compare_rule",
    "create_destination",
    "create_rule",
    "delete_destination",
    "delete_rule",
    "evaluate_scan",
    "explain",
    "get_delivery",
    "get_destination",
    "get_monitor",
    "get_rule",
    "has_due",
    "list_deliveries",
    "list_destinations",
    "list_groups",
    "list_monitors",
    "mute_monitor",
    "parcel_to_test",
    "record",
    "require_editor_of",
    "retry_delivery",
    "rotate_signing_secret",
    "signing_secret",
    "simulate_rule",
    "try_parcel",
    "unmute_monitor",
    "update_destination",
    "update_rule",
    "waiting_scans",
]
