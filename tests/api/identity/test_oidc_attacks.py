"""Sign-ins at a provider that must not succeed: each ends at the sign-in page, opens no session, and its reason is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.identity.contracts import UserRole
from app.identity.oidc import flow
from app.identity.oidc import provider as provider_module
from app.kernel.database import session_scope
from models.identity import UserSession
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
    refusal_reason,
)
from tests.factories import make_user
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, ec_key, rsa_key, stand_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NOW = int(time.time())


@pytest.fixture
def provider(settings):
    with stand_in(HERE + CALLBACK, **ADA) as running:
        yield running


@pytest.fixture(autouse=True)
def _ready(engine, monkeypatch, provider):
    configure(monkeypatch, provider)
    with session_scope(engine) as session:
        make_user(session, email="ada@example.com", role=UserRole.OWNER)


def nobody_entered() -> bool:
    with session_scope(write=False) as session:
        return not session.exec(select(UserSession)).all() and not session.exec(select(ExternalIdentity)).all()


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "of-another-sign-in"}, "id token: invalid_claim nonce"),
        ({"nonce": None}, "id token: missing_claim nonce"),
        ({"aud": "another-client"}, "id token: invalid_claim aud"),
        ({"aud": ["another-client"]}, "id token: invalid_claim aud"),
        ({"aud": [CLIENT_ID, "another-client"]}, "id token: missing_claim azp"),
        ({"azp": "another-client"}, "id token: invalid_claim azp"),
        ({"aud": None}, "id token: missing_claim aud"),
        ({"iss": "https://accounts.example"}, "id token: invalid_claim iss"),
        ({"iss": None}, "id token: missing_claim iss"),
        ({"exp": NOW - 120}, "id token: expired_token exp"),
        ({"exp": None}, "id token: missing_claim exp"),
        ({"exp": "tomorrow"}, "id token: invalid_claim exp"),
        ({"iat": NOW + 3600}, "id token: invalid_claim iat"),
        ({"iat": None}, "id token: missing_claim iat"),
        ({"nbf": NOW + 3600}, "id token: invalid_claim nbf"),
        ({"at_hash": "of-another-token"}, "id token: invalid_claim at_hash"),
        ({"sub": None}, "id token: missing_claim sub"),
        ({"sub": "x" * 256}, "id token: no usable subject"),
        ({"sub": "ada\x00"}, "id token: no usable subject"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(client, provider, claims, reason):
    provider.claims = claims
    assert refusal(come_back(client)) == "sso_untrusted"
    assert refusal_reason() == reason
    assert nobody_entered()


def test_a_clock_that_differs_by_less_than_a_minute_is_borne(client, provider):
    provider.claims = {"iat": int(time.time()) + 40, "exp": int(time.time()) - 40}
    assert come_back(client).headers["location"] == "/home"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(claims):
    return f"{part({'alg': 'none'})}.{part(claims)}."


def hmac_signed(key: bytes, **headers: str):
    def make(claims):
        text = f"{part({'alg': 'HS256', **headers})}.{part(claims)}"
        digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return make


FORGER = ec_key("forger")


@pytest.mark.parametrize(
    "make_token",
    [
        unsigned,
        hmac_signed(CLIENT_SECRET.encode()),
        hmac_signed(b"secret", kid="hmac"),
        lambda claims: jwt.encode(claims, FORGER.private, algorithm="ES256", headers={"kid": "first"}),
        lambda claims: jwt.encode(claims, FORGER.private, algorithm="ES256", headers={"kid": "nobody-knows"}),
        lambda claims: jwt.encode(claims, FORGER.private, algorithm="ES256", headers={"kid": "first", "jwk": FORGER.public()}),
        lambda claims: jwt.encode(claims, rsa_key("first").private, algorithm="RS256", headers={"kid": "first"}),
        lambda claims: "not.a.token",
        lambda claims: "",
    ],
    ids=[
        "none",
        "client secret",
        "symmetric key of the key set",
        "forged",
        "unknown kid",
        "own key in header",
        "other kind",
        "noise",
        "empty",
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(client, provider, make_token):
    provider.make_token = make_token
    assert refusal(come_back(client)) == "sso_untrusted"
    assert nobody_entered()


def test_a_signed_token_that_was_changed_is_refused(client, provider):
    def change(claims):
        header, _, signature = provider.sign(claims).split(".")
        return f"{header}.{part({**claims, 'sub': 'somebody-else'})}.{signature}"

    provider.make_token = change
    assert refusal(come_back(client)) == "sso_untrusted"
    assert refusal_reason() == "id token: bad_signature"


def test_keys_are_asked_for_once_more_when_the_provider_changed_them(client, provider):
    come_back(client)
    provider.key = rsa_key("second")
    assert come_back(client).headers["location"] == "/home"
    assert provider.requests.count("/jwks") == 2

    provider.make_token = lambda claims: provider.sign(claims, kid="third")
    assert refusal(come_back(client)) == "sso_untrusted"
    assert provider.requests.count("/jwks") == 3


def test_an_answer_counts_once(client, provider):
    back = leave(client)
    assert client.get(back).headers["location"] == "/home"
    again = client.get(back, headers={"Cookie": "plumbline_oidc=" + "x" * 43})
    assert refusal(again) == "sso_over"


def test_an_answer_counts_once_even_with_the_cookie_of_its_browser(client, provider):
    back = leave(client)
    cookie = {"Cookie": f"plumbline_oidc={client.cookies['plumbline_oidc']}"}
    client.get(back)
    provider.requests.clear()
    assert refusal(client.get(back, headers=cookie)) == "sso_over"
    assert provider.requests == []


def test_an_answer_brought_by_another_browser_is_refused_and_stays_good_for_its_own(client, provider, http_application):
    back = leave(client)
    with TestClient(http_application, follow_redirects=False) as other:
        assert refusal(other.get(back)) == "sso_over"
        leave(other)
        assert refusal(other.get(back)) == "sso_over"
        assert "plumbline_session" not in other.cookies
    assert client.get(back).headers["location"] == "/home"


def test_an_answer_that_comes_too_late_is_refused(client, provider):
    back = leave(client)
    with session_scope() as session:
        session.exec(select(OidcAttempt)).one().expires_at -= timedelta(minutes=11)
    assert refusal(client.get(back)) == "sso_over"
    assert refusal_reason() == "state: too old"


@pytest.mark.parametrize("query", ["", "?code=abc", "?state=abc", "?state=%00&code=%ff", "?error=server_error"])
def test_an_answer_to_no_question_is_refused(client, provider, query):
    assert refusal(client.get(CALLBACK + query)) == "sso_over"


def test_a_code_injected_into_the_victims_sign_in_is_refused_by_the_provider(client, provider, http_application):
    stolen = parse_qs(urlsplit(leave(client)).query)["code"][0]
    with TestClient(http_application, follow_redirects=False) as attacker:
        state = parse_qs(urlsplit(leave(attacker)).query)["state"][0]
        answer = attacker.get(CALLBACK, params={"state": state, "code": stolen, "iss": provider.url})
    assert refusal(answer) == "sso_untrusted"
    assert refusal_reason() == "token: invalid_grant"


def state_of_a_sign_in(client) -> str:
    return parse_qs(urlsplit(client.get(START, params={"next": "/p/shop"}).headers["location"]).query)["state"][0]


@pytest.mark.parametrize("named", ["https://evil.example", None])
def test_an_answer_of_another_issuer_is_refused_before_its_code_is_used(client, provider, named):
    query = {"state": state_of_a_sign_in(client), "code": "abc"} | ({"iss": named} if named else {})
    assert refusal(client.get(CALLBACK, params=query)) == "sso_untrusted"
    assert "/token" not in provider.requests
    assert refusal_reason() == "answer: of another issuer"


def test_a_sign_in_begun_at_another_issuer_is_refused(client, provider, monkeypatch):
    back = leave(client)
    with stand_in(HERE + CALLBACK, **ADA) as other:
        other.document = {"authorization_response_iss_parameter_supported": False}
        configure(monkeypatch, other)
        assert refusal(client.get(back.partition("&iss=")[0])) == "sso_untrusted"
        assert "/token" not in other.requests


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        ("access_denied", "sso_cancelled", "answer: access_denied"),
        ("server_error", "sso_untrusted", "answer: server_error"),
        ("<script>alert(1)</script>", "sso_untrusted", "answer: unknown"),
    ],
)
def test_the_providers_own_refusal_is_told_in_our_words(client, provider, error, code, reason):
    query = {"state": state_of_a_sign_in(client), "iss": provider.url, "error": error, "error_description": "call 0900"}
    answer = client.get(CALLBACK, params=query)
    assert refusal(answer) == code
    assert "next=%2Fp%2Fshop" in answer.headers["location"] and "0900" not in answer.headers["location"]
    assert refusal_reason() == reason


@pytest.mark.parametrize(
    "person",
    [
        {"email": "ada@example.com"},
        {"email": "ada@example.com", "email_verified": False},
        {"email": "ada@example.com", "email_verified": "false"},
        {"email_verified": True},
        {"email": ["ada@example.com"], "email_verified": True},
        {"email": "ada@example.com\x00", "email_verified": True},
        {"email": "ad\u0430@example.com", "email_verified": True},
        {"email": "@", "email_verified": True},
    ],
)
def test_an_email_that_the_provider_does_not_vouch_for_joins_nothing(client, provider, person):
    provider.person = {"sub": "mallory", **person}
    assert refusal(come_back(client)) == "sso_unverified_email"
    assert nobody_entered()


def test_userinfo_about_somebody_else_is_refused(client, provider):
    provider.person, provider.userinfo = {"sub": "mallory"}, ADA
    assert refusal(come_back(client)) == "sso_untrusted"
    assert refusal_reason() == "userinfo: of another subject"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"issuer": "https://evil.example"}, "discovery: the document is of another issuer"),
        ({"issuer": None}, "discovery: the document is of another issuer"),
        ({"token_endpoint": None}, "token_endpoint: missing"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint: not an https address"),
        ({"token_endpoint": "http://login.example/token"}, "token_endpoint: not an https address"),
        ({"jwks_uri": "https://[::1/jwks"}, "jwks_uri: no address"),
    ],
)
def test_a_discovery_document_that_cannot_be_trusted_sends_nobody_anywhere(client, provider, document, reason):
    provider.document = document
    assert refusal(client.get(START)) == "sso_unavailable"
    assert refusal_reason() == reason


def test_a_private_address_is_only_called_when_it_is_allowed(client, provider, monkeypatch):
    configure(monkeypatch, provider, OUTBOUND_ALLOW="", OIDC_ISSUER="https://127.0.0.1:1")
    assert refusal(client.get(START)) == "sso_unavailable"
    assert refusal_reason().endswith("leads to an address that is not public; PLUMBLINE_OUTBOUND_ALLOW can name it")


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("fault", ["hangs", "breaks"])
def test_a_provider_that_hangs_or_breaks_is_told_and_may_be_tried_again(client, provider, monkeypatch, path, fault):
    back = leave(client, "/p/shop")
    getattr(provider, fault).add(path)
    with monkeypatch.context() as patch:
        patch.setattr(provider_module, "TIMEOUT_SECONDS", 0.3)
        answer = client.get(back)
    assert refusal(answer) == "sso_unavailable"
    assert "next=%2Fp%2Fshop" in answer.headers["location"]
    assert audited("session.refuse")[-1].actor_user_id is None
    getattr(provider, fault).clear()
    assert come_back(client).headers["location"] == "/home"


def test_a_provider_that_hangs_at_the_start_is_told(client, provider, monkeypatch):
    monkeypatch.setattr(provider_module, "TIMEOUT_SECONDS", 0.3)
    provider.hangs.add("/.well-known/openid-configuration")
    assert refusal(client.get(START)) == "sso_unavailable"


@pytest.mark.parametrize("next_path", ["https://evil.example", "//evil.example", "/\\evil.example", "/login?next=/login"])
def test_the_way_on_never_leads_to_another_host(client, provider, next_path):
    assert come_back(client, next_path).headers["location"] == "/home"


def test_a_flood_from_one_address_is_held_up_and_does_not_fill_the_audit_trail(client, provider, monkeypatch):
    # Small counts over an hour, so that a slow machine gets no turn back meanwhile.
    for name, count in (("_LIMIT", 6), ("_NOTED", 4)):
        monkeypatch.setattr(flow, name, replace(getattr(flow, name), count=count, period=timedelta(hours=1)))
    answers = [refusal(client.get(CALLBACK)) for _ in range(7)]
    assert answers == ["sso_over"] * 6 + ["rate_limited"]
    assert len(audited("session.refuse")) == 4


def test_the_stand_in_refuses_what_real_providers_refuse(client, provider):
    asked = client.get(START).headers["location"]
    assert httpx.get(asked.replace("oidc%2Fcallback", "oidc%2Felsewhere")).status_code == 400
    back = parse_qs(urlsplit(httpx.get(asked, follow_redirects=False).headers["location"]).query)
    form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": HERE + CALLBACK}
    verifier = {"code_verifier": client.cookies["plumbline_oidc"]}
    auth = (CLIENT_ID, "s%3Acret%2Fwith%2Bodd%3Dcharacters")

    def ask(auth=auth, **changes):
        return httpx.post(f"{provider.url}/token", data={**form, **verifier, **changes}, auth=auth).status_code

    assert ask(auth=(CLIENT_ID, "wrong")) == 401
    assert ask(code="unknown") == 400
    assert ask() == 200
    assert ask() == 400
