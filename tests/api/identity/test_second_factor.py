"""Signing in with a second factor over the API and the forms: turning it on, proving it, losing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from app.http import SESSION_COOKIE
from app.identity.contracts import ApiKeyScope, UserRole
from app.identity.pages.members import Factor, members_with_factors
from app.identity.passwords import UNUSABLE
from app.identity.second_factor import code_at, step_of
from app.identity.service.callers import actor_for
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from models.identity import AuditEntry, User
from models.second_factors import RecoveryCode, SecondFactor
from tests.factories import PASSWORD, make_api_key, make_session_cookie, make_user

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
OWN = "/api/v1/me/second-factor"
ADA = "ada@example.com"


@pytest.fixture
def clock(monkeypatch):
    """A clock for routes and forms that tests can move."""
    clock = FixedClock(datetime(2026, 11, 25, 9, 30, tzinfo=UTC))
    for module in ("api", "forms", "second_factor_api"):
        monkeypatch.setattr(f"app.identity.{module}.SYSTEM_CLOCK", clock)
    monkeypatch.setattr("app.http.SYSTEM_CLOCK", clock)
    return clock


@dataclass
class Phone:
    """An authenticator app with Ada's secret, and what was written down beside it."""

    clock: FixedClock
    secret: str
    recovery_codes: list[str]
    user_id: str

    def code(self, drift: int = 0) -> str:
        return code_at(self.secret, step_of(self.clock.now()) + drift)


@pytest.fixture
def ada(client, engine, clock):
    """Ada, who turned her factor on and signed out; her phone."""
    with session_scope(engine) as session:
        user = make_user(session, email=ADA, password=PASSWORD)
    assert sign_in(client).status_code == 200
    secret = client.post(OWN, json={"password": PASSWORD}).json()["secret"]
    confirmed = client.post(f"{OWN}/confirm", json={"code": code_at(secret, step_of(clock.now()))})
    assert confirmed.status_code == 200, confirmed.text
    client.post("/api/v1/auth/logout")
    client.cookies.clear()
    clock.advance(timedelta(minutes=10))
    return Phone(clock, secret, confirmed.json()["recovery_codes"], user.id)


def sign_in(client, **more):
    return client.post(LOGIN, json={"email": ADA, "password": PASSWORD, **more})


def audited(engine, action):
    with session_scope(engine, write=False) as session:
        return session.exec(select(AuditEntry).where(AuditEntry.action == action)).all()


def test_without_a_factor_signing_in_is_as_it_was_and_a_code_is_ignored(client, engine, clock):
    with session_scope(engine) as session:
        make_user(session, email=ADA, password=PASSWORD)
    assert sign_in(client, totp="000000").status_code == 200
    assert client.get(OWN).json() == {"is_on": False, "is_required": False, "confirmed_at": None, "recovery_codes_left": 0}


def test_turning_on_shows_the_secret_once_ends_other_sessions_and_is_audited(client, engine, clock):
    with session_scope(engine) as session:
        make_user(session, email=ADA, password=PASSWORD)
    elsewhere = sign_in(client).cookies["plumbline_session"]
    sign_in(client)
    begun = client.post(OWN, json={"password": PASSWORD})
    assert begun.status_code == 201
    secret = begun.json()["secret"]
    assert f"secret={secret}" in begun.json()["uri"]
    assert client.get(OWN).json()["is_on"] is False, "a secret that was not confirmed asks for nothing"

    wrong = client.post(f"{OWN}/confirm", json={"code": code_at(secret, step_of(clock.now()) + 5)})
    assert (wrong.status_code, wrong.json()["detail"][0]["loc"]) == (422, ["body", "code"])
    confirmed = client.post(f"{OWN}/confirm", json={"code": code_at(secret, step_of(clock.now()))})
    codes = confirmed.json()["recovery_codes"]
    assert len(set(codes)) == 10

    shown = client.get(OWN).json()
    assert (shown["is_on"], shown["recovery_codes_left"]) == (True, 10)
    assert client.post(OWN, json={"password": PASSWORD}).status_code == 409
    assert client.get(ME).status_code == 200
    assert client.get(ME, headers={"Cookie": f"plumbline_session={elsewhere}"}).status_code == 401
    [entry] = audited(engine, "second_factor.enable")
    assert entry.payload == {"ended_sessions": 1}
    with session_scope(engine, write=False) as session:
        row, hashes = session.exec(select(SecondFactor)).one(), session.exec(select(RecoveryCode.code_hash)).all()
    assert secret not in row.sealed_totp_secret
    assert all(code not in hashes and code.replace("-", "") not in hashes for code in codes)
    assert secret not in client.get(OWN).text


def test_starting_again_forgets_the_secret_that_was_not_confirmed(client, engine, clock):
    with session_scope(engine) as session:
        make_user(session, email=ADA, password=PASSWORD)
    sign_in(client)
    first = client.post(OWN, json={"password": PASSWORD}).json()["secret"]
    client.post(OWN, json={"password": PASSWORD})
    assert client.post(f"{OWN}/confirm", json={"code": code_at(first, step_of(clock.now()))}).status_code == 422


def test_a_secret_is_only_shown_to_who_knows_the_password_and_is_a_person(client, engine, clock):
    with session_scope(engine) as session:
        user = make_user(session, email=ADA, password=PASSWORD)
        _, key = make_api_key(session, user, scope=ApiKeyScope.WRITE)
    assert client.post(OWN, json={"password": PASSWORD}, headers={"Authorization": f"Bearer {key}"}).status_code == 403
    sign_in(client)
    wrong = client.post(OWN, json={"password": "wrong password"})
    assert (wrong.status_code, wrong.json()["detail"][0]["loc"]) == (422, ["body", "password"])
    assert client.post(f"{OWN}/confirm", json={"code": "123456"}).status_code == 409
    with session_scope(engine) as session:
        session.get_one(User, user.id).password_hash = UNUSABLE
    assert client.post(OWN, json={"password": PASSWORD}).status_code == 409


def test_the_right_password_alone_opens_no_session(client, ada):
    answer = sign_in(client)
    assert answer.status_code == 401
    assert "totp" in answer.json()["detail"]
    assert "set-cookie" not in answer.headers
    assert client.get(ME).status_code == 401


def test_a_wrong_password_is_answered_as_ever_whatever_the_code(client, ada):
    answer = client.post(LOGIN, json={"email": ADA, "password": "wrong password", "totp": ada.code()})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid email or password"})
    assert sign_in(client, totp=ada.code()).status_code == 200, "the code was not spent"


@pytest.mark.parametrize("drift", [-1, 0, 1])
def test_a_code_of_this_step_or_a_neighbour_opens_one_session_and_no_second(client, ada, drift):
    code = ada.code(drift)
    assert sign_in(client, totp=f"{code[:3]} {code[3:]}").status_code == 200
    assert client.get(ME).json()["email"] == ADA
    again = sign_in(client, totp=code)
    assert (again.status_code, again.json()) == (401, {"detail": "The code is wrong or was used already"})
    assert "set-cookie" not in again.headers


def test_a_refused_code_is_audited_and_costs_a_turn_that_success_gives_back(client, ada, engine, clock):
    for _ in range(4):
        assert sign_in(client, totp=ada.code(-2)).status_code == 401
        clock.advance(timedelta(seconds=12))
    assert sign_in(client, totp=ada.code()).status_code == 200
    entries = audited(engine, "second_factor.refuse")
    assert [entry.payload for entry in entries] == [{"purpose": "sign-in", "address": "testclient"}] * 4
    assert {entry.actor_email for entry in entries} == {ADA}

    codes = []
    for _ in range(7):
        clock.advance(timedelta(seconds=12))  # the address gets a turn each time; the person does not
        codes.append(sign_in(client, totp=ada.code(-2)).status_code)
    assert codes[:5] == [401] * 5
    assert 429 in codes[5:]


def test_a_recovery_code_stands_in_once(client, ada, engine):
    code = ada.recovery_codes[3]
    assert sign_in(client, totp=code.upper()).status_code == 200
    assert client.get(OWN).json()["recovery_codes_left"] == 9
    assert sign_in(client, totp=code).status_code == 401
    [entry] = audited(engine, "second_factor.use_recovery_code")
    assert entry.payload == {"left": 9}


def test_turning_off_demands_password_and_code(client, ada, engine, clock):
    sign_in(client, totp=ada.code())
    clock.advance(timedelta(minutes=2))
    off = f"{OWN}/turn-off"
    wrong_password = client.post(off, json={"password": "wrong password", "code": ada.code()})
    assert (wrong_password.status_code, wrong_password.json()["detail"][0]["loc"]) == (422, ["body", "password"])
    wrong_code = client.post(off, json={"password": PASSWORD, "code": ada.code(-3)})
    assert (wrong_code.status_code, wrong_code.json()["detail"][0]["loc"]) == (422, ["body", "code"])
    assert client.get(OWN).json()["is_on"] is True
    assert client.post(off, json={"password": PASSWORD, "code": ada.code()}).status_code == 204
    assert client.get(OWN).json() == {"is_on": False, "is_required": False, "confirmed_at": None, "recovery_codes_left": 0}
    assert sign_in(client).status_code == 200
    assert len(audited(engine, "second_factor.disable")) == 1
    assert audited(engine, "second_factor.refuse")[0].payload["purpose"] == "turn off"
    assert client.post(off, json={"password": PASSWORD, "code": "123456"}).status_code == 409


def test_fresh_recovery_codes_make_the_earlier_ones_void(client, ada, clock):
    sign_in(client, totp=ada.code())
    fresh = client.post(f"{OWN}/recovery-codes", json={"password": PASSWORD, "code": ada.recovery_codes[0]}).json()[
        "recovery_codes"
    ]
    assert len(set(fresh) - set(ada.recovery_codes)) == 10
    assert sign_in(client, totp=ada.recovery_codes[1]).status_code == 401
    assert sign_in(client, totp=fresh[1]).status_code == 200


def test_keys_are_asked_for_no_code(client, ada, engine):
    with session_scope(engine) as session:
        _, key = make_api_key(session, session.get_one(User, ada.user_id))
    assert client.get(ME, headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_an_owner_resets_a_member_and_nobody_else_does(client, ada, engine, member, clock):
    path = f"/api/v1/users/{ada.user_id}/second-factor"
    sign_in(client, totp=ada.code())
    hers = {"Cookie": f"plumbline_session={client.cookies['plumbline_session']}"}
    client.cookies.clear()
    assert client.delete(path, headers=member(UserRole.EDITOR).headers).status_code == 403
    owner = member(UserRole.OWNER)
    assert client.delete(path, headers=owner.headers).status_code == 204
    assert client.delete(path, headers=owner.headers).status_code == 404
    assert client.delete(f"/api/v1/users/{owner.user.id}/second-factor", headers=owner.headers).status_code == 400
    assert client.get(ME, headers=hers).status_code == 401
    assert sign_in(client).status_code == 200
    [entry] = audited(engine, "second_factor.reset")
    assert (entry.target_id, entry.actor_email, entry.payload) == (ada.user_id, owner.user.email, {"email": ADA})


def where(answer):
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["location"])
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def by_form(client, **more):
    return client.post("/session/login", data={"email": ADA, "password": PASSWORD, "next": "/p/shop", **more})


def test_the_form_asks_for_the_code_on_a_second_page_and_keeps_no_password(client, ada):
    first = by_form(client)
    assert where(first) == ("/login/code", {"next": "/p/shop"})
    cookie = first.headers["set-cookie"]
    assert cookie.startswith("plumbline_sign_in=")
    assert all(part in cookie for part in ("HttpOnly", "Max-Age=300", "Path=/session", "SameSite=lax"))
    assert "plumbline_session=" not in cookie
    assert client.get(ME).status_code == 401

    wrong = client.post("/session/code", data={"totp": ada.code(-2), "next": "/p/shop"})
    assert where(wrong) == ("/login/code", {"error": "code_refused", "next": "/p/shop"})
    ticket = client.cookies["plumbline_sign_in"]
    right = client.post("/session/code", data={"totp": ada.code(), "next": "/p/shop"})
    assert where(right) == ("/p/shop", {})
    assert client.get(ME).json()["email"] == ADA

    used = client.post("/session/code", data={"totp": ada.code(1)}, headers={"Cookie": f"plumbline_sign_in={ticket}"})
    assert where(used) == ("/login", {"error": "sign_in_over"})


def test_a_ticket_is_good_for_five_minutes_and_only_for_its_person(client, ada, clock, engine):
    by_form(client)
    clock.advance(timedelta(minutes=5))
    assert where(client.post("/session/code", data={"totp": ada.code(), "next": "/p/shop"})) == (
        "/login",
        {"error": "sign_in_over", "next": "/p/shop"},
    )
    assert where(client.post("/session/code", data={"totp": ada.code()})) == ("/login", {"error": "sign_in_over"})
    with session_scope(engine, write=False) as session:
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "second_factor.refuse")).all() == []


def test_codes_in_the_form_have_a_limit_per_person(client, ada):
    by_form(client)
    answers = [where(client.post("/session/code", data={"totp": ada.code(-2)}))[1]["error"] for _ in range(6)]
    assert answers == ["code_refused"] * 5 + ["rate_limited"]
    assert where(client.post("/session/code", data={"totp": ada.code()})) == ("/login/code", {"error": "rate_limited"})


def test_a_ticket_dies_with_the_factor(client, ada, member):
    by_form(client)
    ticket = {"Cookie": f"plumbline_sign_in={client.cookies['plumbline_sign_in']}"}
    client.cookies.clear()
    client.delete(f"/api/v1/users/{ada.user_id}/second-factor", headers=member(UserRole.OWNER).headers)
    assert where(client.post("/session/code", data={"totp": ada.code()}, headers=ticket)) == ("/login", {"error": "sign_in_over"})


@pytest.fixture
def required(monkeypatch):
    """Everybody has to have a factor."""
    monkeypatch.setenv("PLUMBLINE_REQUIRE_SECOND_FACTOR", "true")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def test_where_everybody_has_to_have_one_nothing_else_opens_before_it_is_set_up(client, engine, clock, required):
    with session_scope(engine) as session:
        user = make_user(session, email=ADA, password=PASSWORD)
        _, key = make_api_key(session, user, scope=ApiKeyScope.READ)
    assert sign_in(client).status_code == 200

    refused = client.get("/api/v1/projects")
    assert refused.status_code == 403
    assert refused.json() == {"detail": "This installation asks for a second factor: set one up first, at /api/v1/me/second-factor"}
    assert client.post("/api/v1/me/api-keys", json={"name": "a way round"}).status_code == 403
    assert client.get(ME).status_code == 200
    assert client.get(OWN).json()["is_required"] is True
    assert client.get("/api/v1/projects", headers={"Authorization": f"Bearer {key}"}).status_code == 200, "keys are not asked"

    secret = client.post(OWN, json={"password": PASSWORD}).json()["secret"]
    assert client.get("/api/v1/projects").status_code == 403, "a secret that was not confirmed does not count"
    client.post(f"{OWN}/confirm", json={"code": code_at(secret, step_of(clock.now()))})
    assert client.get("/api/v1/projects").status_code == 200


def test_where_everybody_has_to_have_one_it_cannot_be_turned_off(client, ada, required):
    assert sign_in(client, totp=ada.code()).status_code == 200
    ada.clock.advance(timedelta(minutes=1))
    refused = client.post(f"{OWN}/turn-off", json={"password": PASSWORD, "code": ada.code()})
    assert (refused.status_code, client.get(OWN).json()["is_on"]) == (409, True)


def test_people_whom_only_a_provider_signs_in_are_not_asked(client, engine, clock, required, monkeypatch):
    with session_scope(engine) as session:
        user = make_user(session, email=ADA, password=PASSWORD)
        user.password_hash = UNUSABLE
        cookie = make_session_cookie(session, user)
        passwords = make_user(session, email="bob@example.com", password=PASSWORD)
        cookie_of_bob = make_session_cookie(session, passwords)
    assert client.get("/api/v1/projects", headers={"Cookie": f"{SESSION_COOKIE}={cookie}"}).status_code == 200

    bob = {"Cookie": f"{SESSION_COOKIE}={cookie_of_bob}"}
    assert client.get("/api/v1/projects", headers=bob).status_code == 403
    for name, value in {"ISSUER": "https://id.example.com", "CLIENT_ID": "plumbline", "ONLY": "true"}.items():
        monkeypatch.setenv(f"PLUMBLINE_OIDC_{name}", value)
    get_settings.cache_clear()
    assert client.get("/api/v1/projects", headers=bob).status_code == 200, "his password opens nothing"


def test_owners_see_who_has_none(engine, ada, required):
    with session_scope(engine) as session:
        owner = make_user(session, role=UserRole.OWNER, password=PASSWORD)
        provided = make_user(session, email="sso@example.com")
        provided.password_hash = UNUSABLE
        session.flush()
        _, factors, _ = members_with_factors(session, actor_for(owner))
        assert factors == {ada.user_id: Factor.ON, owner.id: Factor.MISSING, provided.id: Factor.AT_PROVIDER}
        viewer = make_user(session, role=UserRole.VIEWER)
        assert members_with_factors(session, actor_for(viewer))[1] == {}
