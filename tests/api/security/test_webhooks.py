"""Logs of identity providers and the agent's sign of life."""

from __future__ import annotations

import pytest


def entry(log_id: str, kind: str, **data: object) -> dict[str, object]:
    return {"log_id": log_id, "data": {"type": kind, "user_id": "auth0|1", "user_name": "a@b.c", "ip": "203.0.113.9", **data}}


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
