"""A simulated month and the same month lived through, collection by collection, tell the same and escalate the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.contracts import Candidate, DestinationFields, RuleSpec
from app.alerting.delivery_contracts import SendOutcome
from app.alerting.escalation import Escalation, next_step_at
from app.alerting.service.escalation import escalation_of
from app.alerting.service.schedules import schedule_of
from app.alerting.views import state_of
from app.alerting.vocabulary import DestinationType
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from models.alerting import AlertDeliveryItem, AlertDestination, AlertRule, AlertRuleState
from models.detection import Anomaly
from models.metrics import MetricCoverage
from models.projects import Project
from models.scans import ScanConfig
from tests import factories

START = datetime(2026, 10, 26, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = 30 * 24

SPECS = st.builds(
    RuleSpec,
    name=st.just("r"),
    include_project_total=st.booleans(),
    notify_on_drop=st.booleans(),
    min_percent_delta=st.sampled_from([0.0, 50.0]),
    min_absolute_delta=st.sampled_from([0.0, 60.0]),
    cooldown_minutes=st.sampled_from([1, 60, 61, 1440, 10_080]),
)
MONTH = st.lists(
    st.tuples(
        st.integers(0, HOURS - 9),
        st.sampled_from(["total", "event"]),
        st.sampled_from([0, 40, 90, 150, 400]),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[:2],
)
ESCALATIONS = st.one_of(st.none(), st.tuples(st.sampled_from([10, 20, 59, 60, 61, 90, 150]), st.integers(1, 4)))
Scope = tuple[str, str, datetime]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spec=SPECS, month=MONTH, escalates=ESCALATIONS)
def test_a_month_lived_through_tells_what_its_simulation_tells(engine, spec, month, escalates):
    with session_scope(engine) as session:
        project = factories.make_project(session)
        event = factories.make_event(session, factories.make_event_type(session, project))
        scan = factories.make_scan_config(session, project)
        fields = DestinationFields(webhook_url="https://hooks.slack.com/services/T000/B000/x")
        team, lead = (
            alerting.create_destination(session, SYSTEM_ACTOR, project.slug, DestinationType.SLACK, name, fields)
            for name in ("Team", "Lead")
        )
        rule = alerting.create_rule(session, SYSTEM_ACTOR, project.slug, team.id, spec)
        if escalates is not None:
            minutes, most = escalates
            where = (session, SYSTEM_ACTOR, project.slug, rule.id)
            steps = Escalation(timedelta(minutes=minutes), most, (lead.id,))
            alerting.set_routing(*where, alerting.Routing(escalation=steps))
        lived = Lived(session, project, scan)
        for hour in sorted({start + more for start, _, _, lasts in month for more in range(lasts + 2)}):
            for start, scope, actual, lasts in month:
                where = ("event", event.id) if scope == "event" else ("project_total", None)
                lived.depart(where, start, hour, actual, lasts)
            lived.collected(START + hour * HOUR)
        lived.wait(START + (HOURS + 1) * HOUR)

        found = alerting.simulate_rule(
            session, SYSTEM_ACTOR, project.slug, team.id, rule.id, days=31, now=START + (HOURS + 1) * HOUR
        )
        assert sorted(lived.told) == sorted(_scope(one.candidate) for one in found.firings)
        assert sorted(lived.steps) == sorted((*_scope(one.candidate), one.number, one.at) for one in found.steps)


def _scope(one: Candidate) -> Scope:
    return one.scope_type, one.scope_ref, one.bucket


class Lived:
    """A month as it goes by: each bucket is collected, the rules are asked, and what they tell arrives at once."""

    def __init__(self, session: Session, project: Project, scan: ScanConfig) -> None:
        self.session, self.project, self.scan = session, project, scan
        self.told: list[Scope] = []
        self.steps: list[tuple[str, str, datetime, int, datetime]] = []
        self.anomalies: dict[tuple[object, int], Anomaly] = {}

    def depart(self, where: tuple[str, str | None], start: int, hour: int, actual: int, lasts: int) -> None:
        """A departure begins in this hour, or goes on."""
        if hour == start:
            kind, ref = where
            self.anomalies[where, start] = factories.make_anomaly(
                self.session, self.scan, bucket=START + hour * HOUR, scope_type=kind, scope_ref=ref, actual=actual
            )
        elif start < hour <= start + lasts:
            self.anomalies[where, start].last_bucket = START + hour * HOUR
            self.session.flush()

    def collected(self, bucket: datetime) -> None:
        """The bucket is collected an hour after it began; steps that were due before are taken in their time."""
        now = bucket + HOUR
        self.wait(now)
        self.session.add(MetricCoverage(scan_config_id=self.scan.id, bucket=bucket, total_count=10, matched_count=10))
        self.scan.collected_until = now
        self.session.flush()
        of = self.project
        scan = alerting.Collected(self.scan.id, self.scan.name, "job", now, of.id, of.slug, of.name)
        for item, _ in self._arrived(alerting.evaluate_scan(self.session, scan, now), now):
            self.told.append(_scope(item))

    def wait(self, end: datetime) -> None:
        """Every step that is due before the end is taken when it is due."""
        while (due := self._next_step()) is not None and due < end:
            for item, snapshot in self._arrived(alerting.escalate(self.session, due), due):
                self.steps.append((*_scope(item), snapshot["escalation"]["step"], due))

    def _next_step(self) -> datetime | None:
        self.session.expire_all()
        rows = self.session.execute(sa.select(AlertRuleState, AlertRule).join(AlertRule, AlertRule.id == AlertRuleState.rule_id))
        found = []
        for state, rule in rows:
            destination = self.session.get(AlertDestination, rule.destination_id)
            escalation = escalation_of(rule)
            if escalation is not None and destination.project_id == self.project.id:
                found.append(next_step_at(state_of(state), escalation, schedule_of(rule)))
        return min((at for at in found if at is not None), default=None)

    def _arrived(self, delivery_ids: list[str], now: datetime) -> list[tuple[AlertDeliveryItem, dict]]:
        found = []
        for delivery_id in delivery_ids:
            parcel = alerting.claim_parcel(self.session, "worker", now)
            assert parcel is not None and alerting.record(self.session, "worker", parcel.delivery_id, SendOutcome(True), now)
            view = alerting.get_delivery(self.session, SYSTEM_ACTOR, self.project.slug, delivery_id)
            found += [(item, view.payload_snapshot) for item in view.items]
        return found
