"""What a sender may put into an event to keep it from being judged, or to break what reads it, changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.identity import service as identity
from app.identity.contracts import TenantPlan
from app.kernel.database import session_scope
from app.security.contracts import EventFilter
from app.security.plans import PRO
from app.security.repository import events as stored
from app.security.repository import history
from app.security.service import detection
from app.security.service.surroundings import event_of

NUL = "\x00"


def judge_all(caller, clock) -> None:
    with session_scope(write=False) as session:
        principal = identity.ingest_principal_for(session, caller.token)
    wanted = EventFilter(since=clock.now() - timedelta(hours=1))
    rows, _ = stored.list_events(principal, wanted, limit=200, offset=0)
    detection.judge(principal, PRO, [event_of(row) for row in rows])


def alerts_of(caller):
    return caller.call("GET", "/alerts").json()["data"]


def test_nul_characters_do_not_keep_an_alert_from_being_raised(security, clock):
    caller = security()
    agent = {"user_agent": f"Firefox{NUL}"}
    answer = caller.collect("data.bulk_delete", actor={"id": f"u{NUL}1", "email": f"a{NUL}@x.org"}, metadata=agent)
    assert answer.status_code == 202
    for _ in range(10):
        assert caller.collect("auth.login_failed", actor=f"{NUL}u2", metadata=agent).status_code == 202
    judge_all(caller, clock)
    assert {alert["alert_type"] for alert in alerts_of(caller)} == {"data_exfiltration", "brute_force_attack"}
    assert caller.call("GET", "/events", params={"actor_id": f"u{NUL}2"}).status_code == 200


def test_nul_characters_in_alert_requests_are_no_server_error(security):
    caller = security()
    caller.collect("data.bulk_delete", actor="u1")
    [alert] = alerts_of(caller)
    assert caller.call("GET", "/alerts/%00").status_code == 404
    assert caller.call("GET", "/events/%00").status_code == 404
    for body in ({"action": "resolve", "resolved_by": f"a{NUL}b"}, {"action": "resolve", "internal_notes": f"a{NUL}b"}):
        assert caller.call("PATCH", f"/alerts/{alert['id']}", json=body).status_code in (200, 400)


def test_nul_characters_in_a_webhook_entry_are_no_server_error(security):
    caller = security()
    entry = {"log_id": f"l{NUL}1", "data": {"type": "f", "user_id": f"u{NUL}", "ip": "203.0.113.9", "date": "2026-01-01"}}
    assert caller.call("POST", "/webhooks/auth0", json=[entry]).status_code in (200, 400)


@pytest.mark.parametrize("depth", [50, 150, 300, 600, 900, 2_000])
def test_deeply_nested_metadata_is_stored_or_refused(security, depth):
    caller = security()
    body = b'{"event": "a.b", "metadata": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    assert caller.call("POST", "/collect", content=body).status_code in (202, 400)
    assert caller.call("GET", "/events").status_code == 200


def test_longest_names_of_many_actors_fit_into_the_questions_of_one_pass(security, clock):
    caller = security()
    for start in range(0, 200, 100):
        batch = [{"event": "auth.login_failed", "actor": f"{number:04d}" + "ä" * 316} for number in range(start, start + 100)]
        assert caller.call("POST", "/collect/batch", json={"events": batch}).status_code == 202
    assert len(list(history._parts(["ä" * 320] * 200))) > 1
    judge_all(caller, clock)


def test_reopened_alert_takes_further_events_again(security):
    caller = security(TenantPlan.ENTERPRISE)
    caller.collect("authz.access_denied", actor="u1")
    [alert] = alerts_of(caller)
    for status in ("resolved", "open"):
        assert caller.call("PATCH", f"/alerts/{alert['id']}", json={"status": status}).status_code == 200
    caller.collect("authz.access_denied", actor="u1")
    [again] = alerts_of(caller)
    assert (again["id"], again["metadata"]["occurrences"]) == (alert["id"], 2)


def test_alert_reopened_beside_a_younger_one_stays_beside_it(security):
    caller = security(TenantPlan.ENTERPRISE)
    caller.collect("authz.access_denied", actor="u1")
    [first] = alerts_of(caller)
    caller.call("PATCH", f"/alerts/{first['id']}", json={"status": "resolved"})
    caller.collect("authz.access_denied", actor="u1")
    assert caller.call("PATCH", f"/alerts/{first['id']}", json={"status": "open"}).status_code == 200
    caller.collect("authz.access_denied", actor="u1")
    assert sorted(alert["metadata"].get("occurrences", 1) for alert in alerts_of(caller)) == [1, 2]
