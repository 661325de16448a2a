from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.crypto import sha256_hex
from app.kernel.database import session_scope
from models.identity import ApiKey, AuditEntry, User
from tests.factories import make_api_key, make_project, make_user

NOBODYS_ID = "01a21095-6968-7b66-a840-cfaf4e9babed"
KEYS = "/api/v1/me/api-keys"
ME = "/api/v1/auth/me"
FIELDS = {
    "id", "name", "key_prefix", "scope", "project_id", "expires_at", "revoked_at", "last_used_at", "created_at",
}  # fmt: skip


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("scope", "start"), [("read", "tk_r_"), ("write", "tk_w_")])
def test_a_new_key_shows_its_token_once_and_works_at_once(client, member, scope, start):
    owner = member()
    answer = client.post(KEYS, json={"name": " CI ", "scope": scope}, headers=owner.headers)
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == FIELDS | {"token"}
    assert re.fullmatch(start + "[A-Za-z0-9_-]{32}", body["token"])
    assert body["key_prefix"] == body["token"][:11]
    assert (body["name"], body["scope"], body["project_id"], body["expires_at"]) == ("CI", scope, None, None)
    listed = client.get(KEYS, headers=owner.headers)
    assert body["token"] not in listed.text
    assert [set(entry) for entry in listed.json()] == [FIELDS]
    assert client.get(ME, headers=bearer(body["token"])).json()["id"] == owner.user.id


def test_a_key_reads_by_default(client, member):
    assert client.post(KEYS, json={"name": "k"}, headers=member().headers).json()["scope"] == "read"


def test_only_a_hash_of_the_token_is_stored_and_the_audit_log_holds_neither(client, member, engine):
    token = client.post(KEYS, json={"name": "k"}, headers=member().headers).json()["token"]
    with session_scope(engine) as session:
        key = session.exec(select(ApiKey)).one()
        assert key.token_hash == sha256_hex(token)
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "api_key.create")).one()
        assert token not in str(entry.payload)
        assert key.token_hash not in str(entry.payload)


def test_expiry_is_counted_in_days_from_now(client, member):
    body = client.post(KEYS, json={"name": "k", "expires_in_days": 30}, headers=member().headers).json()
    left = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "a\x00"},
        {"name": "k", "scope": "admin"},
        {"name": "k", "expires_in_days": 0},
        {"name": "k", "expires_in_days": 3651},
    ],
)
def test_a_bad_key_request_is_refused(client, member, body):
    answer = client.post(KEYS, json=body, headers=member().headers)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], list)


def test_a_key_for_an_unknown_project_is_not_made(client, member):
    headers = member().headers
    answer = client.post(KEYS, json={"name": "k", "project_slug": "nowhere"}, headers=headers)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Project not found"})
    assert client.get(KEYS, headers=headers).json() == []


def test_keys_are_listed_newest_first_with_revoked_ones_and_without_other_peoples(client, member, engine):
    owner, other = member(), member()
    ids = [client.post(KEYS, json={"name": f"k{n}"}, headers=owner.headers).json()["id"] for n in range(3)]
    client.post(KEYS, json={"name": "theirs"}, headers=other.headers)
    client.delete(f"{KEYS}/{ids[1]}", headers=owner.headers)
    listed = client.get(KEYS, headers=owner.headers).json()
    assert [entry["id"] for entry in listed] == ids[::-1]
    assert [entry["revoked_at"] is not None for entry in listed] == [False, True, False]


def test_revoking_works_at_once_and_twice(client, member):
    owner = member()
    body = client.post(KEYS, json={"name": "k"}, headers=owner.headers).json()
    assert client.delete(f"{KEYS}/{body['id']}", headers=owner.headers).status_code == 204
    answer = client.get(ME, headers=bearer(body["token"]))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid or expired API key"})
    revoked_at = client.get(KEYS, headers=owner.headers).json()[0]["revoked_at"]
    assert client.delete(f"{KEYS}/{body['id']}", headers=owner.headers).status_code == 204
    assert client.get(KEYS, headers=owner.headers).json()[0]["revoked_at"] == revoked_at


def test_nobody_revokes_another_persons_key(client, member):
    owner, other = member(), member()
    body = client.post(KEYS, json={"name": "k"}, headers=owner.headers).json()
    answer = client.delete(f"{KEYS}/{body['id']}", headers=other.headers)
    assert (answer.status_code, answer.json()) == (404, {"detail": "API key not found"})
    assert client.get(ME, headers=bearer(body["token"])).status_code == 200
    assert client.delete(f"{KEYS}/{uuid.uuid4()}", headers=owner.headers).status_code == 404
    assert client.delete(f"{KEYS}/x", headers=owner.headers).status_code == 422


def test_a_viewer_makes_read_keys_but_no_write_keys(client, member):
    headers = member(UserRole.VIEWER).headers
    assert client.post(KEYS, json={"name": "k"}, headers=headers).status_code == 201
    answer = client.post(KEYS, json={"name": "k", "scope": "write"}, headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Editor role required"})


def test_a_read_key_neither_makes_nor_revokes_keys(client, member, engine):
    owner = member()
    with session_scope(engine) as session:
        key, token = make_api_key(session, session.get_one(User, owner.user.id))
    for answer in (
        client.post(KEYS, json={"name": "k"}, headers=bearer(token)),
        client.delete(f"{KEYS}/{key.id}", headers=bearer(token)),
        client.post("/api/v1/projects", json={"name": "A", "slug": "a"}, headers=bearer(token)),
    ):
        assert (answer.status_code, answer.json()) == (403, {"detail": "API key has read-only scope"})
    assert client.get(KEYS, headers=bearer(token)).status_code == 200


@pytest.mark.parametrize("header", ["Bearer unknown", "bearer unknown", "Bearer", "Bearer ", "BEARER tk_r_" + "x" * 32])
def test_a_bad_key_never_falls_back_to_the_cookie(client, member, header):
    answer = client.get(ME, headers={**member().headers, "Authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid or expired API key"})


def test_another_authorization_scheme_is_not_a_key(client, member):
    assert client.get(ME, headers={**member().headers, "Authorization": "Basic YTpi"}).status_code == 200


def test_an_expired_key_is_refused(client, engine):
    with session_scope(engine) as session:
        _, token = make_api_key(session, make_user(session), expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert client.get(ME, headers=bearer(token)).status_code == 401


def test_a_key_acts_as_its_user_and_not_as_the_cookies(client, member, engine):
    owner = member()
    with session_scope(engine) as session:
        other = make_user(session, role=UserRole.VIEWER)
        _, token = make_api_key(session, other)
    assert client.get(ME, headers={**owner.headers, **bearer(token)}).json()["id"] == other.id


@pytest.fixture
def bound(client, member, engine):
    """A write key bound to the project `shop`, and another project beside it."""
    owner = member()
    with session_scope(engine) as session:
        make_project(session, slug="shop")
        make_project(session, slug="other")
    body = client.post(KEYS, json={"name": "k", "scope": "write", "project_slug": "shop"}, headers=owner.headers).json()
    return bearer(body["token"])


def test_a_bound_key_works_on_its_project(client, bound):
    assert client.get("/api/v1/projects/shop", headers=bound).status_code == 200
    assert client.patch("/api/v1/projects/shop", json={"name": "Shop"}, headers=bound).status_code == 200
    assert client.get("/api/v1/activity/projects/shop", headers=bound).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/projects/other"),
        ("GET", "/api/v1/projects/nowhere"),
        ("GET", "/api/v1/projects"),
        ("POST", "/api/v1/projects"),
        ("POST", "/api/v1/projects/demo"),
        ("GET", "/api/v1/activity"),
        ("GET", "/api/v1/activity/projects/other"),
        ("GET", ME),
        ("POST", "/api/v1/auth/logout"),
        ("GET", "/api/v1/users"),
        ("GET", KEYS),
        ("POST", KEYS),
        ("DELETE", f"{KEYS}/{NOBODYS_ID}"),
    ],
)
def test_a_bound_key_reaches_nothing_else(client, bound, method, path):
    answer = client.request(method, path, headers=bound, json={"name": "A", "slug": "a"})
    assert (answer.status_code, answer.json()) == (403, {"detail": "API key is scoped to a single project"})


def test_a_bound_key_follows_its_project_to_a_new_slug_and_dies_with_it(client, bound, member):
    owner = member()
    assert client.patch("/api/v1/projects/shop", json={"slug": "store"}, headers=owner.headers).status_code == 200
    assert client.get("/api/v1/projects/store", headers=bound).status_code == 200
    assert client.get("/api/v1/projects/shop", headers=bound).status_code == 403
    assert client.delete("/api/v1/projects/store", headers=owner.headers).status_code == 204
    assert client.get("/api/v1/projects/store", headers=bound).status_code == 401


@pytest.mark.parametrize(("method", "path"), [("GET", KEYS), ("POST", KEYS), ("DELETE", f"{KEYS}/{NOBODYS_ID}")])
def test_keys_need_a_signed_in_person(client, method, path):
    assert client.request(method, path, json={"name": "k"}).status_code == 401
