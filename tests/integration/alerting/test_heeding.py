"""A message that had to wait says nothing about what people have settled meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
import sqlalchemy as sa

from app.alerting import service as alerting
from app.alerting.delivery_contracts import SendOutcome
from app.alerting.rules import group_id
from app.alerting.schedules import QuietHours, Schedule
from app.alerting.vocabulary import AlertDirection, AlertScope, GroupAction
from app.detection.contracts import Direction
from app.detection.feedback import VerdictKind, record_verdict
from app.detection.planned import plan_window
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.metrics.contracts import ScopeType, SeriesKey
from models.detection import Anomaly, SignalVerdict
from tests import factories
from tests.integration.alerting.past_world import EVENING, HOUR, Night

MORNING = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)


class Sleeping(Night):
    """A rule whose message waits for the morning."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self.plan(Schedule(quiet=QuietHours(time(22), time(7))))
        self.actor = factories.make_actor(session)

    def act(self, ref: str, action: GroupAction) -> None:
        group = group_id(self.scan.id, self.rule_id, (AlertScope.EVENT, ref), AlertDirection.DROP)
        until = MORNING + 9 * HOUR if action is GroupAction.MUTE else None
        where = (self.session, self.actor, self.project.slug, group, action)
        alerting.apply_action(*where, muted_until=until, now=EVENING + 2 * HOUR)

    def judge_event(self, ref: str, kind: VerdictKind) -> None:
        key = SeriesKey(self.scan.id, ScopeType.EVENT, ref)
        made = record_verdict(self.session, self.actor, self.project.slug, key, Direction.DROP, EVENING, EVENING, kind)
        self.session.get(SignalVerdict, made.id).created_at = EVENING + 2 * HOUR
        self.session.flush()

    def claimed(self):
        found = alerting.claim_parcel(self.session, "w", MORNING)
        self.session.expire_all()
        return found


@pytest.fixture
def asleep(engine):
    with session_scope(engine) as session:
        yield Sleeping(session)


@pytest.mark.parametrize("action", [GroupAction.ACKNOWLEDGE, GroupAction.RESOLVE, GroupAction.FALSE_POSITIVE, GroupAction.MUTE])
def test_a_decision_in_the_inbox_drops_the_message_with_its_reason(asleep, action):
    asleep.collected(1, asleep.refs[0])
    asleep.act(asleep.refs[0], action)

    assert asleep.claimed() is None
    (row,) = asleep.rows()
    assert (row.status, row.error_kind, row.attempt_count, row.next_attempt_at) == ("failed", "dropped", 0, None)
    assert row.error_message.startswith("Not sent") and row.error_message.endswith(f"by {asleep.actor.name}")
    assert alerting.delivery_health(asleep.session, MORNING).given_up_count == 0


@pytest.mark.parametrize(
    ("kind", "is_sent"), [(VerdictKind.EXPECTED, False), (VerdictKind.FALSE_POSITIVE, False), (VerdictKind.REAL, True)]
)
def test_a_verdict_that_it_was_nothing_drops_the_message_too(asleep, kind, is_sent):
    asleep.collected(1, asleep.refs[0])
    asleep.judge_event(asleep.refs[0], kind)

    assert (asleep.claimed() is not None) is is_sent


def test_a_departure_that_was_judged_and_lasts_on_is_not_told_again(asleep):
    asleep.collected(1, asleep.refs[0])
    asleep.judge_event(asleep.refs[0], VerdictKind.FALSE_POSITIVE)
    assert asleep.claimed() is None

    lasting = asleep.session.execute(sa.select(Anomaly)).scalars().one()
    lasting.last_bucket = MORNING - HOUR
    assert asleep.collected(10) == []


def test_an_event_that_was_planned_afterwards_is_left_out(asleep):
    asleep.collected(1, asleep.refs[0])
    plan_window(asleep.session, asleep.actor, asleep.project.slug, "Sale", EVENING - HOUR, EVENING + HOUR)

    assert asleep.claimed() is None and "Planned: Sale" in asleep.rows()[0].error_message


def test_the_message_goes_on_about_the_rest_and_says_what_it_leaves_out(asleep):
    asleep.collected(1, *asleep.refs)
    asleep.act(asleep.refs[1], GroupAction.ACKNOWLEDGE)

    parcel = asleep.claimed()
    text = parcel.snapshot["rendered_message"]
    assert {one["scope_name"] for one in parcel.snapshot["items"]} == {"paid", "left"}
    assert f"Left out, because it is settled: seen (acknowledged by {asleep.actor.name})" in text and "2 alert(s)" in text
    assert alerting.record(asleep.session, "w", parcel.delivery_id, SendOutcome(True), MORNING)
    (row,) = asleep.rows()
    assert (row.status, row.matched_count) == ("sent", 2)
    items = alerting.get_delivery(asleep.session, SYSTEM_ACTOR, asleep.project.slug, row.id).items
    assert {one.scope_name: one.dropped_because for one in items if one.dropped_because} == {
        "seen": f"acknowledged by {asleep.actor.name}"
    }


def test_what_was_dropped_is_sent_as_it_is_when_somebody_asks(asleep):
    asleep.collected(1, asleep.refs[0])
    asleep.act(asleep.refs[0], GroupAction.ACKNOWLEDGE)
    asleep.claimed()

    alerting.retry_delivery(asleep.session, asleep.actor, asleep.project.slug, asleep.rows()[0].id, now=MORNING)
    assert asleep.claimed() is not None


def test_a_message_that_never_waited_is_sent_whatever_was_decided(asleep):
    asleep.plan(Schedule())
    asleep.collected(1, asleep.refs[0])
    asleep.act(asleep.refs[0], GroupAction.ACKNOWLEDGE)

    assert asleep.claimed() is not None
