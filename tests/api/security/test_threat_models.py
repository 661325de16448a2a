"""Threat models of a project: kept and changed by editors, tried on history, and raising one alert per incident."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.identity import service as identity
from app.identity.contracts import TenantPlan, UserRole
from app.kernel.database import session_scope
from app.security.api import threat_models as routes
from app.security.contracts import EventFilter
from app.security.plans import ENTERPRISE
from app.security.repository import threat_models as models
from app.security.service import detection, sweeping
from app.security.service.backlog import BACKLOG
from app.security.service.surroundings import event_of
from models.identity import AuditEntry
from models.projects import Project
from models.security import SecurityAlert, SecurityThreatModel
from tests.api.security.conftest import SecurityClient

EXPORTS = {
    "name": "Many exports", "event_pattern": "data.*", "threshold": 3, "window_minutes": 60, "group_by": "actor",
    "severity": "high", "conditions": {"field": "metadata.rows", "operator": "gte", "value": 100},
}  # fmt: skip
AFTER = {
    "name": "Export after failures", "event_pattern": "auth.login_failed", "threshold": 2, "window_minutes": 10,
    "followed_by": {"event_pattern": "data.export", "window_minutes": 30, "conditions": {}},
}  # fmt: skip


class Editor:
    """An editor in front of the project of a key."""

    def __init__(self, caller: SecurityClient, headers: dict[str, str]) -> None:
        self.caller, self.headers = caller, headers
        with session_scope(write=False) as session:
            slug = session.exec(select(Project.slug).where(Project.id == caller.project_id)).one()
        self.path = f"/api/v1/projects/{slug}/threat-models"

    def call(self, method: str, path: str = "", **details: Any):
        return self.caller.http.request(method, self.path + path, headers=self.headers, **details)

    def make(self, **parts: Any) -> dict[str, Any]:
        answer = self.call("POST", json={**EXPORTS, **parts})
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def world(security, member, monkeypatch, clock) -> Editor:
    monkeypatch.setattr(routes, "SYSTEM_CLOCK", clock)
    return Editor(security(TenantPlan.ENTERPRISE), member(UserRole.EDITOR).headers)


@pytest.fixture(autouse=True)
def _nothing_waits():
    yield
    assert BACKLOG.wait(30)


def alerts_of(caller: SecurityClient) -> list[SecurityAlert]:
    assert BACKLOG.wait(30)
    with session_scope(write=False) as session:
        query = select(SecurityAlert).where(SecurityAlert.project_id == caller.project_id).order_by(SecurityAlert.created_at)
        return list(session.exec(query).all())


def export(caller: SecurityClient, rows: int, actor: str = "ana", **details: Any) -> None:
    caller.collect("data.export", actor={"id": actor}, metadata={"rows": rows}, **details)


def test_model_is_made_read_changed_and_removed(world):
    made = world.make(description="Watches bulk work")
    assert (made["is_enabled"], made["paused_reason"], made["followed_by"]) == (True, None, None)
    assert world.call("GET", f"/{made['id']}").json() == made
    changed = world.call("PATCH", f"/{made['id']}", json={"threshold": 5, "followed_by": AFTER["followed_by"]}).json()
    assert (changed["threshold"], changed["followed_by"], changed["name"]) == (5, AFTER["followed_by"], made["name"])
    assert changed["conditions"] == EXPORTS["conditions"]
    assert world.call("PATCH", f"/{made['id']}", json={"followed_by": None}).json()["followed_by"] is None
    assert [one["id"] for one in world.call("GET").json()] == [made["id"]]
    assert world.call("DELETE", f"/{made['id']}").status_code == 204
    assert world.call("GET", f"/{made['id']}").status_code == 404
    with session_scope(write=False) as session:
        actions = session.exec(select(AuditEntry.action).where(AuditEntry.target_id == made["id"])).all()
    assert sorted(actions) == ["threat_model.create", "threat_model.delete", "threat_model.update", "threat_model.update"]


def test_viewers_read_and_try_but_change_nothing(world, member):
    made = world.make()
    viewer = Editor(world.caller, member(UserRole.VIEWER).headers)
    assert viewer.call("GET").status_code == 200
    assert viewer.call("POST", "/preview", json=EXPORTS).status_code == 200
    for method, path in (("POST", ""), ("PATCH", f"/{made['id']}"), ("DELETE", f"/{made['id']}")):
        assert viewer.call(method, path, json=EXPORTS).status_code == 403


def test_other_projects_models_do_not_exist(world, security, member):
    made = world.make()
    other = Editor(security(TenantPlan.ENTERPRISE), member(UserRole.EDITOR).headers)
    assert other.call("GET").json() == []
    assert other.call("GET", f"/{made['id']}").status_code == 404
    assert other.call("DELETE", f"/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    "parts",
    [
        {"name": " "}, {"name": "x" * 121}, {"event_pattern": "A B"}, {"event_pattern": "*a*b*c*"}, {"threshold": 0},
        {"threshold": 10_001}, {"window_minutes": 1_441}, {"severity": "huge"}, {"group_by": "moon"}, {"odd": 1},
        {"conditions": {"field": "event", "operator": "odd", "value": 1}},
        {"conditions": {"field": "event", "operator": "regex", "value": "(a+)+$"}},
        {"conditions": {"field": "event", "operator": "regex", "value": "(x" * 200}},
        {"conditions": {"field": "event", "operator": "regex", "value": r"(a|a)*b\1"}},
        {"conditions": {"conditions": [{"field": "a", "operator": "exists"}] * 101}},
        {"conditions": {"field": "a\x00b", "operator": "exists"}},
        {"conditions": {"field": "a", "operator": "eq", "value": "x" * 30_000}},
        {"followed_by": {"event_pattern": "a.b", "window_minutes": 0}},
        {"followed_by": {"event_pattern": "a.b", "window_minutes": 5, "conditions": {"field": "x", "operator": "eq"}}},
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_at_its_field(world, parts):
    for path in ("", "/preview"):
        answer = world.call("POST", path, json={**EXPORTS, **parts})
        assert answer.status_code == 422, answer.text
    assert world.call("GET").json() == []


def test_deep_conditions_and_bombs_are_refused_fast(world):
    started = time.process_time()
    for depth in (11, 900, 100_000):
        tree = '{"conditions": [' * depth + '{"field": "a", "operator": "exists"}' + "]}" * depth
        body = json.dumps({**EXPORTS, "conditions": "TREE"}).replace('"TREE"', tree)
        answer = world.call("POST", content=body)
        assert answer.status_code in (400, 422), answer.text[:200]
    assert time.process_time() - started < 20


def test_taken_name_is_a_conflict(world):
    world.make()
    assert world.call("POST", json=EXPORTS).status_code == 409


def test_plan_without_threat_models_may_not_keep_any(security, member):
    pro = Editor(security(TenantPlan.PRO), member(UserRole.EDITOR).headers)
    answer = pro.call("POST", json=EXPORTS)
    assert (answer.status_code, answer.json()["detail"]) == (403, "Threat models need the plan enterprise")


def test_live_events_raise_one_alert_with_evidence(world, clock):
    made, caller = world.make(), world.caller
    for rows in (500, 5, 500, 500, 500):
        export(caller, rows)
        clock.advance(timedelta(minutes=1))
    export(caller, 500, "bob")
    [alert] = alerts_of(caller)
    assert (alert.title, alert.severity, alert.actor_id, alert.occurrences) == ("Many exports", "high", "ana", 2)
    assert (alert.details["model_id"], alert.details["count"]) == (made["id"], 4)
    with session_scope(write=False) as session:
        counted = models.alert_counts(session, caller.project_id, clock.now() - timedelta(days=1))
        assert counted == {made["id"]: 1}
        assert models.alert_counts(session, caller.project_id, clock.now()) == {}
    assert len(alert.details["events"]) == 4


def test_sequence_is_a_critical_alert(world, clock):
    assert world.call("POST", json=AFTER).status_code == 201
    caller = world.caller
    for name in ("auth.login_failed", "auth.login_failed", "data.export"):
        caller.collect(name, actor={"id": "ana"}, user_ip="203.0.113.9")
        clock.advance(timedelta(minutes=1))
    [alert] = alerts_of(caller)
    assert (alert.title, alert.severity) == ("Possible account compromise: Export after failures", "critical")


def test_grouping_by_address_joins_actors_and_by_actor_does_not(world, clock):
    world.make(name="By actor", group_by="actor", conditions={})
    world.make(name="By address", group_by="ip", conditions={})
    for actor in ("a", "b", "c"):
        export(world.caller, 1, actor, user_ip="203.0.113.9")
        clock.advance(timedelta(minutes=1))
    assert [alert.title for alert in alerts_of(world.caller)] == ["By address"]


def test_switched_off_model_raises_nothing(world, clock):
    made = world.make()
    world.call("PATCH", f"/{made['id']}", json={"is_enabled": False})
    for _ in range(4):
        export(world.caller, 500)
        clock.advance(timedelta(minutes=1))
    assert alerts_of(world.caller) == []


def test_repeated_passes_in_several_threads_count_each_event_once(world, clock):
    world.make(threshold=1)
    for _ in range(4):
        export(world.caller, 500)
        clock.advance(timedelta(minutes=1))
    [first] = alerts_of(world.caller)
    with session_scope(write=False) as session:
        principal = identity.ingest_principal_for(session, world.caller.token)
    rows = detection.repository.list_events(principal, EventFilter(since=clock.now() - timedelta(hours=1)), limit=10, offset=0)[0]
    events = [event_of(row) for row in rows]
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(detection.judge, principal, ENTERPRISE, events) for _ in range(6)]:
            done.result(timeout=30)
    clock.advance(timedelta(minutes=20))
    with session_scope() as session:  # as after a restart that lost what was counted
        for bucket in session.exec(select(sweeping.judging.SecurityJudgedBucket)):
            session.delete(bucket)
    assert sweeping.sweep(principal, clock.now(), until=time.monotonic() + 60) == 4
    [alert] = alerts_of(world.caller)
    assert (alert.id, alert.occurrences) == (first.id, 4)


def test_preview_counts_alerts_on_history_and_shows_the_newest(world, clock):
    for _ in range(2):
        for _ in range(4):
            export(world.caller, 500)
            clock.advance(timedelta(minutes=1))
        clock.advance(timedelta(hours=3))
    export(world.caller, 5)
    found = world.call("POST", "/preview", json={**EXPORTS, "days": 1}).json()
    assert (found["looked_at"], found["matching_events"], found["alerts"], found["is_complete"]) == (9, 8, 2, True)
    assert [example["count"] for example in found["examples"]] == [3, 3]
    assert found["examples"][0]["at"] > found["examples"][1]["at"]
    assert found["examples"][0]["actor_id"] == "ana"
    made = world.make()
    assert world.call("POST", f"/{made['id']}/preview?days=1").json()["alerts"] == 2
    assert world.call("POST", f"/{made['id']}/preview?days=31").status_code == 422
    assert alerts_of(world.caller) == []


def test_model_that_takes_too_long_is_switched_off_and_says_why(world, clock, monkeypatch):
    monkeypatch.setattr(detection, "MODEL_SECONDS", -1.0)
    made = world.make()
    export(world.caller, 500)
    assert alerts_of(world.caller) == []
    found = world.call("GET", f"/{made['id']}").json()
    assert found["is_enabled"] is False
    assert "took longer" in found["paused_reason"]
    monkeypatch.setattr(detection, "MODEL_SECONDS", 2.0)
    again = world.call("PATCH", f"/{made['id']}", json={"is_enabled": True}).json()
    assert (again["is_enabled"], again["paused_reason"]) == (True, None)
    with session_scope(write=False) as session:
        assert session.get(SecurityThreatModel, made["id"]).is_enabled
