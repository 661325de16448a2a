from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import select

from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from app.sign_in_paths import safe_next
from models.identity import User, UserSession
from tests.factories import PASSWORD, make_user

LOGIN = "/session/login"
REGISTER = "/session/register"


@pytest.fixture
def ada(engine):
    with session_scope(engine) as session:
        return make_user(session, email="ada@example.com", password=PASSWORD)


def refusal(answer):
    assert answer.status_code == 303
    where = urlsplit(answer.headers["location"])
    query = {key: values[0] for key, values in parse_qs(where.query).items()}
    assert not where.netloc
    assert "email" not in query
    assert "password" not in query
    assert "set-cookie" not in answer.headers
    return where.path, query


def test_signing_in_sets_the_cookie_and_goes_on(client, ada):
    answer = client.post(LOGIN, data={"email": "ada@example.com", "password": PASSWORD, "next": "/p/shop?tab=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/shop?tab=1")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert client.get("/api/v1/auth/me").json()["id"] == ada.id


def test_signing_in_goes_to_the_projects_by_default(client, ada):
    answer = client.post(LOGIN, data={"email": "ada@example.com", "password": PASSWORD})
    assert answer.headers["location"] == "/home"


@pytest.mark.parametrize(
    "fields", [{}, {"email": "ada@example.com", "password": "wrong password"}, {"email": "x", "password": "y"}]
)
def test_a_wrong_sign_in_goes_back_to_the_form(client, ada, fields):
    assert refusal(client.post(LOGIN, data={**fields, "next": "/p/shop"})) == (
        "/login",
        {"error": "invalid_credentials", "next": "/p/shop"},
    )


def test_the_sixth_sign_in_by_form_waits(client, ada):
    for _ in range(5):
        client.post(LOGIN, data={"email": "ada@example.com", "password": "wrong password"})
    answer = client.post(LOGIN, data={"email": "ada@example.com", "password": PASSWORD})
    assert refusal(answer) == ("/login", {"error": "rate_limited"})
    assert client.post("/api/v1/auth/login", json={"email": "ada@example.com", "password": PASSWORD}).status_code == 429


def test_signing_up_by_form_makes_an_account_and_goes_on(client, engine):
    answer = client.post(REGISTER, data={"email": "Ada@example.com", "password": PASSWORD, "name": "", "next": "/p/shop"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/shop")
    with session_scope(engine) as session:
        user = session.exec(select(User)).one()
        assert (user.email, user.name, user.role) == ("ada@example.com", None, "owner")
    assert client.get("/api/v1/auth/me").status_code == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "invalid_input"),
        ({"email": "no mail", "password": PASSWORD}, "invalid_input"),
        ({"email": "eve@example.com", "password": "short"}, "invalid_input"),
        ({"email": "ADA@example.com", "password": PASSWORD}, "email_taken"),
    ],
)
def test_a_refused_sign_up_goes_back_to_the_form_with_its_reason(client, ada, fields, code):
    assert refusal(client.post(REGISTER, data=fields)) == ("/register", {"error": code})


def test_a_closed_registration_says_so(client, engine, monkeypatch):
    with session_scope(engine) as session:
        make_user(session, role="owner")
    monkeypatch.setenv("PLUMBLINE_REGISTRATION_OPEN", "false")
    get_settings.cache_clear()
    answer = client.post(REGISTER, data={"email": "eve@example.com", "password": PASSWORD})
    assert refusal(answer) == ("/register", {"error": "registration_closed"})


def test_signing_out_ends_the_session_and_leads_to_the_sign_in_page(client, ada, engine):
    client.post(LOGIN, data={"email": "ada@example.com", "password": PASSWORD})
    answer = client.post("/session/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert 'plumbline_session=""' in answer.headers["set-cookie"]
    with session_scope(engine) as session:
        assert session.exec(select(UserSession)).all() == []
    assert client.post("/session/logout").status_code == 303


def test_the_form_routes_are_no_part_of_the_described_api(http_application):
    from app.identity.api import router

    assert all(not route.include_in_schema for route in router.routes if route.path.startswith("/session/"))


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/\t/evil.example", ""]
)
def test_going_on_never_leaves_this_site(client, ada, path):
    answer = client.post(LOGIN, data={"email": "ada@example.com", "password": PASSWORD, "next": path})
    assert answer.headers["location"] == "/home"


@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.sampled_from("/\\.:@a?#%\t\n \x00é"), max_size=12))
def test_a_safe_path_has_no_host_whatever_was_asked_for(path):
    safe = safe_next(path)
    assert safe.startswith("/")
    assert not urlsplit(safe.replace("\\", "/")).netloc
    assert not safe.startswith("//")
