"""All rules over one event and what came before it (contract C.6)."""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.settings import Settings
from app.security.behaviour.failures import brute_force
from app.security.behaviour.places import geo_anomaly, impossible_travel
from app.security.behaviour.rules import DEFAULT_RULES, BehaviourRules
from app.security.behaviour.surroundings import new_device, rate_limit_exceeded, suspicious_network
from app.security.behaviour.threat_models import ThreatModel, model_findings
from app.security.contracts import ActorHistory, Finding, SecurityEvent


def findings(
    event: SecurityEvent, history: ActorHistory, settings: Settings | BehaviourRules, models: Sequence[ThreatModel] = ()
) -> list[Finding]:
    """What the event is evidence of, gravest kind of rule first. Pure; instant alerts of critical events are not among them.

    The contract's bounds hold unless `settings` are BehaviourRules. `models` are the project's own threat models.
    """
    rules = settings if isinstance(settings, BehaviourRules) else DEFAULT_RULES
    return [
        *brute_force(event, history, rules),
        *impossible_travel(event, history, rules),
        *geo_anomaly(event, history, rules),
        *suspicious_network(event),
        *new_device(event, history),
        *rate_limit_exceeded(event),
        *model_findings(event, history, models),
    ]
