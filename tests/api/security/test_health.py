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
