"""A simulated month and the same month lived through, collection by collection, tell the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields, RuleSpec, SendOutcome
from app.alerting.vocabulary import DestinationType
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
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
    st.tuples(st.integers(0, HOURS - 1), st.sampled_from(["total", "event"]), st.sampled_from([0, 40, 90, 150, 400])),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[:2],
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spec=SPECS, month=MONTH)
def test_a_month_lived_through_tells_what_its_simulation_tells(engine, spec, month):
    with session_scope(engine) as session:
        project = factories.make_project(session)
        event = factories.make_event(session, factories.make_event_type(session, project))
        scan = factories.make_scan_config(session, project)
        fields = DestinationFields(webhook_url="https://hooks.slack.com/services/T000/B000/x")
        destination = alerting.create_destination(session, SYSTEM_ACTOR, project.slug, DestinationType.SLACK, "Team", fields)
        rule = alerting.create_rule(session, SYSTEM_ACTOR, project.slug, destination.id, spec)
        told = []
        for hour in sorted({hour for hour, _, _ in month} | {hour + 1 for hour, _, _ in month}):
            for _, scope, actual in (one for one in month if one[0] == hour):
                where = ("event", event.id) if scope == "event" else ("project_total", None)
                bucket = START + hour * HOUR
                factories.make_anomaly(session, scan, bucket=bucket, scope_type=where[0], scope_ref=where[1], actual=actual)
            told += _collected(session, project, scan, START + hour * HOUR)

        found = alerting.simulate_rule(
            session, SYSTEM_ACTOR, project.slug, destination.id, rule.id, days=31, now=START + (HOURS + 1) * HOUR
        )
        simulated = [(one.candidate.scope_type, one.candidate.scope_ref, one.candidate.bucket) for one in found.firings]
        assert sorted(told) == sorted(simulated)


def _collected(session: Session, project: Project, scan: ScanConfig, bucket: datetime) -> list[tuple[str, str, datetime]]:
    """The bucket is collected, the rules are asked and what they tell arrives at once; the items told."""
    now = bucket + HOUR
    session.add(MetricCoverage(scan_config_id=scan.id, bucket=bucket, total_count=10, matched_count=10))
    scan.collected_until = now
    session.flush()
    collected = alerting.Collected(scan.id, scan.name, "job", now, project.id, project.slug, project.name)
    told = []
    for delivery_id in alerting.evaluate_scan(session, collected, now):
        assert alerting.claim_parcel(session, "worker", now) is not None
        assert alerting.record(session, "worker", delivery_id, SendOutcome(True), now)
        told += alerting.get_delivery(session, SYSTEM_ACTOR, project.slug, delivery_id).items
    return [(item.scope_type, item.scope_ref, item.bucket) for item in told]
