"""Clocks that jump, keys that end while they are used, and figures at the edge of what is allowed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from app.identity.contracts import TenantPlan, UserRole
from app.kernel.database import session_scope
from app.security.api import collect as routes
from app.security.api import threat_models
from app.security.service.backlog import BACKLOG
from models.identity import IngestKey, Tenant
from models.projects import Project
from models.security import SecurityAlert

BATCH = {"events": [{"event": "data.bulk_delete", "actor": f"u{number}"} for number in range(3)]}


@pytest.fixture(autouse=True)
def _nothing_waits():
    yield
    assert BACKLOG.wait(60)


def alerts_of(caller) -> list[SecurityAlert]:
    assert BACKLOG.wait(60)
    with session_scope(write=False) as session:
        query = select(SecurityAlert).where(SecurityAlert.project_id == caller.project_id).order_by(SecurityAlert.created_at)
        return list(session.exec(query).all())


def revoke(caller, clock) -> None:
    with session_scope() as session:
        session.get_one(IngestKey, caller.key_id).revoked_at = clock.now()


def suspend(caller, _clock) -> None:
    with session_scope() as session:
        session.get_one(Tenant, caller.tenant_id).status = "suspended"


@pytest.mark.parametrize(("end", "status"), [(revoke, 401), (suspend, 403)])
def test_what_ends_while_a_batch_is_on_its_way_stores_none_of_it(security, clock, monkeypatch, end, status):
    caller = security()
    read = routes.body_of

    async def slow(request):
        body = await read(request)
        end(caller, clock)
        return body

    monkeypatch.setattr(routes, "body_of", slow)
    answer = caller.call("POST", "/collect/batch", json=BATCH)
    assert answer.status_code == status, answer.text
    assert "X-LiteSOC-Plan" in answer.headers
    assert alerts_of(caller) == []


def test_an_alert_from_a_clock_that_ran_ahead_does_not_swallow_what_follows(security, clock):
    caller = security()
    clock.advance(timedelta(days=400))
    caller.collect("data.bulk_delete", actor="u1")
    clock.advance(-timedelta(days=400))
    caller.collect("data.bulk_delete", actor="u1")
    caller.collect("data.bulk_delete", actor="u1")
    assert sorted(alert.occurrences for alert in alerts_of(caller)) == [1, 2]


def test_a_clock_that_steps_back_a_little_makes_no_second_alert(security, clock):
    caller = security()
    caller.collect("data.bulk_delete", actor="u1")
    clock.advance(-timedelta(minutes=90))
    assert caller.collect("data.bulk_delete", actor="u1").status_code == 202
    assert [alert.occurrences for alert in alerts_of(caller)] == [2]


def test_failures_are_counted_across_a_clock_that_steps_back(security, clock):
    caller = security()
    for _ in range(6):
        caller.collect("auth.login_failed", actor="u1", user_ip="203.0.113.7")
        clock.advance(-timedelta(seconds=20))
        assert BACKLOG.wait(60)
    clock.advance(timedelta(seconds=120))
    caller.collect("auth.login_failed", actor="u1", user_ip="203.0.113.7")
    assert [alert.alert_type for alert in alerts_of(caller)] == ["brute_force_attack"]


@pytest.mark.parametrize("minutes", [0, -1, 1_441, 5_256_000, 10**30, 1.5, None])
def test_a_window_of_nothing_or_of_ten_years_is_refused(security, member, monkeypatch, clock, minutes):
    monkeypatch.setattr(threat_models, "SYSTEM_CLOCK", clock)
    caller, headers = security(TenantPlan.ENTERPRISE), member(UserRole.EDITOR).headers
    with session_scope(write=False) as session:
        slug = session.exec(select(Project.slug).where(Project.id == caller.project_id)).one()
    model = {"name": "Edge", "event_pattern": "auth.*", "severity": "low"}
    for path in ("", "/preview"):
        for body in (
            {**model, "window_minutes": minutes},
            {**model, "followed_by": {"event_pattern": "auth.*", "window_minutes": minutes}},
        ):
            answer = caller.http.request("POST", f"/api/v1/projects/{slug}/threat-models{path}", headers=headers, json=body)
            assert answer.status_code == 422, (path, answer.text)


def test_one_entry_id_in_two_tenants_is_two_events(security):
    entry = {"log_id": "l1", "data": {"type": "f", "user_id": "u1", "ip": "203.0.113.9", "date": "9999-12-31T23:59:59.999Z"}}
    first, second = security(), security()
    for caller in (first, second, first, second):
        assert caller.call("POST", "/webhooks/auth0", json=[entry]).status_code in (200, 202)
    for caller in (first, second):
        rows = caller.call("GET", "/events", params={"actor_id": "u1"}).json()["data"]
        assert len(rows) == 1
        for other in (first, second):
            status = other.call("GET", f"/events/{rows[0]['id']}").status_code
            assert status == (200 if other is caller else 404)


@pytest.mark.parametrize("date", ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01", "-1"])
def test_a_date_that_a_provider_claims_does_not_move_the_event(security, clock, date):
    caller = security()
    entry = {"log_id": f"l{date}", "data": {"type": "f", "user_id": "u1", "ip": "203.0.113.9", "date": date}}
    assert caller.call("POST", "/webhooks/auth0", json=[entry]).status_code in (200, 202)
    [row] = caller.call("GET", "/events").json()["data"]
    assert row["created_at"][:16] == clock.now().isoformat()[:16]


def test_the_model_of_the_handbook_is_taken_as_printed(security, member, monkeypatch, clock):
    monkeypatch.setattr(threat_models, "SYSTEM_CLOCK", clock)
    caller, headers = security(TenantPlan.ENTERPRISE), member(UserRole.EDITOR).headers
    with session_scope(write=False) as session:
        slug = session.exec(select(Project.slug).where(Project.id == caller.project_id)).one()
    handbook = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    [model] = re.findall(r"```json\n(.+?)```", handbook, re.DOTALL)
    answer = caller.http.request("POST", f"/api/v1/projects/{slug}/threat-models", headers=headers, json=json.loads(model))
    assert answer.status_code == 201, answer.text
    assert {**answer.json(), **json.loads(model)} == answer.json()
    path = f"/api/v1/projects/{slug}/threat-models/{answer.json()['id']}/preview"
    assert caller.http.request("POST", path, headers=headers, params={"days": 30}).status_code == 200
