"""A rule over its stored past: what it would have told, beside another version, judged, and explained gate by gate."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.contracts import RuleSpec
from app.alerting.rules import Gate, group_id
from app.alerting.scoring import Score
from app.alerting.vocabulary import AlertDirection, AlertScope
from app.detection.feedback import VerdictKind
from app.detection.planned import plan_window
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.kernel.errors import NotFound
from models.alerting import AlertGroup, AlertRuleState
from models.metrics import MetricBreakdown
from models.scans import ScanConfig
from tests import factories
from tests.integration.alerting.past_world import HOUR, NEWEST, NOW, TOTAL, World


@pytest.fixture
def session(engine):
    with session_scope(engine) as session:
        yield session


def test_two_versions_are_scored_by_the_verdicts_that_stand(session):
    world = World(session)
    real, false, small = world.drop(30), world.drop(60), world.drop(90, actual=80)
    world.judge(real, VerdictKind.REAL)
    world.judge(false, VerdictKind.FALSE_POSITIVE)
    world.judge(small, VerdictKind.TRACKING_BUG)

    found = world.compare(min_percent_delta=50.0)

    assert found.before_score == Score(true_alarms=2, false_alarms=1)
    assert found.after_score == Score(true_alarms=1, false_alarms=1, missed=1)
    assert [one.bucket for one in found.lost] == [small] and found.gained == []
    assert [one.bucket for one in found.kept] == [false, real]


def test_a_decision_in_the_inbox_judges_what_was_told_before_it(session):
    world = World(session)
    early, late = world.drop(50), world.drop(20)
    for bucket in (early, late):
        world.told(bucket, bucket + HOUR)
    group = group_id(world.scan.id, world.rule_id, (TOTAL, world.scan.id), AlertDirection.DROP)
    row = AlertGroup(project_id=world.project.id, correlation_group_id=group, status="false_positive", acted_at=early + 2 * HOUR)
    session.add(row)
    session.flush()

    assert world.compare().before_score == Score(false_alarms=1, unjudged=1)


def test_a_draft_of_a_rule_that_is_not_stored_is_rehearsed(session):
    world = World(session)
    for hours in (1, 30, 60):
        world.drop(hours)

    draft = RuleSpec(name="Draft", cooldown_minutes=24 * 60)
    found = alerting.rehearse_rule(session, SYSTEM_ACTOR, world.project.slug, world.destination_id, draft, days=14, now=NOW)

    assert len(found.simulation.firings) == 3 and found.score == Score(unjudged=3)


def test_a_release_that_lost_events_is_simulated_when_the_rule_is_about_releases(session):
    world = World(session, include_release_regressions=True)
    world.scan.app_version_column = "version"
    event_type = factories.make_event_type(session, world.project, name="shop")
    event = factories.make_event(session, event_type, name="paid")
    _released(session, world.scan, event_type.id, event.id)

    found = alerting.simulate_rule(session, SYSTEM_ACTOR, world.project.slug, world.destination_id, world.rule_id, days=14, now=NOW)
    without = world.compare(include_release_regressions=False)

    (firing,) = found.firings
    assert firing.candidate.scope_type is AlertScope.RELEASE_REGRESSION
    assert (firing.candidate.scope_name, firing.candidate.sample_value) == ("paid in 2.0.0", "2.0.0")
    assert [one.scope_type for one in without.lost] == [AlertScope.RELEASE_REGRESSION]


def _released(session: Session, scan: ScanConfig, type_id: str, event_id: str) -> None:
    """1.0.0 pays 50 of 100 events an hour, 2.0.0 pays nothing."""
    for hours_ago, version, paid in [(hours, "1.0.0", 50) for hours in range(10, 20)] + [
        (hours, version, paid) for hours in range(10) for version, paid in (("1.0.0", 50), ("2.0.0", 0))
    ]:
        for scope, ref, count in (("event_type", type_id, 100), ("event", event_id, paid)):
            session.add(
                MetricBreakdown(
                    scan_config_id=scan.id, scope_type=scope, scope_ref=ref, breakdown_column="version",
                    breakdown_value=version, is_other=False, bucket=NEWEST - hours_ago * HOUR, count=count,
                )
            )  # fmt: skip
    session.flush()


def test_an_older_bucket_is_explained_by_what_had_been_told_before_it(session):
    world = World(session)
    told, silent = world.drop(40), world.drop(39)
    world.told(told, NOW - 38 * HOUR)
    world.drop(0)
    alerting.update_rule(
        session, SYSTEM_ACTOR, world.project.slug, world.destination_id, world.rule_id, {"cooldown_minutes": 24 * 60}
    )
    session.add(
        AlertRuleState(
            rule_id=world.rule_id, scan_config_id=world.scan.id, scope_type="project_total", scope_ref=world.scan.id,
            bucket=NEWEST, last_seen_bucket=NEWEST, direction="drop",
        )
    )  # fmt: skip
    session.flush()

    assert world.explain(silent).first_closed.gate is Gate.COOLDOWN
    assert world.explain(told).told is not None and world.explain(told).first_closed is None


def test_a_bucket_without_an_anomaly_gave_nothing_to_tell(session):
    found = World(session).explain(NEWEST)

    assert found.candidate is None and not found.would_fire
    assert [one.gate for one in found.gates] == [Gate.RULE_ENABLED, Gate.DESTINATION_ENABLED]


def test_every_gate_is_listed_and_the_first_closed_one_is_named(session):
    world = World(session, min_percent_delta=95.0)

    found = world.explain(world.drop(0))

    assert [one.gate for one in found.gates] == list(Gate)
    assert found.first_closed.gate is Gate.PERCENT_DELTA and "90.0 %, at least 95 %" in found.first_closed.detail
    assert world.explain(NEWEST, draft=RuleSpec(name="Draft", min_percent_delta=80.0)).would_fire


def test_a_scan_of_another_project_is_not_explained(session):
    world, other = World(session), World(session)

    with pytest.raises(NotFound):
        alerting.explain(
            session, SYSTEM_ACTOR, world.project.slug, world.rule_id, other.scan.id, TOTAL, other.scan.id, other.drop(1), now=NOW
        )


def test_what_somebody_expects_is_not_told_in_a_simulation_either_and_is_explained(session):
    world = World(session)
    planned, said, told = world.drop(30), world.drop(60), world.drop(90)
    plan_window(session, SYSTEM_ACTOR, world.project.slug, "Sale", planned - HOUR, planned + HOUR)
    world.judge(said, VerdictKind.EXPECTED)

    where = (session, SYSTEM_ACTOR, world.project.slug, world.destination_id, world.rule_id)
    found = alerting.simulate_rule(*where, days=14, now=NOW)

    assert [one.candidate.bucket for one in found.firings] == [told]
    assert (found.considered_count, found.matched_count) == (3, 1)
    closed = world.explain(planned).first_closed
    assert (closed.gate, closed.detail) == (Gate.NOT_EXPECTED, "Planned: Sale")
