"""The health route with and without a key of the security surface."""

from __future__ import annotations

from fastapi.testclient import TestClient

from app.operations import operations_app


def test_valid_key_adds_organisation_and_quota_and_a_wrong_one_is_401(security):
    caller = security()
    with TestClient(operations_app(list)) as http:
        plain = http.get("/health")
        valid = http.get("/health", headers={"X-API-Key": caller.token})
        wrong = http.get("/health", headers={"X-API-Key": "wrong"})
        empty = http.get("/health", headers={"X-API-Key": ""})
    assert (plain.status_code, plain.json()["status"]) == (200, "ok")
    assert "authenticated" not in plain.json()
    assert (valid.status_code, valid.json()["status"], valid.json()["authenticated"]) == (200, "ok", True)
    assert valid.json()["organization"]["id"] == caller.tenant_id
    assert valid.json()["quota"] == {"limit": 500_000, "used": 0, "remaining": 500_000}
    assert valid.headers["X-LiteSOC-Plan"] == "pro"
    assert (wrong.status_code, wrong.json()["code"], empty.status_code) == (401, "UNAUTHORIZED", 401)


def test_a_page_may_ask_for_health_from_an_authorised_origin_only(security):
    key = {"X-API-Key": security().token}
    with TestClient(operations_app(list)) as http:
        preflight = http.options("/health", headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"})
        local = http.get("/health", headers={**key, "Origin": "http://localhost:3000"})
        foreign = http.get("/health", headers={**key, "Origin": "https://app.example"})
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "https://app.example")
    assert "X-API-Key" in preflight.headers["Access-Control-Allow-Headers"]
    assert (local.status_code, local.headers["Access-Control-Allow-Origin"]) == (200, "http://localhost:3000")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "FORBIDDEN") and "Origin" in foreign.json()["error"]
    for answer in (local, foreign):
        assert answer.headers["X-LiteSOC-Plan"] == "pro" and "X-LiteSOC-Plan" in answer.headers["Access-Control-Expose-Headers"]
