"""Messages that wait: for the end of quiet hours, or for the digest that tells everything at once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from app.alerting import service as alerting
from app.alerting.delivery_contracts import SendOutcome
from app.alerting.schedules import Digest, QuietHours, Rhythm, Schedule
from app.alerting.service import rules as rules_service
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from tests.integration.alerting.past_world import EVENING, HOUR, Night

NIGHT = Schedule(quiet=QuietHours(time(22), time(7)))


@pytest.fixture
def night(engine):
    with session_scope(engine) as session:
        yield Night(session)


def test_what_fires_in_quiet_hours_is_one_message_when_they_end(night):
    night.plan(NIGHT)
    paid, seen, left = night.refs
    first = night.collected(1, paid)
    second = night.collected(2, seen, left)

    (row,) = night.rows()
    morning = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
    assert first == second == [row.id]
    assert (row.matched_count, row.next_attempt_at, row.held_until) == (3, morning, morning)
    assert all(name in row.payload_snapshot["rendered_message"] for name in ("paid", "seen", "left"))
    assert alerting.claim_parcel(night.session, "w", morning - timedelta(minutes=1)) is None
    parcel = alerting.claim_parcel(night.session, "w", morning)
    assert parcel is not None and len(parcel.snapshot["items"]) == 3
    assert alerting.record(night.session, "w", row.id, SendOutcome(True), morning)
    found = alerting.get_delivery(night.session, SYSTEM_ACTOR, night.project.slug, row.id)
    assert {item.scope_ref for item in found.items} == set(night.refs)


def test_a_scope_that_waits_to_be_told_is_not_told_twice(night):
    night.plan(NIGHT)
    night.collected(1, night.refs[0])

    assert night.collected(4, night.refs[0]) == []
    assert night.rows()[0].matched_count == 1


def test_a_message_that_a_worker_has_begun_takes_nothing_more_in(night):
    night.plan(Schedule(digest=Digest(Rhythm.HOUR)))
    night.collected(1, night.refs[0])
    assert night.rows()[0].held_until is None, "a full hour is the time of the digest"
    night.plan(NIGHT)

    night.collected(2, night.refs[1])

    assert [row.matched_count for row in night.rows()] == [1, 1]


def test_a_schedule_that_is_lifted_lets_go_what_waits(night):
    night.plan(NIGHT)
    night.collected(1, night.refs[0])
    soon = EVENING + 2 * HOUR
    night.plan(Schedule(), now=soon)

    assert night.rows()[0].next_attempt_at == soon
    assert alerting.claim_parcel(night.session, "w", soon) is not None


def test_a_held_message_is_still_tried_again_when_the_receiver_is_busy_at_its_end(night):
    night.plan(NIGHT)
    night.collected(1, night.refs[0])
    morning = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
    alerting.claim_parcel(night.session, "w", morning)
    busy = SendOutcome(False, "busy", "status", is_temporary=True)

    assert alerting.record(night.session, "w", night.rows()[0].id, busy, morning)
    assert night.rows()[0].next_attempt_at == morning + timedelta(seconds=30)


def test_a_mute_holds_back_what_waits_and_its_end_lets_it_go(night):
    night.plan(NIGHT)
    night.collected(1, night.refs[0])
    where, noon = (night.session, SYSTEM_ACTOR, night.project.slug, night.rule_id), EVENING + 14 * HOUR

    alerting.mute_monitor(*where, noon, now=EVENING + HOUR)
    assert night.rows()[0].next_attempt_at == noon
    alerting.unmute_monitor(*where, now=EVENING + 2 * HOUR)

    assert night.rows()[0].next_attempt_at == datetime(2026, 11, 26, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_what_waits_never_leaves_when_its_rule_is_switched_off_or_deleted(night, monkeypatch, is_deleted):
    monkeypatch.setattr(rules_service, "SYSTEM_CLOCK", FixedClock(EVENING + HOUR))
    night.plan(NIGHT)
    night.collected(1, night.refs[0])
    where = (night.session, SYSTEM_ACTOR, night.project.slug, night.destination_id, night.rule_id)

    if is_deleted:
        alerting.delete_rule(*where)
    else:
        alerting.update_rule(*where, {"enabled": False})

    (row,) = night.rows()
    assert (row.status, row.error_kind, row.next_attempt_at) == ("failed", "withdrawn", None)
    assert alerting.claim_parcel(night.session, "w", EVENING + 24 * HOUR) is None
