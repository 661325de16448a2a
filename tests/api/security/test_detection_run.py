"""What history shows becomes one alert per incident, also when the pass over the events is repeated or runs twice at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlmodel import select

from app.identity import service as identity
from app.kernel.database import session_scope
from app.security.contracts import EventFilter, Finding
from app.security.plans import PRO
from app.security.repository import events as stored
from app.security.service import alerts, detection
from app.security.service.surroundings import event_of
from models.security import SecurityAlert


def five_from_one_address(event, history, _settings):
    recent = [one for one in history.by_ip if one.name == "auth.login_failed" and event.at - one.at <= timedelta(minutes=5)]
    if event.name != "auth.login_failed" or len(recent) < 4:
        return []
    return [Finding("brute_force_attack", "high", "Many failed sign-ins", "Five or more.", event.user_ip)]


def alerts_in(project_id: str) -> list[SecurityAlert]:
    with session_scope(write=False) as session:
        return list(session.exec(select(SecurityAlert).where(SecurityAlert.project_id == project_id)).all())


def wait_for_occurrences(project_id: str, amount: int) -> SecurityAlert:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = alerts_in(project_id)
        if found and found[0].occurrences >= amount:
            return found[0]
        time.sleep(0.05)
    raise AssertionError("the alert did not come")


def test_fifth_failure_raises_one_alert_and_the_sixth_joins_it(security, clock, monkeypatch):
    monkeypatch.setattr(detection.behaviour, "findings", five_from_one_address)
    caller = security()
    for _ in range(4):
        caller.collect("auth.login_failed", actor="u1", user_ip="203.0.113.9")
        clock.advance(timedelta(seconds=74))
    caller.collect("auth.login_failed", actor="u1", user_ip="203.0.113.9")
    first = wait_for_occurrences(caller.project_id, 1)
    clock.advance(timedelta(seconds=1))
    caller.collect("auth.login_failed", actor="u1", user_ip="203.0.113.9")
    second = wait_for_occurrences(caller.project_id, 2)
    assert (first.id, len(alerts_in(caller.project_id))) == (second.id, 1)


def test_pass_over_the_same_event_in_several_threads_counts_it_once(security, clock, monkeypatch):
    caller = security()
    for _ in range(5):
        caller.collect("auth.login_failed", actor="u1", user_ip="203.0.113.9")
        clock.advance(timedelta(seconds=10))
    monkeypatch.setattr(detection.behaviour, "findings", five_from_one_address)
    with session_scope(write=False) as session:
        principal = identity.ingest_principal_for(session, caller.token)
    assert principal is not None
    rows, _ = stored.list_events(principal, EventFilter(since=clock.now() - timedelta(hours=1)), limit=1, offset=0)
    event = event_of(rows[0])
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(detection.run, principal, PRO, [event]) for _ in range(8)]:
            done.result(timeout=30)
    [alert] = alerts_in(caller.project_id)
    assert (alert.occurrences, alert.event_ids) == (1, [event.id])


def test_two_incidents_at_once_make_one_alert(security, clock):
    caller = security()
    event = detection.SecurityEvent("e1", "data.bulk_delete", clock.now(), "critical", actor_id="u1")
    finding = alerts.instant_finding(event)
    assert finding is not None

    def raise_it(number: int) -> str:
        one = detection.SecurityEvent(f"e{number}", event.name, event.at, "critical", actor_id="u1")
        with session_scope() as session:
            return alerts.raise_alert(session, caller.project_id, one, finding)

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(raise_it, range(8)))
    [alert] = alerts_in(caller.project_id)
    assert (ids, alert.occurrences) == ({alert.id}, 8)
