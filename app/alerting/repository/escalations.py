"""Queries on what nobody has answered yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting.repository.deliveries import ALERT
from app.alerting.repository.states import Collected
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertDestination, AlertRule, AlertRuleState
from models.projects import Project
from models.scans import ScanConfig


@dataclass(frozen=True, slots=True)
class Waiting:
    """A scope about which a rule waits for an answer."""

    state: AlertRuleState
    rule: AlertRule
    scan: Collected


def _waits(now: datetime) -> list[sa.ColumnElement[bool]]:
    return [
        col(AlertRuleState.waiting_since) <= now,
        col(AlertRuleState.is_active).is_(True),
        col(AlertRule.enabled).is_(True),
        col(AlertDestination.enabled).is_(True),
        col(AlertRule.escalation).is_not(None),
        sa.or_(col(AlertRule.muted_until).is_(None), col(AlertRule.muted_until) <= now),
    ]


def waiting(session: Session, now: datetime, *, lock: bool = False) -> list[Waiting]:
    """Scopes of rules that are neither off nor muted and tell others when nobody answers, the longest waiting first."""
    statement = (
        sa.select(AlertRuleState, AlertRule, ScanConfig, Project)
        .join(AlertRule, col(AlertRule.id) == col(AlertRuleState.rule_id))
        .join(AlertDestination, col(AlertDestination.id) == col(AlertRule.destination_id))
        .join(ScanConfig, col(ScanConfig.id) == col(AlertRuleState.scan_config_id))
        .join(Project, col(Project.id) == col(AlertDestination.project_id))
        .where(*_waits(now))
        .order_by(col(AlertRuleState.waiting_since), col(AlertRuleState.rule_id), col(AlertRuleState.scope_ref))
        .execution_options(populate_existing=True)
    )
    if lock:
        statement = statement.with_for_update(of=AlertRuleState)
    return [
        Waiting(state, rule, Collected(scan.id, scan.name, "", now, project.id, project.slug, project.name))
        for state, rule, scan, project in session.execute(statement)
    ]


def newest_items(session: Session, rule_id: str, scan_config_id: str, scopes: set[tuple[str, str]]) -> list[AlertDeliveryItem]:
    """What was last told about each of the scopes."""
    statement = (
        sa.select(AlertDeliveryItem)
        .join(AlertDelivery, col(AlertDelivery.id) == col(AlertDeliveryItem.delivery_id))
        .where(
            col(AlertDelivery.rule_id) == rule_id,
            col(AlertDelivery.scan_config_id) == scan_config_id,
            col(AlertDelivery.kind) == ALERT,
            col(AlertDeliveryItem.scope_ref).in_({ref for _, ref in scopes}),
        )
        .order_by(col(AlertDelivery.created_at), col(AlertDeliveryItem.bucket), col(AlertDeliveryItem.id))
    )
    found = {(item.scope_type, item.scope_ref): item for item in session.execute(statement).scalars()}
    return [found[scope] for scope in sorted(scopes & set(found))]


def set_wait(session: Session, project_id: str, group_id: str, since: datetime | None) -> None:
    """Let the scopes that were told about in the group wait from then on, or for nothing any more.

    Only those begin to wait anew that still give something to tell, of rules that tell others when nobody answers.
    """
    told = (
        sa.exists()
        .where(
            col(AlertDelivery.id) == col(AlertDeliveryItem.delivery_id),
            col(AlertDelivery.project_id) == project_id,
            col(AlertDeliveryItem.correlation_group_id) == group_id,
            col(AlertDelivery.rule_id) == col(AlertRuleState.rule_id),
            col(AlertDelivery.scan_config_id) == col(AlertRuleState.scan_config_id),
            col(AlertDeliveryItem.scope_type) == col(AlertRuleState.scope_type),
            col(AlertDeliveryItem.scope_ref) == col(AlertRuleState.scope_ref),
            col(AlertDeliveryItem.direction) == col(AlertRuleState.direction),
        )
        .correlate(AlertRuleState)
    )
    statement = sa.update(AlertRuleState).where(told)
    if since is not None:
        escalates = sa.exists().where(col(AlertRule.id) == col(AlertRuleState.rule_id), col(AlertRule.escalation).is_not(None))
        statement = statement.where(col(AlertRuleState.is_active), escalates.correlate(AlertRuleState))
    _write(session, statement.values(waiting_since=since, escalation_step=0))


def forget(session: Session, rule_id: str) -> None:
    """Nothing that the rule told is waited for any more."""
    of_rule = sa.update(AlertRuleState).where(col(AlertRuleState.rule_id) == rule_id)
    _write(session, of_rule.values(waiting_since=None, escalation_step=0))


def move_wait(session: Session, delivery_id: str, since: datetime | None) -> None:
    """The first message about the scopes leaves at another time, so that is when their wait begins; never without a time."""
    statement = sa.update(AlertRuleState).where(
        col(AlertRuleState.delivery_id) == delivery_id,
        col(AlertRuleState.waiting_since).is_not(None),
        col(AlertRuleState.escalation_step) == 0,
    )
    _write(session, statement.values(waiting_since=since))


def _write(session: Session, statement: sa.Update) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})
