"""What the sign-in and sign-up pages take from the address and from the instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.http import SESSION_COOKIE
from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from tests.conftest import Member
from tests.factories import PASSWORD, make_session_cookie, make_user
from tests.integration.reflex_socket import ReflexSocket, converse, state_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIGN_IN = "reflex___state____state.app___identity___pages___sign_in____sign_in_state"
FORGOT = "reflex___state____state.app___identity___pages___forgot_password____forgot_password_state"
RESET = "reflex___state____state.app___identity___pages___reset_password____reset_password_state"
APP = "reflex___state____state.app___ui____app_state"
OWN_PASSWORD = f"{APP}.app___identity___pages___own_password____own_password_state"
RESET_LINK = f"{APP}.app___identity___pages___reset_link____reset_link_state"
SIGN_UP = "reflex___state____state.app___identity___pages___sign_up____sign_up_state"


def load(application: Any, state: str, path: str) -> dict[str, Any]:
    shown: dict[str, Any] = {}

    async def talk() -> None:
        socket = ReflexSocket(application)
        await socket.connect()
        await socket.send(f"{state}.load", path=path)
        shown.update(state_of(await socket.updates_until(lambda update: bool(state_of([update], state))), state))
        await socket.close()

    converse(application, talk)
    return shown


def test_the_first_person_is_told_that_they_become_owner(application: Any, database_url: str) -> None:
    assert load(application, SIGN_UP, "/register")["is_first"] is True


def test_on_an_instance_without_people_the_sign_in_page_leads_to_signing_up(
    application: Any, database_url: str, member: Callable[..., Member]
) -> None:
    async def talk() -> None:
        socket = ReflexSocket(application)
        await socket.connect()
        await socket.send(f"{SIGN_IN}.load", path="/login?next=%2Fp%2Fshop")
        answer = await socket.updates_until(lambda update: bool(update.get("events")))
        assert answer[-1]["events"][0]["payload"]["path"] == "/register?next=%2Fp%2Fshop"
        member(UserRole.OWNER)
        await socket.send(f"{SIGN_IN}.load", path="/login")
        answer = await socket.updates_until(lambda update: bool(state_of([update], SIGN_IN)))
        assert not answer[-1].get("events")
        await socket.close()

    converse(application, talk)


def test_later_people_are_not_and_a_closed_instance_offers_no_form(
    application: Any, member: Callable[..., Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    member(UserRole.OWNER)
    monkeypatch.setenv("PLUMBLINE_REGISTRATION_OPEN", "false")
    get_settings.cache_clear()
    shown = load(application, SIGN_UP, "/register")
    assert (shown["is_first"], shown["is_closed"]) == (False, True)


def test_a_refusal_is_told_in_a_sentence_and_an_invented_code_is_not_repeated(application: Any, database_url: str) -> None:
    wrong = load(application, SIGN_IN, "/login?error=invalid_credentials")["message"]
    assert wrong == "The email address or the password is wrong."
    invented = load(application, SIGN_IN, "/login?error=call-0900-12345")["message"]
    assert invented
    assert "0900" not in invented


def test_the_page_to_return_to_is_kept_only_when_it_is_ours(application: Any, database_url: str) -> None:
    assert load(application, SIGN_IN, "/login?next=%2Fp%2Fshop%2Finbox")["next_path"] == "/p/shop/inbox"
    assert load(application, SIGN_IN, "/login?next=https%3A%2F%2Felsewhere.example")["next_path"] == "/home"


def test_who_is_signed_in_already_goes_on_at_once(application: Any, member: Callable[..., Member]) -> None:
    edda = member(UserRole.EDITOR)

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=edda.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{SIGN_IN}.load", path="/login?next=%2Fsettings%2Fmembers")
        answer = await socket.updates_until(lambda update: bool(update.get("events")))
        assert answer[-1]["events"][0]["payload"]["path"] == "/settings/members"
        await socket.close()

    converse(application, talk)


def test_the_page_for_a_forgotten_password_says_whom_to_ask_where_no_mail_can_be_sent(
    application: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(application, FORGOT, "/forgot-password")["has_mail"] is False
    monkeypatch.setenv("PLUMBLINE_SMTP_HOST", "mail.example")
    monkeypatch.setenv("PLUMBLINE_SMTP_FROM_ADDRESS", "plumb@example.org")
    get_settings.cache_clear()
    shown = load(application, FORGOT, "/forgot-password?done=asked")
    assert (shown["has_mail"], shown["is_asked"]) == (True, True)
    assert load(application, SIGN_IN, "/login?done=password")["done"] == "Your password is changed. Sign in with it."
    assert load(application, SIGN_IN, "/login?done=call-0900")["done"] == ""


def test_a_password_is_changed_and_a_link_for_it_made_and_looked_at(application: Any, member: Callable[..., Member]) -> None:
    olive = member(UserRole.OWNER)
    with session_scope() as session:
        ada = make_user(session, email="ada@example.com", password=PASSWORD)
        cookie = f"{SESSION_COOKIE}={make_session_cookie(session, ada)}"
    page = {"path": "/settings/sign-in-security"}
    links: list[str] = []

    async def talk() -> None:
        own = ReflexSocket(application, cookie=cookie)
        await own.connect()
        form = {"current_password": "not hers at all", "new_password": "tall grass in may"}
        await own.send(f"{OWN_PASSWORD}.change", {"form": form}, **page)
        refused = await own.updates_until(lambda update: "current_error" in state_of([update], OWN_PASSWORD))
        assert state_of(refused, OWN_PASSWORD)["current_error"] == "The password is wrong"
        await own.send(f"{OWN_PASSWORD}.change", {"form": {**form, "new_password": "short"}}, **page)
        refused = await own.updates_until(lambda update: "new_error" in state_of([update], OWN_PASSWORD))
        assert state_of(refused, OWN_PASSWORD)["new_error"] == "The password needs 8 to 255 characters"
        await own.send(f"{OWN_PASSWORD}.change", {"form": {**form, "current_password": PASSWORD}}, **page)
        done = await own.updates_until(lambda update: bool(update.get("events")))
        assert "your other sign-ins have ended" in str(done[-1]["events"])
        await own.send(f"{RESET_LINK}.make", {"user_id": olive.user.id}, path="/settings/members")
        refused = await own.updates_until(lambda update: bool(update.get("events")))
        assert "Owner role required" in str(refused[-1]["events"])
        await own.close()

        owner = ReflexSocket(application, cookie=olive.headers["Cookie"])
        await owner.connect()
        await owner.send(f"{RESET_LINK}.make", {"user_id": ada.id}, path="/settings/members")
        made = await owner.updates_until(lambda update: bool(state_of([update], RESET_LINK).get("link")))
        links.append(state_of(made, RESET_LINK)["link"])
        await owner.close()

    converse(application, talk)
    path = "/reset-password?" + links[0].partition("?")[2]
    for _ in range(2):  # looking does not use it up
        shown = load(application, RESET, path)
        assert (shown["is_valid"], shown["account_email"]) == (True, "ada@example.com")
    assert load(application, RESET, "/reset-password?token=invented")["is_valid"] is False


def test_the_provider_is_offered_once_it_is_set_and_may_be_the_only_way(
    application: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(application, SIGN_IN, "/login")["provider_name"] == ""
    for name, value in {"ISSUER": "https://login.example", "CLIENT_ID": "plumbline", "NAME": "Example ID", "ONLY": "true"}.items():
        monkeypatch.setenv(f"PLUMBLINE_OIDC_{name}", value)
    get_settings.cache_clear()
    shown = load(application, SIGN_IN, "/login?next=%2Fp%2Fshop")
    assert (shown["provider_name"], shown["has_passwords"]) == ("Example ID", False)
    assert shown["provider_href"] == "/session/oidc/start?next=%2Fp%2Fshop"
