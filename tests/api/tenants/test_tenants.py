"""Tenants of the event API: plans, quotas, isolation, and the trial's thousand events."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from app.identity import service as identity
from app.identity.contracts import SYSTEM_ACTOR, ApiKeyScope, IngestKind, IngestScope, TenantPlan, UserRole
from app.kernel.database import session_scope
from app.projects import onboarding
from tests.api.plan.workbench import key_headers
from tests.factories import make_actor, make_project
from tests.unit.ingest.harness import World, event, serving

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
TENANTS = "/v1/tenants"


@pytest.fixture
def admin(engine) -> dict[str, str]:
    return key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE)


def make(client, admin, **more):
    return client.post(TENANTS, json={"name": "Acme", "domain": "acme.example", **more}, headers=admin)


def test_a_tenant_starts_on_trial_with_its_quotas_and_a_key(client, admin):
    made = make(client, admin, industry="retail", company_size="10-50")

    body = made.json()
    assert made.status_code == 201 and body["id"].startswith("tenant_") and body["api_key"].startswith("pl_")
    assert (body["plan"], body["status"], body["industry"]) == ("trial", "trial", "retail")
    assert body["quotas"] == {"events_per_day": 1000, "anomalies_per_day": 100, "storage_gb": 10, "requests_per_minute": 60}
    assert body["usage"]["events"] == 0 and body["usage"]["last_reset"].endswith("T00:00:00Z")
    read = client.get(f"{TENANTS}/{body['id']}", headers=admin).json()
    assert read == {name: value for name, value in body.items() if name != "api_key"}


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "A"}, {"domain": "a.b"}, {"name": "A", "domain": "not a host"}, {"name": "A", "domain": "a.b", "plan": "gold"}],
)
def test_what_is_missing_or_unknown_is_a_400_in_the_api_s_own_words(client, admin, body):
    answer = client.post(TENANTS, json=body, headers=admin)

    assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_argument"
    assert set(answer.json()["error"]) >= {"code", "message", "request_id"}


def test_credentials_decide_and_other_tenants_do_not_exist(client, admin, engine, member):
    first, second = make(client, admin).json(), make(client, admin, domain="b.example").json()
    own = {"Authorization": f"Bearer {first['api_key']}"}

    assert client.get(f"{TENANTS}/{first['id']}", headers=own).status_code == 200
    assert client.get(f"{TENANTS}/{first['id']}", headers={"X-Api-Key": first["api_key"]}).status_code == 200
    assert client.get(f"{TENANTS}/{second['id']}", headers=own).status_code == 404
    assert client.get(f"{TENANTS}/{first['id']}", headers={**own, "X-Tenant-ID": second["id"]}).status_code == 403
    assert client.post(TENANTS, json={}, headers=own).status_code == 403
    assert client.get(TENANTS, headers=key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.WRITE)).status_code == 403
    assert client.get(TENANTS).status_code == 401
    assert client.get(TENANTS, headers={"Authorization": "Bearer nope"}).status_code == 401
    assert client.get(f"{TENANTS}/tenant_x", headers=admin).status_code == 404
    assert client.patch(TENANTS, headers=admin).status_code == 405


def command_line_key(engine, scope: IngestScope, plan: TenantPlan | None = None) -> dict[str, str]:
    with session_scope(engine) as session:
        _, token = onboarding.create_watched_ingest_key(
            session, SYSTEM_ACTOR, project_slug=None, kind=IngestKind.EVENTS, scope=scope, name="Command line", plan=plan, now=NOW
        )
    return {"X-Api-Key": token}


def test_an_administrating_key_of_the_command_line_makes_tenants_and_no_other_ingest_key_does(client, engine):
    operator = command_line_key(engine, IngestScope.ADMIN)
    made = make(client, operator)
    assert made.status_code == 201
    assert client.get(f"{TENANTS}/{made.json()['id']}", headers=operator).json()["domain"] == "acme.example"
    with session_scope(engine) as session:
        editor = make_actor(session)
        slug = make_project(session).slug
        _, token = identity.create_ingest_key(
            session, editor, slug, kind=IngestKind.EVENTS, scope=IngestScope.ADMIN, name="an editor's", now=NOW
        )
    others = [
        command_line_key(engine, IngestScope.APPEND),
        command_line_key(engine, IngestScope.ADMIN, TenantPlan.TRIAL),
        {"X-Api-Key": made.json()["api_key"]},
        {"X-Api-Key": token},
    ]
    assert [make(client, other, domain="c.example").status_code for other in others] == [403] * 4
    assert client.get(f"{TENANTS}/{made.json()['id']}", headers=others[3]).status_code == 404


def test_before_anybody_signed_up_a_writing_key_of_the_command_line_administers(client, engine):
    tokens = {}
    for scope in ApiKeyScope:
        with session_scope(engine) as session:
            _, tokens[scope] = identity.create_operator_key(session, scope=scope, name="Command line", now=NOW)
    assert make(client, {"X-Api-Key": tokens[ApiKeyScope.WRITE]}).status_code == 201
    assert make(client, {"Authorization": f"Bearer {tokens[ApiKeyScope.READ]}"}).status_code == 403
    assert client.post(TENANTS, content=b"{").status_code == 401, "who calls is looked at before what they send"


def test_a_domain_is_taken_once_and_tenants_are_listed_changed_and_deleted(client, admin):
    first = make(client, admin).json()
    assert make(client, admin).status_code == 409
    make(client, admin, domain="b.example")

    listed = client.get(TENANTS, params={"limit": 1}, headers=admin).json()
    assert len(listed["tenants"]) == 1 and listed["pagination"] == {"total": 2, "limit": 1, "offset": 0, "has_more": True}
    for wrong in ({"limit": 0}, {"offset": -1}, {"offset": 10**30}):
        assert client.get(TENANTS, params=wrong, headers=admin).status_code == 400, wrong
    path = f"{TENANTS}/{first['id']}"
    assert client.put(path, json={"domain": "b.example"}, headers=admin).status_code == 409
    changed = client.put(path, json={"plan": "pro", "status": "suspended"}, headers=admin).json()
    assert (changed["quotas"]["events_per_day"], changed["status"]) == (20_000, "suspended")
    assert client.put(path, json={"status": "gone"}, headers=admin).status_code == 400
    assert client.delete(path, headers=admin).status_code == 409, "it has a project"


def test_a_trial_s_thousand_events_are_refused_beyond_and_told(client, admin, engine, tmp_path):
    made = make(client, admin).json()
    world = World(engine=engine)
    with session_scope(engine, write=False) as session:
        world.keys["trial"] = identity.ingest_principal_for(session, made["api_key"])

    async def scenario():
        async with serving(tmp_path, world) as sender:
            assert (await sender.post([event() for _ in range(999)], key="trial")).status == 200
            refused = await sender.post([event(), event()], key="trial")
            assert refused.status == 429 and "retry-after" in refused.headers
            assert (await sender.post([event()], key="trial")).status == 200

    asyncio.run(scenario())
    quota = f"{TENANTS}/{made['id']}/quota"
    assert client.get(f"{TENANTS}/{made['id']}/usage", headers=admin).json()["events"] == 1000
    assert client.get(f"{quota}/events", headers=admin).json() == {"exceeded": True}
    assert client.get(f"{quota}/storage", headers=admin).json() == {"exceeded": False}
    assert client.get(f"{quota}/dreams", headers=admin).status_code == 400
