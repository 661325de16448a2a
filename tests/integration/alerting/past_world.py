"""A project with a rule and a past, for tests of simulations and of the pages on rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields, RuleSpec
from app.alerting.rules import group_id
from app.alerting.schedules import Schedule
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType
from app.detection import feedback
from app.detection.contracts import Direction
from app.detection.feedback import VerdictKind
from app.identity.contracts import SYSTEM_ACTOR
from app.metrics.contracts import ScopeType, SeriesKey
from models.alerting import AlertDelivery, AlertDeliveryItem
from models.metrics import MetricCoverage
from tests import factories

EVENING = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
NEWEST = NOW.replace(minute=0) - timedelta(hours=1)
HOUR = timedelta(hours=1)
TOTAL = AlertScope.PROJECT_TOTAL


class World:
    """A project with one rule about drops of an hourly scan."""

    def __init__(self, session: Session, **spec) -> None:
        self.session = session
        self.project = factories.make_project(session)
        self.scan = factories.make_scan_config(session, self.project)
        fields = DestinationFields(webhook_url="https://hooks.slack.com/services/T000/B000/x")
        destination = alerting.create_destination(session, SYSTEM_ACTOR, self.project.slug, DestinationType.SLACK, "Team", fields)
        self.destination_id = destination.id
        rule = alerting.create_rule(
            session, SYSTEM_ACTOR, self.project.slug, destination.id, RuleSpec(name="Drops", cooldown_minutes=60, **spec)
        )
        self.rule_id = rule.id

    def drop(self, hours_ago: int, *, actual: int = 10) -> datetime:
        bucket = NEWEST - hours_ago * HOUR
        factories.make_anomaly(self.session, self.scan, bucket=bucket, actual=actual)
        return bucket

    def judge(self, bucket: datetime, kind: VerdictKind) -> None:
        key = SeriesKey(self.scan.id, ScopeType.PROJECT_TOTAL, self.scan.id)
        feedback.record_verdict(self.session, SYSTEM_ACTOR, self.project.slug, key, Direction.DROP, bucket, bucket, kind)

    def told(self, bucket: datetime, at: datetime, status: str = "sent") -> AlertDelivery:
        delivery = AlertDelivery(
            project_id=self.project.id, scan_config_id=self.scan.id, destination_id=self.destination_id, rule_id=self.rule_id,
            destination_name="Team", rule_name="Drops", scan_name="s", channel="slack", status=status, created_at=at,
            sent_at=at if status == "sent" else None,
        )  # fmt: skip
        self.session.add(delivery)
        self.session.flush()
        item = AlertDeliveryItem(
            delivery_id=delivery.id, scope_type="project_total", scope_ref=self.scan.id, scope_name="Total", bucket=bucket,
            direction="drop", actual_count=10, expected_count=100, absolute_delta=90, percent_delta=90.0,
            correlation_group_id=group_id(self.scan.id, self.rule_id, (TOTAL, self.scan.id), AlertDirection.DROP),
        )  # fmt: skip
        self.session.add(item)
        self.session.flush()
        return delivery

    def explain(self, bucket: datetime, **more):
        where = (self.rule_id, self.scan.id, TOTAL, self.scan.id, bucket)
        return alerting.explain(self.session, SYSTEM_ACTOR, self.project.slug, *where, now=NOW, **more)

    def compare(self, **changes):
        return alerting.compare_rule(
            self.session, SYSTEM_ACTOR, self.project.slug, self.destination_id, self.rule_id, changes, days=14, now=NOW
        )


class Night(World):
    """A rule asked hour by hour from 22:00 on."""

    def __init__(self, session) -> None:
        super().__init__(session)
        event_type = factories.make_event_type(session, self.project)
        self.refs = [factories.make_event(session, event_type, name=name).id for name in ("paid", "seen", "left")]

    def plan(self, schedule: Schedule, now: datetime = EVENING) -> None:
        alerting.set_schedule(self.session, SYSTEM_ACTOR, self.project.slug, self.rule_id, schedule, now=now)

    def collected(self, hour: int, *refs: str) -> list[str]:
        now = EVENING + hour * HOUR
        bucket = now - HOUR
        for ref in refs:
            factories.make_anomaly(self.session, self.scan, bucket=bucket, scope_type="event", scope_ref=ref)
        self.session.add(MetricCoverage(scan_config_id=self.scan.id, bucket=bucket, total_count=10, matched_count=10))
        self.scan.collected_until = now
        self.session.flush()
        scan = alerting.Collected(self.scan.id, "Hourly", "job", now, self.project.id, self.project.slug, self.project.name)
        return alerting.evaluate_scan(self.session, scan, now)

    def rows(self) -> list[AlertDelivery]:
        return list(self.session.execute(sa.select(AlertDelivery).order_by(AlertDelivery.created_at)).scalars())
