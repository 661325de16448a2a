"""Logs of identity providers and the agent's sign of life."""

from __future__ import annotations

import pytest

from app.ingest import service as ingest
from app.security.service import alerts, deliveries


def entry(log_id: str, kind: str, **data: object) -> dict[str, object]:
    return {"log_id": log_id, "data": {"type": kind, "user_id": "auth0|1", "user_name": "a@b.c", "ip": "203.0.113.9", **data}}


def cut_off(session, *_arguments) -> None:
    raise RuntimeError("the process ended here")


def test_an_entry_that_was_claimed_and_not_stored_is_stored_when_it_comes_again(security, clock, monkeypatch):
    caller = security()
    with monkeypatch.context() as cut:
        cut.setattr(ingest, "keep", cut_off)
        cut.setattr(deliveries, "forget", cut_off)
        assert caller.call("POST", "/webhooks/auth0", json=[entry("1", "s")]).status_code == 500
    busy = caller.call("POST", "/webhooks/auth0", json=[entry("1", "s"), entry("2", "s")])
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "30")
    clock.advance(deliveries.CLAIM_LASTS)
    again = caller.call("POST", "/webhooks/auth0", json=[entry("1", "s"), entry("2", "s")])
    assert (again.status_code, again.json()["queued"]) == (200, 2)
    assert len(caller.call("GET", "/events").json()["data"]) == 2


def test_an_entry_that_was_stored_and_not_noted_is_not_stored_again(security, clock, monkeypatch):
    caller = security()
    with monkeypatch.context() as cut:
        cut.setattr(deliveries, "keep", cut_off)
        assert caller.call("POST", "/webhooks/auth0", json=[entry("1", "s")]).status_code == 500
    clock.advance(deliveries.CLAIM_LASTS)
    for _ in range(2):
        again = caller.call("POST", "/webhooks/auth0", json=[entry("1", "s")])
        assert (again.status_code, again.json()["queued"]) == (200, 0)
    assert len(caller.call("GET", "/events").json()["data"]) == 1


def test_a_fault_of_the_alerts_does_not_ask_for_what_is_stored(security, monkeypatch):
    caller = security()
    monkeypatch.setattr(alerts, "raise_instant_alerts", cut_off)
    for _ in range(2):
        assert caller.call("POST", "/webhooks/auth0", json=[entry("1", "limit_wc")]).status_code == 200
    assert len(caller.call("GET", "/events").json()["data"]) == 1


def names(caller) -> set[str]:
    return {event["event_name"] for event in caller.call("GET", "/events").json()["data"]}


def test_auth0_entries_become_events_once(security):
    caller = security()
    kinds = {
        "s": "auth.login_success", "seacft": "auth.login_success", "fp": "auth.login_failed", "slo": "auth.logout",
        "scp": "auth.password_reset", "limit_wc": "security.brute_force_detected", "gd_x": "auth0.gd_x",
    }  # fmt: skip
    entries = [entry(kind, kind) for kind in kinds]
    first = caller.call("POST", "/webhooks/auth0", json=entries)
    assert (first.status_code, first.json()["queued"]) == (200, len(kinds))
    again = caller.call("POST", "/webhooks/auth0", json={"logs": [*entries, entry("other", "f")]})
    assert again.json()["queued"] == 1
    assert names(caller) == set(kinds.values())
    assert caller.call("POST", "/webhooks/auth0", json=[*entries[:1], *entries[:1]]).json()["queued"] == 0


@pytest.mark.parametrize(
    ("kind", "record", "old", "event"),
    [
        ("INSERT", {"id": "1"}, None, "admin.user_created"),
        ("DELETE", None, {"id": "1"}, "admin.user_deleted"),
        ("UPDATE", {"id": "1", "last_sign_in_at": "b"}, {"last_sign_in_at": "a"}, "auth.login_success"),
        ("UPDATE", {"id": "1", "encrypted_password": "b"}, {"encrypted_password": "a"}, "auth.password_reset"),
        ("UPDATE", {"id": "1"}, {"id": "1"}, None),
    ],
)
def test_supabase_change_becomes_an_event(security, kind, record, old, event):
    caller = security()
    body = {"type": kind, "table": "users", "schema": "auth", "record": record, "old_record": old}
    assert caller.call("POST", "/webhooks/supabase", json=body).status_code == 200
    found = caller.call("GET", "/events").json()["data"]
    assert [(one["event_name"], one["actor_id"]) for one in found] == ([(event, "1")] if event else [])


def test_webhooks_take_the_key_as_bearer_token_and_in_the_query(security):
    caller = security()
    body = [entry("1", "s")]
    bearer = caller.http.post("/webhooks/auth0", json=body, headers={"Authorization": f"Bearer {caller.token}"})
    query = caller.http.post(f"/webhooks/auth0?api_key={caller.token}", json=body)
    assert (bearer.status_code, query.status_code) == (200, 200)
    assert caller.http.post(f"/collect?api_key={caller.token}", json={"event": "a.b"}).status_code == 401


@pytest.mark.parametrize("path", ["/webhooks/auth0", "/webhooks/supabase", "/agent/heartbeat", "/collect/batch", "/alerts/safe"])
@pytest.mark.parametrize("body", [b"{", b"", b"5", b'"x"', b"[[]]", b'{"logs": [5]}'])
def test_faulty_body_is_400(security, path, body):
    answer = security().call("POST", path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")


def test_heartbeat_is_answered_without_an_update(security):
    body = {"hostname": "web-1", "ip_address": "10.0.0.1", "agent_version": "1.0"}
    answer = security().call("POST", "/agent/heartbeat", json=body)
    assert (answer.status_code, answer.json()["update"]) == (200, None)
