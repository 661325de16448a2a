from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from models.identity import RateBucket, User, UserSession
from tests.factories import PASSWORD, make_api_key, make_session_cookie, make_user

REGISTER = "/api/v1/auth/register"
LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"


def register(client, email="ada@example.com", **extra):
    return client.post(REGISTER, json={"email": email, "password": PASSWORD, **extra})


@pytest.fixture
def hurry(monkeypatch):
    """A clock for routes and forms that tests can move."""
    clock = FixedClock(datetime.now(UTC))
    for module in ("app.identity.api", "app.identity.forms", "app.http"):
        monkeypatch.setattr(f"{module}.SYSTEM_CLOCK", clock)
    return clock


def test_the_first_account_becomes_owner_and_is_signed_in(client):
    answer = register(client, name="Ada")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"id", "email", "name", "role", "created_at", "updated_at"}
    assert (body["email"], body["name"], body["role"]) == ("ada@example.com", "Ada", "owner")
    assert client.get(ME).json() == body


def test_later_accounts_become_editors(client):
    register(client)
    assert register(client, "bob@example.com").json()["role"] == "editor"


def test_the_cookie_is_closed_to_scripts_and_other_sites(client):
    cookie = register(client).headers["set-cookie"]
    assert cookie.startswith("plumbline_session=")
    for part in ("HttpOnly", "SameSite=lax", "Max-Age=604800", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie


def test_the_cookie_is_secure_over_https(client):
    client.base_url = "https://testserver"
    assert "Secure" in register(client).headers["set-cookie"]


def test_only_a_keyed_hash_of_the_session_is_stored(client, engine):
    token = register(client).cookies["plumbline_session"]
    with session_scope(engine) as session:
        row = session.exec(select(UserSession)).one()
        assert row.token_hash != token
        assert len(row.token_hash) == 64
        assert row.expires_at - row.created_at == timedelta(hours=168)


def test_an_email_is_taken_whatever_its_case(client):
    register(client)
    answer = register(client, "ADA@Example.com")
    assert (answer.status_code, answer.json()) == (409, {"detail": "Email already registered"})


@pytest.mark.parametrize("email", ["ops@plumbline.local", "ops@intranet.test", "ops@localhost.localdomain", "ölaf@exämple.de"])
def test_mailboxes_of_closed_networks_can_sign_up(client, email):
    assert register(client, email).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "not an email", "password": PASSWORD},
        {"email": "a@b@c.de", "password": PASSWORD},
        {"email": "ada@example.com", "password": "1234567"},
        {"email": "ada@example.com", "password": "x" * 256},
        {"email": "ada@example.com", "password": PASSWORD, "name": ""},
        {"email": "ada@example.com", "password": PASSWORD, "name": "x" * 256},
        {"email": "ada@example.com", "password": PASSWORD, "name": "a\x00b"},
        {"email": "ada@example.com", "password": None},
    ],
)
def test_a_bad_registration_is_refused_field_by_field_and_repeats_no_password(client, body):
    answer = client.post(REGISTER, json=body)
    assert answer.status_code == 422
    assert all(set(item) == {"loc", "msg", "type"} for item in answer.json()["detail"])
    assert str(body.get("password")) not in answer.text or body.get("password") is None


def test_a_lone_surrogate_is_a_bad_input_and_no_failure(client):
    body = json.dumps({"email": "ada@example.com", "password": "12345678\ud800"})
    assert client.post(REGISTER, content=body, headers={"content-type": "application/json"}).status_code == 422


def test_a_closed_registration_still_lets_the_first_person_in(client, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_REGISTRATION_OPEN", "false")
    get_settings.cache_clear()
    assert register(client).status_code == 201
    answer = register(client, "bob@example.com")
    assert (answer.status_code, answer.json()) == (403, {"detail": "Registration is closed"})


def test_the_fourth_registration_within_an_hour_waits(client, hurry):
    for number in range(3):
        assert register(client, f"user{number}@example.com").status_code == 201
    answer = register(client, "late@example.com")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1200"
    hurry.advance(timedelta(seconds=1200))
    assert register(client, "late@example.com").status_code == 201


def test_the_sixth_sign_in_within_a_minute_waits_even_with_the_right_password(client, engine, hurry):
    with session_scope(engine) as session:
        make_user(session, email="ada@example.com", password=PASSWORD)
    for _ in range(5):
        assert client.post(LOGIN, json={"email": "ada@example.com", "password": "wrong password"}).status_code == 401
    answer = client.post(LOGIN, json={"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 429
    assert isinstance(answer.json()["detail"], str)
    wait = int(answer.headers["retry-after"])
    assert wait == 12
    hurry.advance(timedelta(seconds=wait))
    assert client.post(LOGIN, json={"email": "ada@example.com", "password": PASSWORD}).status_code == 200


def test_each_address_behind_a_trusted_proxy_has_its_own_attempts(client, monkeypatch, engine, hurry):
    monkeypatch.setenv("PLUMBLINE_TRUSTED_PROXIES", "testclient")
    get_settings.cache_clear()
    body = {"email": "nobody@example.com", "password": "wrong password"}

    def attempt(address):
        return client.post(LOGIN, json=body, headers={"X-Forwarded-For": address}).status_code

    assert [attempt("198.51.100.1") for _ in range(6)] == [401] * 5 + [429]
    assert attempt("198.51.100.2") == 401


def test_a_forwarded_address_from_an_untrusted_peer_is_ignored(client, engine):
    body = {"email": "nobody@example.com", "password": "wrong password"}
    codes = [client.post(LOGIN, json=body, headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(6)]
    assert codes[-1] == 429


def test_a_malformed_request_costs_no_attempt(client, engine):
    for _ in range(8):
        assert client.post(LOGIN, json={"email": "a@b.de"}).status_code == 422
    with session_scope(engine) as session:
        assert session.exec(select(RateBucket)).all() == []


def test_unknown_email_and_wrong_password_get_the_same_answer(client, engine):
    with session_scope(engine) as session:
        make_user(session, email="ada@example.com", password=PASSWORD)
    wrong = client.post(LOGIN, json={"email": "ada@example.com", "password": "wrong password"})
    unknown = client.post(LOGIN, json={"email": "eve@example.com", "password": "wrong password"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json() == {"detail": "Invalid email or password"}
    assert "set-cookie" not in wrong.headers


def test_signing_in_ignores_the_case_of_the_email(client, engine):
    with session_scope(engine) as session:
        make_user(session, email="ada@example.com", password=PASSWORD)
    answer = client.post(LOGIN, json={"email": " Ada@EXAMPLE.com", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["email"] == "ada@example.com"
    assert client.get(ME).status_code == 200


@pytest.mark.parametrize(
    "body", [{"email": "ab", "password": PASSWORD}, {"email": "a" * 321, "password": PASSWORD}, {"email": "abc"}]
)
def test_a_bad_sign_in_body_is_refused(client, body):
    assert client.post(LOGIN, json=body).status_code == 422


def test_signing_in_deletes_the_persons_expired_sessions_only(client, engine):
    past = datetime.now(UTC) - timedelta(minutes=1)
    with session_scope(engine) as session:
        ada, bob = make_user(session, email="ada@example.com", password=PASSWORD), make_user(session)
        make_session_cookie(session, ada, expires_at=past)
        alive = make_session_cookie(session, ada)
        make_session_cookie(session, bob, expires_at=past)
    client.post(LOGIN, json={"email": "ada@example.com", "password": PASSWORD})
    with session_scope(engine) as session:
        of_ada = session.exec(select(UserSession).where(UserSession.user_id == ada.id)).all()
        assert len(of_ada) == 2
        assert all(row.expires_at > past for row in of_ada)
        assert len(session.exec(select(UserSession).where(UserSession.user_id == bob.id)).all()) == 1
    assert client.get(ME, headers={"Cookie": f"plumbline_session={alive}"}).status_code == 200


def test_signing_out_ends_the_session_and_clears_the_cookie(client):
    token = register(client).cookies["plumbline_session"]
    answer = client.post("/api/v1/auth/logout")
    assert answer.status_code == 204
    assert answer.content == b""
    assert 'plumbline_session=""' in answer.headers["set-cookie"]
    assert client.get(ME, headers={"Cookie": f"plumbline_session={token}"}).status_code == 401


def test_signing_out_without_a_session_is_refused(client):
    assert client.post("/api/v1/auth/logout").status_code == 401


def test_a_key_that_signs_out_ends_nobodys_session(client, engine, member):
    owner = member(UserRole.OWNER)
    with session_scope(engine) as session:
        _, token = make_api_key(session, session.get_one(User, owner.user.id))
    assert client.post("/api/v1/auth/logout", headers={**owner.headers, "Authorization": f"Bearer {token}"}).status_code == 204
    assert client.get(ME, headers=owner.headers).status_code == 200


@pytest.mark.parametrize("cookie", ["", "plumbline_session=", "plumbline_session=unknown", 'plumbline_session="\xff"'])
def test_nobody_is_signed_in_without_a_known_session(client, cookie):
    answer = client.get(ME, headers={"Cookie": cookie.encode("latin-1")})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_an_expired_session_signs_nobody_in(client, engine):
    with session_scope(engine) as session:
        token = make_session_cookie(session, make_user(session), expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert client.get(ME, headers={"Cookie": f"plumbline_session={token}"}).status_code == 401


def test_every_answer_carries_a_request_id(client):
    assert client.get(ME, headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get(ME).headers["x-request-id"]
