"""Alerting as one surface: destinations, rules, monitors, deliveries, the inbox, and what jobs call."""

from __future__ import annotations

from app.alerting.repository.deliveries import KEPT_BACK, DeliveryFilter
from app.alerting.repository.states import Collected
from app.alerting.service.assignments import assign, take
from app.alerting.service.deliveries import (
    MAKES_TICKETS,
    DeliveryHealth,
    delivery_health,
    get_delivery,
    list_deliveries,
    newest_deliveries,
    redeliver,
    retry_delivery,
)
from app.alerting.service.destinations import (
    check_reach,
    create_destination,
    delete_destination,
    get_destination,
    list_destinations,
    require_editor_of,
    rotate_signing_secret,
    signing_secret,
    update_destination,
)
from app.alerting.service.drills import get_drill, list_drill_runs, run_drill, set_drill
from app.alerting.service.escalation import Routing, escalate, get_routing, has_due_steps, set_routing
from app.alerting.service.evaluation import evaluate_scan, waiting_scans
from app.alerting.service.explanation import Explanation, GateResult, explain
from app.alerting.service.inbox import apply_action, get_group, list_groups
from app.alerting.service.monitors import ActiveScope, active_scopes, get_monitor, list_monitors, mute_monitor, unmute_monitor
from app.alerting.service.routing import Contact, get_contact, set_contact
from app.alerting.service.rules import RuleActivity, create_rule, delete_rule, get_rule, rule_activity, update_rule
from app.alerting.service.schedules import get_schedule, set_schedule
from app.alerting.service.sending import claim_parcel, has_due, record
from app.alerting.service.simulation import Comparison, Rehearsal, compare_rule, recent_candidates, rehearse_rule, simulate_rule
from app.alerting.service.trials import (
    Trial,
    record_trial,
    run_trial,
    set_sender,
    take_trial_turn,
    trial_of_draft,
    trial_of_stored,
)

__all__ = [
    "KEPT_BACK",
    "MAKES_TICKETS",
    "ActiveScope",
    "Collected",
    "Comparison",
    "Contact",
    "DeliveryFilter",
    "DeliveryHealth",
    "Explanation",
    "GateResult",
    "Rehearsal",
    "Routing",
    "RuleActivity",
    "Trial",
    "active_scopes",
    "apply_action",
    "assign",
    "check_reach",
    "claim_parcel",
    "compare_rule",
    "create_destination",
    "create_rule",
    "delete_destination",
    "delete_rule",
    "delivery_health",
    "escalate",
    "evaluate_scan",
    "explain",
    "get_contact",
    "get_delivery",
    "get_destination",
    "get_drill",
    "get_group",
    "get_monitor",
    "get_routing",
    "get_rule",
    "get_schedule",
    "has_due",
    "has_due_steps",
    "list_deliveries",
    "list_destinations",
    "list_drill_runs",
    "list_groups",
    "list_monitors",
    "mute_monitor",
    "newest_deliveries",
    "recent_candidates",
    "record",
    "record_trial",
    "redeliver",
    "rehearse_rule",
    "require_editor_of",
    "retry_delivery",
    "rotate_signing_secret",
    "rule_activity",
    "run_drill",
    "run_trial",
    "set_contact",
    "set_drill",
    "set_routing",
    "set_schedule",
    "set_sender",
    "signing_secret",
    "simulate_rule",
    "take",
    "take_trial_turn",
    "trial_of_draft",
    "trial_of_stored",
    "unmute_monitor",
    "update_destination",
    "update_rule",
    "waiting_scans",
]
