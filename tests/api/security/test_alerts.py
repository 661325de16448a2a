"""Alerts: raised at once by critical events, one per incident, closed in both dialects."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.identity.contracts import TenantPlan
from app.kernel.database import session_scope
from models.identity import AuditEntry


def alerts_of(caller, **parameters):
    return caller.call("GET", "/alerts", params=parameters).json()["data"]


def test_critical_event_is_stored_critical_and_raises_an_alert_whatever_the_client_says(security):
    caller = security()
    assert caller.collect("data.bulk_delete", severity="low", actor={"id": "u1"}, user_ip="203.0.113.9").status_code == 202
    event = caller.call("GET", "/events").json()["data"][0]
    assert event["severity"] == "critical"
    [alert] = alerts_of(caller)
    assert (alert["alert_type"], alert["severity"], alert["status"]) == ("data_exfiltration", "critical", "open")
    assert (alert["trigger_event_id"], alert["source_ip"], alert["actor_id"]) == (event["id"], "203.0.113.9", "u1")
    assert set(alert["forensics"]) == {"network", "location"}
    assert caller.call("GET", f"/alerts/{alert['id']}").json()["data"] == alert


def test_repetition_within_the_hour_joins_the_open_alert_and_later_ones_do_not(security, clock):
    caller = security()
    for _ in range(3):
        caller.collect("authz.access_denied", actor="u1")
    caller.collect("authz.access_denied", actor="u2")
    assert len(alerts_of(caller)) == 2
    clock.advance(timedelta(hours=1))
    caller.collect("authz.access_denied", actor="u1")
    assert len(alerts_of(caller)) == 3


def test_free_plan_gets_a_plan_refusal(security):
    caller = security(TenantPlan.FREE)
    caller.collect("data.bulk_delete")
    for method, path in (("GET", "/alerts"), ("GET", "/alerts/x"), ("PATCH", "/alerts/x")):
        answer = caller.call(method, path, json={"status": "resolved"})
        assert (answer.status_code, answer.json()["code"]) == (403, "PLAN_RESTRICTED")
        assert answer.headers["X-LiteSOC-Plan"] == "free"


@pytest.mark.parametrize(
    ("body", "status", "action"),
    [
        ({"status": "resolved"}, "resolved", "resolve"),
        ({"status": "safe"}, "dismissed", "mark_safe"),
        ({"action": "resolve", "resolution_type": "blocked_ip", "internal_notes": "done"}, "resolved", "resolve"),
        ({"action": "mark_safe", "resolved_by": "ann"}, "dismissed", "mark_safe"),
    ],
)
def test_alert_is_closed_in_both_dialects_and_the_audit_log_tells(security, body, status, action):
    caller = security()
    caller.collect("authz.role_changed", actor="u1")
    alert_id = alerts_of(caller)[0]["id"]
    answer = caller.call("PATCH", f"/alerts/{alert_id}", json=body)
    data = answer.json()["data"]
    assert set(data) == {"id", "status", "action", "resolution_type", "resolved_at", "resolved_by", "updated_at"}
    assert (answer.status_code, data["status"], data["action"]) == (200, status, action)
    assert (data["resolved_at"] is None) == (action == "mark_safe")
    assert data["resolved_by"] == body.get("resolved_by", "Agent key")
    found = caller.call("GET", f"/alerts/{alert_id}").json()["data"]
    assert found["status"] == status
    assert found["metadata"].get("internal_notes") == body.get("internal_notes")
    with session_scope(write=False) as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.target_id == alert_id)).all()
        assert entry.action == "security_alert.update"


@pytest.mark.parametrize(
    "body", [{}, {"status": "odd"}, {"status": []}, {"action": "odd"}, {"action": "resolve", "resolution_type": "odd"}, []]
)
def test_unknown_word_is_400(security, body):
    caller = security()
    caller.collect("authz.role_changed")
    assert caller.call("PATCH", f"/alerts/{alerts_of(caller)[0]['id']}", json=body).status_code == 400


def test_alias_routes_close_the_alert_of_the_body(security):
    caller = security()
    caller.collect("authz.role_changed", actor="a")
    caller.collect("authz.role_changed", actor="b")
    first, second = (alert["id"] for alert in alerts_of(caller))
    assert caller.call("POST", "/alerts/resolve", json={"alert_id": first}).json()["data"]["status"] == "resolved"
    assert caller.call("POST", "/alerts/safe", json={"alert_id": second}).json()["data"]["status"] == "dismissed"
    assert caller.call("POST", "/alerts/safe", json={}).status_code == 400
    assert [alert["id"] for alert in alerts_of(caller, status="resolved")] == [first]
    assert caller.call("GET", "/alerts?status=odd").status_code == 400


def test_alert_of_another_tenant_is_404(security):
    first, second = security(), security()
    first.collect("authz.role_changed")
    alert_id = alerts_of(first)[0]["id"]
    assert second.call("GET", f"/alerts/{alert_id}").status_code == 404
    assert second.call("PATCH", f"/alerts/{alert_id}", json={"status": "resolved"}).status_code == 404
