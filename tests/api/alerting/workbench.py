"""A project with a destination, a rule, a failed delivery and a group, for tests over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.alerting import service
from app.alerting.contracts import DestinationFields, RuleFilter, RuleSpec
from app.alerting.rules import group_id
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType, FilterField, FilterOperator
from app.identity.contracts import SYSTEM_ACTOR
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertRuleState
from models.projects import Project
from tests import factories

SLACK_URL = "https://hooks.slack.com/services/T000/B000/secret"


@dataclass(frozen=True)
class AlertWorld:
    """Ids of one of everything."""

    slug: str
    project_id: str
    scan_id: str
    event_type_id: str
    event_id: str
    destination_id: str
    rule_id: str
    delivery_id: str
    correlation_group_id: str

    @property
    def base(self) -> str:
        """Where the project's routes begin."""
        return f"/api/v1/projects/{self.slug}"

    def path(self, operation: dict[str, Any]) -> str:
        """The operation's path in this world."""
        return operation["path"].format(**{name: getattr(self, name) for name in type(self).__dataclass_fields__})


def make_alert_world(session: Session, *, project: Project | None = None) -> AlertWorld:
    project = project or factories.make_project(session)
    event_type = factories.make_event_type(session, project, name="shop")
    event = factories.make_event(session, event_type, name="order_paid")
    scan = factories.make_scan_config(session, project)
    now = datetime.now(UTC)
    bucket = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    factories.make_anomaly(session, scan, bucket=bucket, scope_type="event", scope_ref=event.id)
    factories.make_anomaly(session, scan, bucket=bucket)
    destination = service.create_destination(
        session, SYSTEM_ACTOR, project.slug, DestinationType.SLACK, "Team", DestinationFields(webhook_url=SLACK_URL)
    )
    spec = RuleSpec(name="Drops", filters=(RuleFilter(FilterField.DIRECTION, FilterOperator.EQ, ("down",)),))
    rule = service.create_rule(session, SYSTEM_ACTOR, project.slug, destination.id, spec)
    group = group_id(scan.id, rule.id, (AlertScope.EVENT, event.id), AlertDirection.DROP)
    delivery = AlertDelivery(
        project_id=project.id, scan_config_id=scan.id, destination_id=destination.id, rule_id=rule.id, destination_name="Team",
        rule_name="Drops", scan_name=scan.name, status="failed", channel="slack", matched_count=1,
        payload_snapshot={"message_format": "plain", "rendered_message": "x"}, error_message="no_service",
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    session.add(
        AlertDeliveryItem(
            delivery_id=delivery.id, scope_type="event", scope_ref=event.id, scope_name="order_paid", event_id=event.id,
            event_type_id=event_type.id, bucket=bucket, direction="drop", actual_count=10, expected_count=100, absolute_delta=90,
            percent_delta=90.0, correlation_group_id=group,
        )
    )  # fmt: skip
    session.add(
        AlertRuleState(
            rule_id=rule.id, scan_config_id=scan.id, scope_type="event", scope_ref=event.id, bucket=bucket,
            last_seen_bucket=bucket, direction="drop",
        )
    )  # fmt: skip
    session.flush()
    return AlertWorld(project.slug, project.id, scan.id, event_type.id, event.id, destination.id, rule.id, delivery.id, group)
