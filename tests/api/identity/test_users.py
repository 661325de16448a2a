from __future__ import annotations

import uuid

import pytest
from sqlmodel import select

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from models.identity import AuditEntry, User
from tests.factories import make_api_key, make_project

NOBODYS_ID = "01a21095-6968-7b66-a840-cfaf4e9babed"
USERS = "/api/v1/users"


def role_url(member):
    return f"{USERS}/{member.user.id}"


@pytest.mark.parametrize("role", list(UserRole))
def test_every_member_sees_the_members_oldest_first(client, member, role):
    first, second = member(UserRole.OWNER), member(role)
    answer = client.get(USERS, headers=second.headers)
    assert answer.status_code == 200
    assert [entry["id"] for entry in answer.json()] == [first.user.id, second.user.id]
    assert set(answer.json()[0]) == {"id", "email", "name", "role", "created_at"}


def test_the_list_of_members_is_cut_into_pages(client, member):
    people = [member() for _ in range(3)]
    page = client.get(USERS, params={"limit": 1, "offset": 1}, headers=people[0].headers).json()
    assert [entry["id"] for entry in page] == [people[1].user.id]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=-1", "limit=x"])
def test_a_page_out_of_bounds_is_refused(client, member, query):
    assert client.get(f"{USERS}?{query}", headers=member().headers).status_code == 422


def test_an_owner_changes_a_role_and_it_holds_from_the_next_request_on(client, member, engine):
    owner, other = member(UserRole.OWNER), member(UserRole.EDITOR)
    answer = client.patch(role_url(other), json={"role": "viewer"}, headers=owner.headers)
    assert answer.status_code == 200
    assert answer.json()["role"] == "viewer"
    with session_scope(engine) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "user.update_role")).one()
        assert (entry.actor_user_id, entry.target_id) == (owner.user.id, other.user.id)
        assert entry.payload == {"from": "editor", "to": "viewer"}


def test_a_role_change_ends_that_persons_sessions_and_nobody_elses(client, member):
    owner, other = member(UserRole.OWNER), member(UserRole.EDITOR)
    client.patch(role_url(other), json={"role": "viewer"}, headers=owner.headers)
    assert client.get("/api/v1/auth/me", headers=other.headers).status_code == 401
    assert client.get("/api/v1/auth/me", headers=owner.headers).status_code == 200


def test_giving_the_same_role_again_ends_no_session(client, member):
    owner, other = member(UserRole.OWNER), member(UserRole.EDITOR)
    assert client.patch(role_url(other), json={"role": "editor"}, headers=owner.headers).status_code == 200
    assert client.get("/api/v1/auth/me", headers=other.headers).status_code == 200


def test_a_demoted_editors_write_key_writes_no_more(client, member, engine):
    owner, other = member(UserRole.OWNER), member(UserRole.EDITOR)
    with session_scope(engine) as session:
        _, token = make_api_key(session, session.get_one(User, other.user.id), scope=ApiKeyScope.WRITE)
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.post("/api/v1/projects", json={"name": "A", "slug": "a"}, headers=bearer).status_code == 201
    client.patch(role_url(other), json={"role": "viewer"}, headers=owner.headers)
    answer = client.post("/api/v1/projects", json={"name": "B", "slug": "b"}, headers=bearer)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Editor role required"})


def test_the_last_owner_cannot_be_demoted(client, member):
    owner = member(UserRole.OWNER)
    answer = client.patch(role_url(owner), json={"role": "editor"}, headers=owner.headers)
    assert (answer.status_code, answer.json()) == (400, {"detail": "Cannot demote the last owner"})


def test_one_of_two_owners_can_step_down(client, member):
    owner, _ = member(UserRole.OWNER), member(UserRole.OWNER)
    assert client.patch(role_url(owner), json={"role": "editor"}, headers=owner.headers).status_code == 200


def test_an_unknown_member_is_not_found_and_a_malformed_id_is_bad_input(client, member):
    headers = member(UserRole.OWNER).headers
    answer = client.patch(f"{USERS}/{uuid.uuid4()}", json={"role": "viewer"}, headers=headers)
    assert (answer.status_code, answer.json()) == (404, {"detail": "User not found"})
    assert client.patch(f"{USERS}/nobody", json={"role": "viewer"}, headers=headers).status_code == 422


@pytest.mark.parametrize("body", [{}, {"role": "admin"}, {"role": None}])
def test_an_unknown_role_is_refused(client, member, body):
    owner = member(UserRole.OWNER)
    assert client.patch(role_url(owner), json=body, headers=owner.headers).status_code == 422


@pytest.mark.parametrize("role", [UserRole.EDITOR, UserRole.VIEWER])
def test_only_owners_change_roles(client, member, role):
    caller = member(role)
    answer = client.patch(role_url(caller), json={"role": "owner"}, headers=caller.headers)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Owner role required"})


@pytest.mark.parametrize(
    ("scope", "message"), [(ApiKeyScope.READ, "API key has read-only scope"), (ApiKeyScope.WRITE, "Owner session required")]
)
def test_no_key_changes_roles_even_an_owners(client, member, engine, scope, message):
    owner, other = member(UserRole.OWNER), member(UserRole.EDITOR)
    with session_scope(engine) as session:
        _, token = make_api_key(session, session.get_one(User, owner.user.id), scope=scope)
    answer = client.patch(role_url(other), json={"role": "viewer"}, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()) == (403, {"detail": message})


def test_a_key_lists_members_unless_it_is_bound_to_a_project(client, member, engine):
    owner = member(UserRole.OWNER)
    with session_scope(engine) as session:
        user = session.get_one(User, owner.user.id)
        _, free = make_api_key(session, user)
        _, bound = make_api_key(session, user, project=make_project(session))
    assert client.get(USERS, headers={"Authorization": f"Bearer {free}"}).status_code == 200
    assert client.get(USERS, headers={"Authorization": f"Bearer {bound}"}).status_code == 403


@pytest.mark.parametrize(("method", "path"), [("GET", USERS), ("PATCH", f"{USERS}/{NOBODYS_ID}")])
def test_nobody_sees_or_changes_members_without_signing_in(client, method, path):
    assert client.request(method, path, json={"role": "viewer"}).status_code == 401
