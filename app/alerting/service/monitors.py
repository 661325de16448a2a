"""Monitors: a rule seen as something that watches (contract 12.8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import views
from app.alerting.contracts import MonitorView
from app.alerting.repository import candidates as found_rows
from app.alerting.repository import deliveries, states
from app.alerting.repository import destinations as rows
from app.alerting.service import schedules
from app.alerting.vocabulary import AlertDirection, AlertScope, DeliveryStatus, DestinationType, MonitorStatus
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK, as_utc
from app.kernel.errors import InvalidInput, NotFound
from app.projects import service as projects
from models.alerting import AlertDestination, AlertRule, AlertRuleState

FIRING_FOR = timedelta(hours=24)
"""Age up to which an active scope's anomaly counts as firing."""


@dataclass(frozen=True, slots=True)
class ActiveScope:
    """Something a rule sees right now: `bucket` is its newest anomaly, whose last bucket is `newest_bucket`.

    `name` is None for what the plan does not know by name: a drift, or an event that is gone.
    """

    scan_config_id: str
    scope_type: AlertScope
    scope_ref: str
    name: str | None
    direction: AlertDirection
    bucket: datetime
    newest_bucket: datetime
    is_firing: bool


def list_monitors(session: Session, actor: Actor, slug: str, *, now: datetime | None = None) -> list[MonitorView]:
    """All rules of the project by destination name and rule name. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    found = rows.rules_with_destinations(session, project.id)
    remembered: dict[str, list[AlertRuleState]] = {}
    for state in states.states_of_rules(session, [rule.id for rule, _ in found]):
        remembered.setdefault(state.rule_id, []).append(state)
    at = now or SYSTEM_CLOCK.now()
    return [_view(rule, destination, remembered.get(rule.id, ()), at) for rule, destination in found]


def active_scopes(session: Session, actor: Actor, slug: str, *, now: datetime | None = None) -> dict[str, list[ActiveScope]]:
    """What each rule of the project sees now, newest first; rules that see nothing are left out. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    at = now or SYSTEM_CLOCK.now()
    known = found_rows.names(session, project.id)
    rule_ids = [rule.id for rule, _ in rows.rules_with_destinations(session, project.id)]
    found: dict[str, list[ActiveScope]] = {}
    for state in states.states_of_rules(session, rule_ids):
        if state.is_active:
            found.setdefault(state.rule_id, []).append(_active(state, known, project.name, at))
    return {rule_id: sorted(scopes, key=lambda one: one.newest_bucket, reverse=True) for rule_id, scopes in found.items()}


def _active(state: AlertRuleState, known: found_rows.Names, project_name: str, now: datetime) -> ActiveScope:
    scope = AlertScope(state.scope_type)
    named = known.get((scope, state.scope_ref))
    return ActiveScope(
        scan_config_id=state.scan_config_id,
        scope_type=scope,
        scope_ref=state.scope_ref,
        name=project_name if scope is AlertScope.PROJECT_TOTAL else named.name if named else None,
        direction=AlertDirection(state.direction),
        bucket=state.bucket,
        newest_bucket=state.last_seen_bucket,
        is_firing=now - state.last_seen_bucket <= FIRING_FOR,
    )


def get_monitor(session: Session, actor: Actor, slug: str, rule_id: str, *, now: datetime | None = None) -> MonitorView:
    """One rule with what it has delivered. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    rule, destination = _find(session, project.id, rule_id)
    return _detail(session, rule, destination, now or SYSTEM_CLOCK.now())


def mute_monitor(
    session: Session, actor: Actor, slug: str, rule_id: str, muted_until: datetime, *, now: datetime | None = None
) -> MonitorView:
    """Send nothing until then; the rule keeps watching. Editors and owners. Errors: NotFound, InvalidInput for a past moment."""
    actor.require_editor()
    at, until = now or SYSTEM_CLOCK.now(), as_utc(muted_until)
    project = projects.get_project(session, actor, slug)
    rule, destination = _find(session, project.id, rule_id, lock=True)
    if until <= at:
        raise InvalidInput("must lie in the future", field="muted_until")
    rows.set_muted_until(rule, until)
    rows.save(session, rule)
    schedules.replan(session, rule, at)
    identity.record_audit(
        session, actor, "alert_rule.mute", "alert_rule", rule.id, project_slug=slug, payload={"muted_until": until.isoformat()}
    )
    return _detail(session, rule, destination, at)


def unmute_monitor(session: Session, actor: Actor, slug: str, rule_id: str, *, now: datetime | None = None) -> MonitorView:
    """Send again. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    rule, destination = _find(session, project.id, rule_id, lock=True)
    at = now or SYSTEM_CLOCK.now()
    rows.set_muted_until(rule, None)
    rows.save(session, rule)
    schedules.replan(session, rule, at)
    identity.record_audit(session, actor, "alert_rule.unmute", "alert_rule", rule.id, project_slug=slug)
    return _detail(session, rule, destination, at)


def _find(session: Session, project_id: str, rule_id: str, *, lock: bool = False) -> tuple[AlertRule, AlertDestination]:
    found = rows.find_rule(session, project_id, rule_id, lock=lock)
    if found is None:
        raise NotFound("Alert rule not found")
    return found


def _detail(session: Session, rule: AlertRule, destination: AlertDestination, now: datetime) -> MonitorView:
    figures = deliveries.figures(session, rule.id)
    remembered = states.states_of_rules(session, [rule.id])
    return _view(rule, destination, remembered, now, figures)


def _view(
    rule: AlertRule,
    destination: AlertDestination,
    remembered: Iterable[AlertRuleState],
    now: datetime,
    figures: deliveries.DeliveryFigures | None = None,
) -> MonitorView:
    known = list(remembered)
    active = [state for state in known if state.is_active]
    firing = [state for state in active if now - state.last_seen_bucket <= FIRING_FOR]
    status = MonitorStatus.FIRING if firing else MonitorStatus.WARNING if active else MonitorStatus.HEALTHY
    return MonitorView(
        rule=views.rule_view(rule),
        destination_name=destination.name,
        destination_type=DestinationType(destination.type),
        destination_enabled=destination.enabled,
        status=status,
        active_scope_count=len(active),
        firing_scope_count=len(firing),
        last_anomaly_at=max((state.last_seen_bucket for state in known), default=None),
        last_notified_at=max((state.notified_at for state in known if state.notified_at is not None), default=None),
        muted=rule.muted_until is not None and rule.muted_until > now,
        total_deliveries=figures.total if figures else 0,
        last_delivery_at=figures.last_at if figures else None,
        last_delivery_status=DeliveryStatus(figures.last_status) if figures else None,
    )
