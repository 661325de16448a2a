"""One pass over events that were just stored: history in, findings out, one alert per incident (contract C.6)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from app.identity.contracts import IngestPrincipal
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from app.kernel.settings import get_settings
from app.security import behaviour
from app.security.behaviour.threat_models import ModelPass, ThreatModel
from app.security.contracts import Finding, SecurityEvent
from app.security.plans import SecurityPlan
from app.security.repository import events as repository
from app.security.service import threat_models
from app.security.service.alerts import raise_alerts
from app.security.service.judged_counts import JUDGED
from app.security.service.surroundings import gather, place_of

ALL_PLANS: Final = frozenset({"brute_force_attack", "rate_limit_exceeded", "suspicious_activity", "new_device"})
PATIENCE_SECONDS: Final = 30.0
PASS_EVENTS: Final = 5_000
ALERTS_AT_ONCE: Final = 50
MODEL_SECONDS: Final = 2.0
"""What one threat model may take for the events of one pass before it is switched off."""
_PAUSE_SECONDS: Final = 0.05
_WATCHED: Final = frozenset({"auth.login_success", "auth.login_failed", "security.rate_limit_exceeded"})


def run(principal: IngestPrincipal, plan: SecurityPlan, events: Sequence[SecurityEvent]) -> None:
    """Judge the events once the event store shows them, and note that they were. Safe to repeat. Errors: Unavailable."""
    wait_until_stored(principal, max(events, key=place_of))
    judge(principal, plan, events)
    JUDGED.note(principal.project_id, events)


def judge(principal: IngestPrincipal, plan: SecurityPlan, events: Sequence[SecurityEvent]) -> None:
    """Raise the alerts of stored events, in their order. Safe to repeat. Errors: Unavailable."""
    with session_scope(write=False) as session:
        models = threat_models.enabled_models(session, principal.project_id, plan)
    watched = sorted((event for event in events if _is_watched(event, models)), key=place_of)
    for start in range(0, len(watched), PASS_EVENTS):
        part = watched[start : start + PASS_EVENTS]
        around = gather(principal, plan, part, models)
        passes = _model_passes(principal.project_id, models, around.events)
        found: list[tuple[SecurityEvent, Finding]] = []
        for event in part:
            custom = (finding for one in passes if (finding := one.finding(event)) is not None)
            for finding in [*behaviour.findings(event, around.before(event), get_settings()), *custom]:
                if plan.is_full or finding.alert_type in ALL_PLANS:
                    found.append((event, finding))
        _raise(principal.project_id, found)


def _raise(project_id: str, found: Sequence[tuple[SecurityEvent, Finding]]) -> None:
    for start in range(0, len(found), ALERTS_AT_ONCE):
        with session_scope() as session:
            raise_alerts(session, project_id, found[start : start + ALERTS_AT_ONCE])


def wait_until_stored(principal: IngestPrincipal, event: SecurityEvent) -> None:
    """Return when the event store shows the event. Errors: Unavailable, also when patience is at its end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while repository.get_event(principal, event.id, event.at) is None:
        if time.monotonic() > deadline:
            raise Unavailable("Events that were kept do not show in the event store")
        time.sleep(_PAUSE_SECONDS)


def _is_watched(event: SecurityEvent, models: Sequence[ThreatModel]) -> bool:
    if not (event.actor_id or event.user_ip):
        return False
    return event.name in _WATCHED or any(model.is_completed_by(event.name) for model in models)


def _model_passes(project_id: str, models: Sequence[ThreatModel], events: Sequence[SecurityEvent]) -> list[ModelPass]:
    """The models over the events; one that cannot be used or takes too long is switched off, with the reason."""
    found = []
    for model in models:
        try:
            found.append(ModelPass(model, events, seconds=MODEL_SECONDS))
        except ValueError as fault:
            with session_scope() as session:
                threat_models.pause(session, project_id, model.id, str(fault))
    return found
