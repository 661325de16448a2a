"""The audit trail over HTTP: owners only, every filter, secrets masked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.identity import service as identity
from app.identity.contracts import Actor, ApiKeyScope, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from tests.api.plan.contract import ABSENT, IS_REACHABLE, load_contract
from tests.api.plan.workbench import key_headers
from tests.factories import make_project

AUDIT = "/api/v1/audit"


@pytest.fixture
def owner(member, engine):
    """An owner who has changed a project, a key and the instance."""
    person = member(UserRole.OWNER, email="ana_1@example.org")
    actor = Actor(person.user.id, person.user.email, "Ana", UserRole.OWNER)
    with session_scope(engine) as session:
        project = make_project(session, slug="shop")
        identity.record_audit(session, actor, "event.update", "event", project.id, project_slug="shop", payload={"name": "paid"})
        secrets = {"password": "p", "inner": {"api_key": "k", "kind": "x"}}
        identity.record_audit(session, actor, "settings.update", "settings", "instance", payload=secrets)
    return person


def ask(client, owner, **query):
    answer = client.get(AUDIT, params=query, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return [item["action"] for item in answer.json()["items"]]


@pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)
def test_the_list_has_the_contract_s_shape_and_is_the_owners(client, engine, member, owner):
    contract = load_contract()
    (operation,) = contract.of_tags("audit")
    assert client.get(AUDIT).status_code == 401
    key = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE)
    for headers in (member(UserRole.EDITOR).headers, member(UserRole.VIEWER).headers, key):
        assert client.get(AUDIT, headers=headers).status_code == 403
    assert contract.mismatches(operation["response"], client.get(AUDIT, headers=owner.headers).json()) == []


def test_every_filter_narrows_and_the_newest_comes_first(client, owner):
    assert ask(client, owner)[:2] == ["settings.update", "event.update"]
    assert ask(client, owner, project_slug="shop") == ["event.update"]
    assert ask(client, owner, project_slug="") == ["settings.update"]
    assert ask(client, owner, action="event.update") == ["event.update"]
    assert ask(client, owner, user_id=owner.user.id, limit=1) == ["settings.update"]
    assert ask(client, owner, user_email="NA_1@", offset=1) == ["event.update"]
    assert ask(client, owner, user_email="anaX1") == []
    now = SYSTEM_CLOCK.now()
    assert ask(client, owner, since=(now + timedelta(minutes=1)).isoformat()) == []
    assert len(ask(client, owner, until=(now + timedelta(minutes=1)).isoformat())) == 2
    for wrong in ({"limit": 0}, {"limit": 201}, {"offset": -1}, {"since": "soon"}, {"user_id": "x"}):
        assert client.get(AUDIT, params=wrong, headers=owner.headers).status_code == 422


def test_an_entry_tells_its_target_and_no_secret(client, owner):
    settings, event = client.get(AUDIT, headers=owner.headers).json()["items"]

    assert settings["payload"] == {"password": "***", "inner": {"api_key": "***", "kind": "x"}}
    assert (settings["project_slug"], settings["project_id"], settings["target_id"]) == ("", None, None)
    assert (event["target_name"], event["project_slug"]) == ("paid", "shop") and event["project_id"] == event["target_id"]
    assert client.get(f"{AUDIT}/{event['id']}", headers=owner.headers).json() == event
    assert client.get(f"{AUDIT}/actions", headers=owner.headers).json() == ["audit.read", "event.update", "settings.update"]
    assert client.get(f"{AUDIT}/00000000-0000-4000-8000-000000000000", headers=owner.headers).status_code == 404


def test_looks_at_the_log_are_entries_that_show_when_asked_for(client, owner):
    assert ask(client, owner, user_email="ana") == ["settings.update", "event.update"]
    assert ask(client, owner) == ["settings.update", "event.update"]
    assert ask(client, owner, include_reads=True)[:2] == ["audit.read", "audit.read"]
    read = client.get(AUDIT, params={"action": "audit.read", "limit": 200}, headers=owner.headers).json()
    assert read["total"] == 3
    assert read["items"][-1]["payload"] == {"user_email": "ana", "limit": 50, "offset": 0}
    assert {item["user_email"] for item in read["items"]} == {"ana_1@example.org"}


def test_who_is_refused_leaves_no_entry_of_a_look(client, member, owner):
    assert client.get(AUDIT, headers=member(UserRole.VIEWER).headers).status_code == 403
    assert ask(client, owner, action="audit.read") == []
