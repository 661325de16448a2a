"""Events that were stored and never judged, as after a crash in between: the sweep raises what the live path would have."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
from sqlmodel import select

from app.identity import service as identity
from app.kernel.database import session_scope
from app.scans import service as scans
from app.security.normalise import Incoming
from app.security.plans import ENTERPRISE, PRO, plan_of
from app.security.repository import judging
from app.security.service import detection, intake, sweeping
from app.security.service.backlog import BACKLOG
from jobs import sweep_security
from jobs.leadership import Leadership
from models.security import SecurityAlert, SecurityIncidentEvent, SecurityJudgedBucket

MINUTE = timedelta(minutes=1)


def principal_of(caller):
    with session_scope(write=False) as session:
        principal = identity.ingest_principal_for(session, caller.token)
    assert principal is not None
    return principal


def raised(caller) -> list[tuple[str, str, int]]:
    with session_scope(write=False) as session:
        rows = session.exec(select(SecurityAlert).where(SecurityAlert.project_id == caller.project_id)).all()
        return sorted((row.alert_type, row.title, row.occurrences) for row in rows)


def store(event_store, principal, clock, names: list[str], **details):
    """Put events into the store as the durable log would, with nobody to judge them."""
    stored = []
    for name in names:
        incoming = Incoming(name, details.get("actor", "ana"), None, details.get("ip", "81.2.69.160"), {"device_id": "d1"})
        events = intake.completed(principal.project_id, [incoming], clock.now())
        lines = intake.lines_of(principal, events, None)
        event_store.insert_lines("events", lines.lines, rows=lines.rows, token=str(uuid.uuid4()))
        stored += events
        clock.advance(timedelta(seconds=10))
    return stored


def swept(principal, clock) -> int:
    return sweeping.sweep(principal, clock.now(), until=time.monotonic() + 60)


STORY = [*["auth.login_failed"] * 6, "auth.login_success", "authz.role_changed", "data.bulk_delete"]


def test_swept_events_raise_the_alerts_of_the_live_path(security, event_store, clock):
    live, crashed = security(), security()
    start = clock.now()
    for name in STORY:
        live.collect(name, actor={"id": "ana"}, user_ip="81.2.69.160", metadata={"device_id": "d1"})
        clock.advance(timedelta(seconds=10))
    assert BACKLOG.wait(30)
    clock.advance(start - clock.now())
    principal = principal_of(crashed)
    store(event_store, principal, clock, STORY)
    assert raised(crashed) == []
    clock.advance(10 * MINUTE)
    assert swept(principal, clock) == len(STORY)
    assert raised(crashed) == raised(live)
    assert {kind for kind, _, _ in raised(live)} == {"brute_force_attack", "privilege_escalation", "data_exfiltration"}
    assert swept(principal, clock) == 0


def test_sweep_after_the_live_path_looks_at_nothing_and_changes_nothing(security, clock):
    caller = security()
    for name in STORY:
        caller.collect(name, actor={"id": "ana"}, user_ip="81.2.69.160")
        clock.advance(timedelta(seconds=10))
    assert BACKLOG.wait(30)
    before = raised(caller)
    clock.advance(10 * MINUTE)
    assert swept(principal_of(caller), clock) == 0
    assert raised(caller) == before


def test_events_judged_again_after_their_alert_was_closed_raise_nothing(security, event_store, clock):
    caller = security()
    principal = principal_of(caller)
    events = store(event_store, principal, clock, STORY)
    detection.judge(principal, PRO, events)
    with session_scope() as session:
        for alert in session.exec(select(SecurityAlert).where(SecurityAlert.project_id == caller.project_id)):
            alert.status, alert.open_key = "resolved", None
            session.add(alert)
    before = [one for one in raised(caller) if one[0] == "brute_force_attack"]
    clock.advance(10 * MINUTE)
    assert swept(principal, clock) == len(STORY)
    assert [one for one in raised(caller) if one[0] == "brute_force_attack"] == before


def test_events_that_show_late_are_judged_then_and_running_minutes_are_left_alone(security, event_store, clock):
    caller = security()
    principal = principal_of(caller)
    store(event_store, principal, clock, ["auth.login_failed"] * 4)
    assert swept(principal, clock) == 0
    clock.advance(10 * MINUTE)
    assert swept(principal, clock) == 4
    clock.advance(-10 * MINUTE)
    store(event_store, principal, clock, ["auth.login_failed"])
    clock.advance(10 * MINUTE)
    assert swept(principal, clock) == 5
    assert [(kind, count) for kind, _, count in raised(caller)] == [("brute_force_attack", 1)]


def test_pages_of_one_bucket_are_all_judged_once(security, event_store, clock, monkeypatch):
    monkeypatch.setattr(sweeping, "PAGE_EVENTS", 2)
    caller = security()
    principal = principal_of(caller)
    store(event_store, principal, clock, ["auth.login_failed"] * 7)
    clock.advance(10 * MINUTE)
    assert swept(principal, clock) == 7
    assert [(kind, count) for kind, _, count in raised(caller)] == [("brute_force_attack", 3)]


def test_job_sweeps_every_project_where_it_leads(security, event_store, clock):
    first, second = security(), security()
    for caller in (first, second):
        store(event_store, principal_of(caller), clock, ["data.bulk_delete"])
    clock.advance(10 * MINUTE)
    leader = Leadership(scans.Holder("leader", 1, "test"), 60, clock)
    leader.renew()
    assert sweep_security.run(Leadership(scans.Holder("follower", 2, "test"), 60, clock)) == 0
    assert sweep_security.run(leader) == 2
    assert [raised(caller)[0][0] for caller in (first, second)] == ["data_exfiltration"] * 2
    assert sweep_security.run(leader) == 0


def test_old_memory_is_forgotten(security, clock):
    caller = security()
    caller.collect("data.bulk_delete", actor="u1")
    assert BACKLOG.wait(30)
    with session_scope(write=False) as session:
        assert session.exec(select(SecurityIncidentEvent)).all()
        assert session.exec(select(SecurityJudgedBucket)).all()
    sweeping.forget_old(clock.now() + timedelta(days=30))
    with session_scope(write=False) as session:
        assert not session.exec(select(SecurityIncidentEvent)).all()
        assert not session.exec(select(SecurityJudgedBucket)).all()


def test_projects_with_a_security_key_are_watched(security):
    caller = security()
    with session_scope(write=False) as session:
        found = {one.project_id: one for one in judging.watched_projects(session)}
    assert plan_of(found[caller.project_id].tenant_plan) in (PRO, ENTERPRISE)


@pytest.fixture(autouse=True)
def _nothing_waits():
    yield
    assert BACKLOG.wait(30)
