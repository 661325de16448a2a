"""Signing in at an OpenID provider: which account somebody enters, and what is kept of it."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from app.identity.contracts import SYSTEM_ACTOR, SignInOrigin, UserRole
from app.identity.oidc import flow
from app.identity.oidc.contracts import Person
from app.identity.oidc.service import enter, unlink
from app.identity.passwords import UNUSABLE
from app.kernel.crypto import sha256_hex
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from models.identity import Invitation, User
from models.single_sign_on import ExternalIdentity, OidcAttempt
from tests.api.identity.oidc_browser import (
    ADA,
    CALLBACK,
    HERE,
    START,
    audited,
    come_back,
    configure,
    leave,
    refusal,
)
from tests.factories import PASSWORD, make_user
from tests.oidc_provider import rsa_key, stand_in


@pytest.fixture
def provider(settings):
    with stand_in(HERE + CALLBACK, **ADA) as running:
        yield running


@pytest.fixture(autouse=True)
def _configured(engine, monkeypatch, provider):
    configure(monkeypatch, provider)


@pytest.fixture
def ada(engine):
    with session_scope(engine) as session:
        return make_user(session, email="ada@example.com", role=UserRole.OWNER)


def identities():
    with session_scope(write=False) as session:
        return list(session.exec(select(ExternalIdentity)).all())


def test_an_account_is_joined_by_its_verified_email_and_the_page_asked_for_is_shown(client, ada, provider):
    answer = come_back(client, "/p/shop?tab=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/p/shop?tab=1")
    assert client.get("/api/v1/auth/me").json()["id"] == ada.id
    assert [(row.issuer, row.subject, row.user_id) for row in identities()] == [(provider.url, "ada-1", ada.id)]
    assert audited("user.link_identity")[0].payload == {"issuer": provider.url, "subject": "ada-1"}
    assert audited("session.create")[0].payload == {"issuer": provider.url}
    assert refusal(client.get(CALLBACK + "?state=again&code=again")) == "sso_over"


def test_later_the_subject_counts_and_not_the_email(client, ada, provider):
    come_back(client)
    provider.person = {"sub": "ada-1", "email": "countess@example.com", "email_verified": True}

    come_back(client)

    assert client.get("/api/v1/auth/me").json()["email"] == "ada@example.com"
    assert len(identities()) == 1


def test_an_address_given_to_somebody_else_does_not_hand_over_the_account(client, ada, provider):
    come_back(client)
    provider.person = {**ADA, "sub": "another-ada"}

    assert refusal(come_back(client)) == "sso_taken"

    with session_scope() as session:
        assert unlink(session, SYSTEM_ACTOR, "ADA@example.com") == 1
    assert come_back(client).headers["location"] == "/home"


def test_an_unknown_person_is_refused_with_the_reason_kept(client, ada, provider):
    provider.person = {"sub": "bob-1", "email": "bob@example.com", "email_verified": True}

    assert refusal(come_back(client)) == "sso_no_account"

    [entry] = audited("session.refuse")
    assert (entry.actor_email, entry.actor_user_id) == ("bob@example.com", None)
    assert (entry.payload["reason"], entry.payload["issuer"]) == ("email: no account and no invitation", provider.url)
    assert client.get("/api/v1/auth/me").status_code == 401


def test_an_invitation_is_used_up_by_whoever_has_its_email(client, ada, provider):
    now = datetime.now(UTC)
    with session_scope() as session:
        for email, ends in (("bob@example.com", now + timedelta(days=1)), ("old@example.com", now - timedelta(days=1))):
            session.add(Invitation(email=email, role=UserRole.EDITOR, token_hash=email, invited_by=ada.id, expires_at=ends))
    provider.person = {"sub": "old-1", "email": "old@example.com", "email_verified": True}
    assert refusal(come_back(client)) == "sso_no_account"

    provider.person = {"sub": "bob-1", "email": "bob@example.com", "email_verified": True, "name": "Bob"}
    come_back(client)

    me = client.get("/api/v1/auth/me").json()
    assert (me["email"], me["name"], me["role"]) == ("bob@example.com", "Bob", "editor")
    with session_scope(write=False) as session:
        assert session.exec(select(User.password_hash).where(User.email == "bob@example.com")).one() == UNUSABLE
        assert session.exec(select(Invitation.email)).all() == ["old@example.com"]


def test_newcomers_enter_under_the_role_set_for_them_once_that_is_allowed(client, ada, provider, monkeypatch):
    configure(monkeypatch, provider, OIDC_NEWCOMERS="true", OIDC_ROLE="editor")
    provider.person = {"sub": "eve-1", "email": "eve@example.com", "email_verified": True}

    come_back(client)

    assert client.get("/api/v1/auth/me").json()["role"] == "editor"


def test_the_first_account_is_never_made_at_the_provider(client, provider, monkeypatch):
    configure(monkeypatch, provider, OIDC_NEWCOMERS="true")
    assert refusal(come_back(client)) == "sso_no_account"


def test_a_newcomer_who_comes_twice_at_once_has_one_account(engine, ada, provider, monkeypatch):
    configure(monkeypatch, provider, OIDC_NEWCOMERS="true")
    person = Person(provider.url, "eve-1", "eve@example.com", "Eve")
    together = threading.Barrier(4)

    def come() -> str:
        together.wait(30)
        with session_scope(engine) as session:
            return enter(session, person, get_settings().oidc, datetime.now(UTC), SignInOrigin()).user.id

    with ThreadPoolExecutor(4) as pool:
        ids = {found.result() for found in [pool.submit(come) for _ in range(4)]}
    assert ids == {row.user_id for row in identities()} and len(identities()) == 1


def test_only_the_named_domains_enter(client, ada, provider, monkeypatch):
    configure(monkeypatch, provider, OIDC_ALLOWED_EMAIL_DOMAINS="corp.example, @Example.com", OIDC_NEWCOMERS="true")
    assert come_back(client).headers["location"] == "/home"

    provider.person = {"sub": "m-1", "email": "mallory@example.com.evil.example", "email_verified": True}
    assert refusal(come_back(client)) == "sso_foreign_domain"
    configure(monkeypatch, provider, OIDC_ALLOWED_EMAIL_DOMAINS="corp.example")
    provider.person = ADA
    assert refusal(come_back(client)) == "sso_foreign_domain"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestProviders:
    """Differences between providers; one database is enough."""

    def test_a_public_client_proves_itself_by_pkce_alone(self, client, ada, provider, monkeypatch):
        provider.secret = None
        configure(monkeypatch, provider, OIDC_CLIENT_SECRET="")
        assert come_back(client).headers["location"] == "/home"

    def test_the_secret_goes_where_the_provider_reads_it(self, client, ada, provider):
        provider.auth_methods = ["client_secret_post"]
        assert come_back(client).headers["location"] == "/home"

    def test_rsa_signs_as_well(self, client, ada, provider):
        provider.key = rsa_key("rsa")
        assert come_back(client).headers["location"] == "/home"

    def test_an_email_that_only_userinfo_tells_counts(self, client, ada, provider):
        provider.person, provider.userinfo = {"sub": "ada-1"}, ADA
        assert come_back(client).headers["location"] == "/home"

    def test_a_discovery_address_may_be_given_whole(self, client, ada, provider, monkeypatch):
        configure(monkeypatch, provider, OIDC_ISSUER=provider.url + "/.well-known/openid-configuration")
        assert come_back(client).headers["location"] == "/home"

    def test_what_is_known_of_the_provider_is_kept_for_an_hour(self, client, ada, provider):
        come_back(client)
        come_back(client)
        asked = ["/.well-known/openid-configuration", "/jwks"]
        assert [path for path in provider.requests if path in asked] == asked

        later = datetime.now(UTC) + timedelta(hours=1, seconds=1)
        flow.DIRECTORY.keys(flow.DIRECTORY.provider(get_settings(), later), get_settings(), later)
        assert [path for path in provider.requests if path in asked] == asked * 2

    def test_the_cookie_belongs_to_the_browser_and_only_comes_back_here(self, client, provider, monkeypatch):
        cookie = client.get(START).headers["set-cookie"]
        assert re.match(r"plumbline_oidc=[\w-]{43};", cookie)
        assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/session/oidc", "Max-Age=600"))
        assert "Secure" not in cookie
        configure(monkeypatch, provider, PUBLIC_URL="https://plumbline.example.com")
        answer = client.get(START)
        assert "Secure" in answer.headers["set-cookie"]
        assert "redirect_uri=https%3A%2F%2Fplumbline.example.com%2Fsession%2Foidc%2Fcallback&" in answer.headers["location"]

    def test_neither_state_nor_verifier_is_stored(self, client, provider):
        back = leave(client)
        with session_scope(write=False) as session:
            [row] = session.exec(select(OidcAttempt)).all()
        assert client.cookies["plumbline_oidc"] not in str(row) and row.state_hash not in back

    def test_it_is_not_offered_until_it_is_set(self, client, provider, monkeypatch):
        configure(monkeypatch, provider, OIDC_CLIENT_ID="")
        for path in (START, CALLBACK):
            assert refusal(client.get(path)) == "sso_unavailable"
        assert audited("session.refuse") == []

    def test_passwords_open_nothing_where_the_provider_is_the_only_way(self, client, ada, provider, monkeypatch):
        with session_scope() as session:
            make_user(session, email="bob@example.com", password=PASSWORD)
            invited = {"email": "eve@example.com", "role": UserRole.EDITOR, "token_hash": sha256_hex("token"), "invited_by": ada.id}
            session.add(Invitation(**invited, expires_at=datetime.now(UTC) + timedelta(days=1)))
        configure(monkeypatch, provider, OIDC_ONLY="true")

        bob = {"email": "bob@example.com", "password": PASSWORD}
        assert client.post("/api/v1/auth/login", json=bob).status_code == 403
        assert client.post("/session/login", data=bob).headers["location"] == "/login?error=registration_closed"
        newcomer = {"email": "new@example.com", "password": PASSWORD}
        assert client.post("/api/v1/auth/register", json=newcomer).status_code == 403
        assert client.post("/api/v1/auth/invitations/token/accept", json={"password": PASSWORD}).status_code == 403
        assert come_back(client).headers["location"] == "/home"
