"""Events in: shapes, quota, rates, the error dialect and what must never be a server error."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.identity.contracts import IngestScope, TenantPlan
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from models.identity import IngestKey
from tests.api.security.conftest import book_events

PLAN_HEADERS = (
    "X-LiteSOC-Plan", "X-LiteSOC-Retention", "X-LiteSOC-Cutoff", "X-LiteSOC-Quota-Limit", "X-LiteSOC-Quota-Remaining",
    "X-LiteSOC-Quota-Used", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Access-Control-Expose-Headers",
)  # fmt: skip


def assert_plan_headers(answer) -> None:
    assert [name for name in PLAN_HEADERS if name not in answer.headers] == []


def test_single_event_is_accepted_and_readable_with_server_side_severity_and_time(security, clock):
    caller = security()
    answer = caller.collect(
        " Auth.Login_Failed ", actor={"id": "u1", "email": "a@b.c"}, user_ip="::ffff:203.0.113.9", severity="low",
        timestamp="2001-01-01", metadata={"severity": "x", "user_agent": "bad\r\nX-Evil: 1"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["status"], answer.json()["success"]) == (202, "queued", True)
    assert answer.json()["quota"] == {"remaining": 499_999, "limit": 500_000}
    assert_plan_headers(answer)
    found = caller.call("GET", "/events").json()
    event = found["data"][0]
    assert (event["event_name"], event["actor_id"], event["actor_email"]) == ("auth.login_failed", "u1", "a@b.c")
    assert (event["user_ip"], event["severity"], event["org_id"]) == ("203.0.113.9", "medium", caller.tenant_id)
    assert event["created_at"] == "2026-11-25T09:30:00.000Z"
    assert event["metadata"]["user_agent"] == "bad\r\nX-Evil: 1"
    assert found["pagination"] == {"total": 1, "limit": 50, "offset": 0, "has_more": False}
    one = caller.call("GET", f"/events/{event['id']}")
    assert one.json()["data"] == event
    assert_plan_headers(one)


@pytest.mark.parametrize(
    ("body", "actor_id", "email"),
    [
        ({"actor": None, "user_id": "7", "email": "x@y.z"}, "7", "x@y.z"),
        ({"actor": {"user_id": "8", "user_email": "q@y.z"}}, "8", "q@y.z"),
        ({"actor": "plain"}, "plain", None),
        ({"actor": 42}, "42", None),
        ({}, None, None),
    ],
)
def test_every_shape_of_actor_becomes_one(security, body, actor_id, email):
    caller = security()
    assert caller.collect("auth.logout", **body).status_code == 202
    event = caller.call("GET", "/events").json()["data"][0]
    assert (event["actor_id"], event["actor_email"]) == (actor_id, email)


@pytest.mark.parametrize("ip", ["unknown", "999.1.1.1", "1.2.3.4:80", "fe80::1%eth0", 5, None, ""])
def test_address_that_is_none_is_stored_as_null(security, ip):
    caller = security()
    assert caller.collect("auth.logout", user_ip=ip).status_code == 202
    assert caller.call("GET", "/events").json()["data"][0]["user_ip"] is None


@pytest.mark.parametrize("path", ["/collect", "/collect/batch", "/litesoc/collect"])
def test_batch_is_taken_in_its_order(security, path):
    caller = security()
    events = [{"event": f"app.step_{number}"} for number in range(3)]
    answer = caller.call("POST", path, json={"events": events})
    assert (answer.status_code, answer.json()["queued"]) == (202, 3)
    listed = caller.call("GET", "/events").json()["data"]
    assert [event["event_name"] for event in listed] == ["app.step_2", "app.step_1", "app.step_0"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"event": 5}', b'{"event": "word"}', b'{"event": "a.b\\r\\nc"}', b"\xff\xfe",
        b'{"event": "a.b", "metadata": []}', b'{"event": "a.b", "actor": []}', b'{"event": "a.b", "actor": "\\ud800"}',
        b'{"events": []}', b'{"events": {}}', b'{"events": [{"event": "a.b"}, 3]}', b"[" * 100_000,
        b'{"event": "a.b", "metadata": {"x": "' + b"y" * 1_000_000 + b'"}}',
        b'{"events": [' + b",".join([b'{"event": "a.b"}'] * 101) + b"]}",
    ],
)  # fmt: skip
def test_faulty_body_is_400_in_the_flat_dialect(security, body):
    caller = security()
    answer = caller.call("POST", "/collect", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR"), answer.text
    assert isinstance(answer.json()["error"], str)
    assert_plan_headers(answer)
    assert caller.call("GET", "/events").json()["pagination"]["total"] == 0


def test_faulty_item_of_a_batch_is_named_by_its_index(security):
    answer = security().call("POST", "/collect", json={"events": [{"event": "a.b"}, {"actor": "x"}]})
    assert answer.status_code == 400
    assert "events[1]" in answer.json()["error"]


def test_the_status_of_what_was_taken_in_is_a_setting(security, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_COLLECT_STATUS", "200")
    get_settings.cache_clear()
    answer = security().collect("a.b")
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")


def test_batch_over_the_quota_is_403_and_takes_nothing(security, clock):
    caller = security(TenantPlan.FREE)
    book_events(caller, 9_950, clock)
    answer = caller.call("POST", "/collect", json={"events": [{"event": "a.b"}] * 100})
    assert (answer.status_code, answer.json()["code"]) == (403, "QUOTA_EXCEEDED")
    assert answer.headers["X-LiteSOC-Quota-Remaining"] == "50"
    clock.advance(timedelta(minutes=1))
    listed = caller.call("GET", "/events")
    assert (listed.json()["pagination"]["total"], listed.headers["X-LiteSOC-Quota-Remaining"]) == (0, "50")
    assert caller.call("POST", "/collect", json={"events": [{"event": "a.b"}] * 50}).status_code == 202
    assert caller.collect("a.b").json()["code"] == "QUOTA_EXCEEDED"


def test_call_over_the_minute_is_429_until_the_next_minute(security, clock):
    caller = security(TenantPlan.FREE)
    assert caller.call("POST", "/collect", json={"events": [{"event": "a.b"}] * 100}).status_code == 202
    refused = caller.collect("a.b")
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert (refused.headers["Retry-After"], refused.json()["retry_after"]) == ("60", 60)
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    clock.advance(timedelta(minutes=1))
    assert caller.collect("a.b").status_code == 202


@pytest.mark.parametrize("token", ["", "unknown", "x" * 5000])
def test_wrong_key_is_401_with_plan_headers(security, token):
    answer = security().call("POST", "/collect", json={"event": "a.b"}, headers={"X-API-Key": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
    assert_plan_headers(answer)


def test_revoked_key_is_401_and_reading_key_may_not_collect(security):
    caller = security()
    with session_scope() as session:
        key = session.get(IngestKey, caller.key_id)
        assert key is not None
        key.revoked_at = SYSTEM_CLOCK.now()
    assert caller.collect("a.b").status_code == 401
    assert security(scope=IngestScope.READ).collect("a.b").status_code == 403


def test_wrong_method_and_unknown_event_speak_the_dialect(security):
    caller = security()
    refused = caller.call("DELETE", "/events")
    assert (refused.status_code, refused.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    missing = caller.call("GET", "/events/nope")
    assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
    assert_plan_headers(refused)
    assert_plan_headers(missing)


def test_origin_must_be_authorised_and_preflight_is_204(security):
    from models.security import SecurityOrigin

    caller = security()
    foreign = caller.call("GET", "/events", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "Origin" in foreign.json()["error"]
    with session_scope() as session:
        session.add(SecurityOrigin(project_id=caller.project_id, origin="https://*.shop.example"))
    for origin, status in (
        ("http://localhost:3000", 200), ("http://127.0.0.1", 200), ("https://a.shop.example", 200),
        ("https://shop.example", 403), ("https://evilshop.example", 403), ("http://localhost.evil.example", 403),
    ):  # fmt: skip
        assert caller.call("GET", "/events", headers={"Origin": origin}).status_code == status, origin
    preflight = caller.http.options("/collect", headers={"Origin": "https://a.shop.example"})
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://a.shop.example"


def test_free_plan_sees_events_without_network_and_nothing_older_than_a_week(security, clock):
    caller = security(TenantPlan.TRIAL)
    caller.collect("auth.login_success", actor="u", user_ip="203.0.113.9")
    found = caller.call("GET", "/events").json()
    assert found["meta"] | {"cutoff_date": ""} == {
        "plan": "free", "retention_days": 7, "cutoff_date": "", "redacted": True, "max_limit": 200,
    }  # fmt: skip
    event = found["data"][0]
    assert {name: event[name] for name in ("city", "is_vpn", "is_tor", "is_proxy", "is_datacenter", "latitude")} == dict.fromkeys(
        ("city", "is_vpn", "is_tor", "is_proxy", "is_datacenter", "latitude")
    )
    clock.advance(timedelta(days=7, seconds=1))
    assert caller.call("GET", "/events").json()["data"] == []
    assert caller.call("GET", f"/events/{event['id']}").status_code == 404


def test_filters_pick_by_name_actor_and_severity_and_a_limit_is_clamped(security):
    caller = security()
    for name, actor in (("auth.login_failed", "a"), ("auth.login_success", "b"), ("data.bulk_delete", "a")):
        caller.collect(name, actor=actor)

    def names(**parameters: object) -> set[str]:
        return {event["event_name"] for event in caller.call("GET", "/events", params=parameters).json()["data"]}

    assert names(severity="info") == {"auth.login_success"}
    assert names(severity="warning") == names(severity="medium") == {"auth.login_failed"}
    assert names(severity="critical") == {"data.bulk_delete"}
    assert names(event_name="auth.login_failed") == names(event_type="AUTH.login_failed") == {"auth.login_failed"}
    assert names(actor_id="b") == {"auth.login_success"}
    assert names(to="2026-11-25T09:00:00Z") == set()
    assert len(names(**{"from": "2026-11-25T09:00:00+00:00"})) == 3
    assert caller.call("GET", "/events?limit=9999").json()["pagination"]["limit"] == 200
    for query in ("limit=x", "from=soon", "severity=odd"):
        assert caller.call("GET", f"/events?{query}").status_code == 400


def test_events_of_another_tenant_do_not_exist(security):
    first, second = security(), security()
    first.collect("a.b")
    event = first.call("GET", "/events").json()["data"][0]
    assert second.call("GET", "/events").json()["data"] == []
    assert second.call("GET", f"/events/{event['id']}").status_code == 404
