"""The web origins of a project: who may set them, what counts as one, and that they open the surface to browsers."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.identity.contracts import TenantPlan, UserRole
from app.kernel.database import session_scope
from models.projects import Project
from models.security import SecurityOrigin


def slug_of(caller) -> str:
    with session_scope(write=False) as session:
        return session.exec(select(Project.slug).where(Project.id == caller.project_id)).one()


def put(client, member, slug: str, *origins: str, role: UserRole = UserRole.OWNER):
    headers = member(role).headers
    return client.put(f"/api/v1/projects/{slug}/security/origins", headers=headers, json={"origins": list(origins)})


def test_origins_that_an_owner_sets_open_the_surface_to_their_pages(security, client, member):
    caller = security(TenantPlan.PRO)
    page = {"Origin": "https://app.example.com"}
    assert caller.call("GET", "/events", headers=page).status_code == 403
    answer = put(
        client, member, slug_of(caller), "https://App.Example.com/", "https://*.shop.example:443", "https://app.example.com"
    )
    assert (answer.status_code, answer.json()) == (
        200,
        {"origins": ["https://app.example.com", "https://*.shop.example"], "limit": 5, "wildcards": True},
    )
    assert caller.call("GET", "/events", headers=page).status_code == 200
    assert caller.call("GET", "/events", headers={"Origin": "https://eu.shop.example"}).status_code == 200


def test_the_list_is_replaced_and_read_in_its_order(security, client, member):
    caller = security(TenantPlan.ENTERPRISE)
    slug = slug_of(caller)
    put(client, member, slug, "https://a.example", "https://b.example")
    put(client, member, slug, "https://z.example:8443", "http://a.example", "https://[2001:db8::1]")
    found = client.get(f"/api/v1/projects/{slug}/security/origins", headers=member().headers).json()
    assert found == {
        "origins": ["https://z.example:8443", "http://a.example", "https://[2001:db8::1]"],
        "limit": None,
        "wildcards": True,
    }
    put(client, member, slug)
    with session_scope(write=False) as session:
        assert session.exec(select(SecurityOrigin).where(SecurityOrigin.project_id == caller.project_id)).all() == []


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "app.example.com",
        "ftp://app.example.com",
        "https://app.example.com/path",
        "https://user@app.example.com",
        "https://app.*.example.com",
        "https://*",
        "https://*.com",
        "http://*.example.com",
        "https://*.10.0.0.1",
        "https://999.1.1.1",
        "https://app.example.com:0",
        "https://app.example.com:70000",
        "https://-app.example.com",
        "https://app..example.com",
        "https://bücher.example",
        "https://app.example.com?x=1",
        "https://app.example.com\nhttps://b.example",
        "null",
        "*",
    ],
)
def test_what_is_no_origin_is_refused_and_changes_nothing(security, client, member, origin):
    caller = security(TenantPlan.PRO)
    answer = put(client, member, slug_of(caller), "https://good.example", origin)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "origins"]
    with session_scope(write=False) as session:
        assert session.exec(select(SecurityOrigin).where(SecurityOrigin.project_id == caller.project_id)).all() == []


def test_a_plan_limits_how_many_and_whether_wildcards(security, client, member):
    slug = slug_of(security(TenantPlan.FREE))
    assert put(client, member, slug, "https://a.example", "https://b.example").status_code == 422
    assert put(client, member, slug, "https://*.a.example").status_code == 422
    assert put(client, member, slug, "https://a.example").status_code == 200


@pytest.mark.parametrize(("role", "status"), [(UserRole.VIEWER, 403), (UserRole.EDITOR, 403)])
def test_only_owners_see_and_set_them(security, client, member, role, status):
    slug = slug_of(security())
    assert put(client, member, slug, "https://a.example", role=role).status_code == status
    assert client.get(f"/api/v1/projects/{slug}/security/origins", headers=member(role).headers).status_code == status
    assert client.get(f"/api/v1/projects/{slug}/security/origins").status_code == 401


def test_an_unknown_project_is_not_found_in_the_dialect_of_the_product(client, member):
    answer = client.get("/api/v1/projects/nowhere/security/origins", headers=member().headers)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Project not found"})
    assert "X-LiteSOC-Plan" not in answer.headers
