"""Alerts that nobody answers: who else is told, when, and what stops it."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
import sqlalchemy as sa

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields
from app.alerting.delivery_contracts import SendOutcome
from app.alerting.escalation import Escalation
from app.alerting.rules import group_id
from app.alerting.schedules import QuietHours, Schedule
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType, GroupAction
from app.detection.contracts import Direction
from app.detection.feedback import VerdictKind, record_verdict
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.kernel.errors import InvalidInput
from app.metrics.contracts import ScopeType, SeriesKey
from models.alerting import AlertDelivery, AlertRuleState
from tests.integration.alerting.past_world import EVENING, HOUR, Night

HALF = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
NIGHT = Schedule(quiet=QuietHours(time(22), time(7)))


class Watch(Night):
    """A rule whose alerts go to two more destinations when nobody answers."""

    def __init__(self, session) -> None:
        super().__init__(session)
        fields = DestinationFields(webhook_url="https://hooks.slack.com/services/T000/B000/y")
        self.others = [
            alerting.create_destination(session, SYSTEM_ACTOR, self.project.slug, DestinationType.SLACK, name, fields).id
            for name in ("Lead", "On call")
        ]

    def escalate_after(self, minutes: int = 30, most: int = 2, *, ignores_quiet_hours: bool = False) -> None:
        wanted = Escalation(timedelta(minutes=minutes), most, tuple(self.others), ignores_quiet_hours)
        alerting.set_routing(self.session, SYSTEM_ACTOR, self.project.slug, self.rule_id, alerting.Routing(escalation=wanted))

    def steps_by(self, at: datetime) -> list[AlertDelivery]:
        """Steps taken when the job runs then; all messages arrive at once."""
        queued = alerting.escalate(self.session, at)
        while (parcel := alerting.claim_parcel(self.session, "w", at)) is not None:
            alerting.record(self.session, "w", parcel.delivery_id, SendOutcome(True), at)
        self.session.expire_all()
        return [self.session.get(AlertDelivery, delivery_id) for delivery_id in queued]

    def group(self, ref: str) -> str:
        return group_id(self.scan.id, self.rule_id, (AlertScope.EVENT, ref), AlertDirection.DROP)

    def act(self, ref: str, action: GroupAction, at: datetime) -> None:
        alerting.apply_action(self.session, SYSTEM_ACTOR, self.project.slug, self.group(ref), action, now=at)

    def state(self) -> AlertRuleState:
        self.session.expire_all()
        return self.session.execute(sa.select(AlertRuleState)).scalars().one()


@pytest.fixture
def watch(engine):
    with session_scope(engine) as session:
        yield Watch(session)


def test_others_are_told_once_per_step_and_no_more_often_than_the_rule_says(watch):
    watch.escalate_after(most=2)
    watch.collected(1, watch.refs[0])
    told = EVENING + HOUR
    assert watch.steps_by(told + HALF - MINUTE) == []

    first = watch.steps_by(told + HALF)
    assert watch.steps_by(told + HALF + MINUTE) == [], "a step is taken once"
    second = watch.steps_by(told + 2 * HALF)

    assert sorted(row.destination_name for row in first) == sorted(row.destination_name for row in second) == ["Lead", "On call"]
    assert {row.kind for row in (*first, *second)} == {"escalation"} and {row.status for row in first} == {"sent"}
    text = first[0].payload_snapshot["rendered_message"]
    assert "step 1 of 2: nobody has answered this for 30 minutes" in text and "paid" in text
    assert "Escalation 2 of 2" in second[0].payload_snapshot["subject"]
    assert first[0].payload_snapshot["link"].endswith(f"/p/{watch.project.slug}/inbox")
    assert watch.steps_by(told + 10 * HALF) == [], "the steps are used up"


def test_what_is_due_together_is_one_message_and_does_not_restart_the_cooldown(watch):
    watch.escalate_after()
    watch.collected(1, *watch.refs[:2])
    steps = watch.steps_by(EVENING + HOUR + HALF)
    assert [row.matched_count for row in steps] == [2, 2]
    notified = {row.notified_at for row in watch.session.execute(sa.select(AlertRuleState)).scalars()}
    assert notified == {EVENING + HOUR + HALF}, "from the alert, which arrived in the same run"

    watch.steps_by(EVENING + HOUR + 2 * HALF)
    watch.session.expire_all()
    assert {row.notified_at for row in watch.session.execute(sa.select(AlertRuleState)).scalars()} == notified


@pytest.mark.parametrize("action", [GroupAction.ACKNOWLEDGE, GroupAction.RESOLVE, GroupAction.FALSE_POSITIVE])
def test_an_answer_stops_it_and_reopening_starts_it_anew(watch, action):
    watch.escalate_after()
    watch.collected(1, watch.refs[0])
    watch.act(watch.refs[0], action, EVENING + HOUR + 10 * MINUTE)
    assert watch.steps_by(EVENING + 2 * HOUR) == []

    watch.act(watch.refs[0], GroupAction.REOPEN, EVENING + 2 * HOUR)
    assert watch.steps_by(EVENING + 2 * HOUR + HALF - MINUTE) == []
    assert [row.payload_snapshot["escalation"]["step"] for row in watch.steps_by(EVENING + 2 * HOUR + HALF)] == [1, 1]


def test_a_verdict_on_the_incident_is_an_answer(watch):
    watch.escalate_after()
    watch.collected(1, watch.refs[0])
    key = SeriesKey(watch.scan.id, ScopeType.EVENT, watch.refs[0])
    record_verdict(watch.session, SYSTEM_ACTOR, watch.project.slug, key, Direction.DROP, EVENING, EVENING, VerdictKind.REAL)

    assert watch.steps_by(EVENING + HOUR + HALF) == []
    assert watch.state().waiting_since is None


def test_a_departure_that_ends_is_not_escalated(watch):
    watch.escalate_after(minutes=90)
    watch.collected(1, watch.refs[0])
    watch.collected(2)

    assert watch.steps_by(EVENING + 3 * HOUR) == []


def test_quiet_hours_hold_a_step_until_they_end_unless_it_ignores_them(watch):
    watch.escalate_after()
    watch.collected(1, watch.refs[0])
    watch.plan(NIGHT)
    assert watch.steps_by(EVENING + 2 * HOUR) == []

    watch.escalate_after(ignores_quiet_hours=True)
    assert len(watch.steps_by(EVENING + 2 * HOUR)) == 2


def test_the_wait_begins_when_a_held_message_leaves_and_moves_with_it(watch):
    watch.plan(NIGHT)
    watch.escalate_after(ignores_quiet_hours=True)
    watch.collected(1, watch.refs[0])
    assert watch.state().waiting_since == datetime(2026, 11, 26, 7, tzinfo=EVENING.tzinfo)
    assert watch.steps_by(EVENING + 3 * HOUR) == []

    watch.plan(Schedule(), now=EVENING + 3 * HOUR)
    assert watch.state().waiting_since == EVENING + 3 * HOUR
    assert len(watch.steps_by(EVENING + 3 * HOUR + HALF)) == 2


def test_a_rule_that_escalates_no_more_or_is_muted_tells_nobody(watch):
    watch.escalate_after()
    watch.collected(1, watch.refs[0])
    where = (watch.session, SYSTEM_ACTOR, watch.project.slug, watch.rule_id)
    alerting.mute_monitor(*where, EVENING + 5 * HOUR, now=EVENING + HOUR)
    assert watch.steps_by(EVENING + 2 * HOUR) == []
    alerting.unmute_monitor(*where, now=EVENING + 2 * HOUR)

    alerting.set_routing(*where, alerting.Routing())
    assert watch.steps_by(EVENING + 3 * HOUR) == [] and watch.state().waiting_since is None


@pytest.mark.parametrize(
    ("minutes", "most", "chosen"), [(0, 1, 1), (10_081, 1, 1), (30, 0, 1), (30, 11, 1), (30, 1, 0), (30, 1, 9)]
)
def test_steps_that_make_no_sense_are_refused(watch, minutes, most, chosen):
    ids = tuple(watch.others[:chosen]) if chosen < 9 else ("01a21327-0000-7000-8000-000000000000",)
    wanted = alerting.Routing(escalation=Escalation(timedelta(minutes=minutes), most, ids))
    with pytest.raises(InvalidInput):
        alerting.set_routing(watch.session, SYSTEM_ACTOR, watch.project.slug, watch.rule_id, wanted)
