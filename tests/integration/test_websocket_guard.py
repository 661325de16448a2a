"""Whoever is not signed in reaches no handler over the websocket, and nobody gets more through it than over the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from reflex_base.registry import RegistrationContext

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.conftest import Member
from tests.factories import PASSWORD, make_ingest_key, make_project
from tests.integration.reflex_socket import ReflexSocket, converse, state_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ROOT = "reflex___state____state"
# What the browser needs before anybody has signed in. A longer list here is a wider door: think before adding.
OPEN = {
    f"{ROOT}.hydrate",
    f"{ROOT}.hydrate_and_load",
    f"{ROOT}.set_is_hydrated",
    f"{ROOT}.reflex___state____on_load_internal_state.on_load_internal",
    f"{ROOT}.reflex___state____on_load_internal_state.set_is_hydrated",
    f"{ROOT}.reflex___state____frontend_event_exception_state.handle_frontend_exception",
    f"{ROOT}.app___identity___pages___sign_in____sign_in_state.load",
    f"{ROOT}.app___identity___pages___sign_in_code____sign_in_code_state.load",
    f"{ROOT}.app___identity___pages___sign_up____sign_up_state.load",
    f"{ROOT}.app___identity___pages___forgot_password____forgot_password_state.load",
    f"{ROOT}.app___identity___pages___reset_password____reset_password_state.load",
    f"{ROOT}.app___identity___pages___invitation____invitation_state.load",
}
HYDRATE = f"{ROOT}.hydrate_and_load"
APP_STATE = f"{ROOT}.app___ui____app_state"
LOADED = f"{APP_STATE}.app___frame____project_state.app___page_states____loaded_state"
MEMBERS = f"{LOADED}.app___identity___pages___members____members_state"
INVITATIONS = f"{APP_STATE}.app___identity___pages___invitations____invitations_state"
SECOND_FACTOR = f"{LOADED}.app___identity___pages___second_factor____second_factor_state"
OWN_PASSWORD = f"{APP_STATE}.app___identity___pages___own_password____own_password_state"
KEYS = f"{LOADED}.app___identity___pages___ingest_keys____ingest_keys_state"


def handler_names() -> list[str]:
    return sorted(RegistrationContext.get().event_handlers)


def redirects_to_login(update: dict[str, Any]) -> bool:
    events = update.get("events", [])
    return [event["name"] for event in events] == ["_redirect"] and events[0]["payload"]["path"].startswith("/login")


def test_an_anonymous_socket_is_sent_to_the_sign_in_page_by_every_handler_that_is_not_open(
    application: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_transaction(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a handler opened a transaction for somebody who is not signed in")

    monkeypatch.setattr("app.ui.session_scope", no_transaction)
    closed = [name for name in handler_names() if name not in OPEN]
    assert len(closed) > 20

    async def talk() -> None:
        socket = ReflexSocket(application)
        await socket.connect()
        for name in closed:
            update = await socket.call(name, {"form": {}, "value": True, "text": "x"}, path="/settings/members")
            assert redirects_to_login(update), f"{name}: {update}"
            changed = set(update.get("delta", {}).get(ROOT, {})) | set(update.get("delta", {})) - {ROOT}
            assert all(variable.startswith("rx_router") for variable in changed), f"{name}: {changed}"
        with pytest.raises(TimeoutError):
            await socket.update(0.5)
        await socket.close()

    converse(application, talk)


def test_the_set_of_open_handlers_is_pinned(application: Any, database_url: str) -> None:
    from app.ui import open_handlers

    snapshots = {f"{ROOT}.hydrate", f"{ROOT}.hydrate_and_load"}
    assert open_handlers() | snapshots == OPEN
    assert set(handler_names()) >= OPEN


def test_an_anonymous_page_load_of_an_inner_page_ends_at_the_sign_in_page(application: Any, database_url: str) -> None:
    async def talk() -> None:
        socket = ReflexSocket(application)
        await socket.connect()
        await socket.send(HYDRATE, path="/settings/members")
        updates = await socket.updates_until(redirects_to_login)
        assert state_of(updates, MEMBERS).get("members", []) == []
        await socket.close()

    converse(application, talk)


def test_a_tab_that_was_left_by_one_person_shows_nothing_of_theirs_to_the_next(
    application: Any, member: Callable[..., Member]
) -> None:
    olive = member(UserRole.OWNER, email="olive@example.com", name="Olive")

    async def talk() -> None:
        first = ReflexSocket(application, cookie=olive.headers["Cookie"])
        await first.connect()
        await first.send(f"{MEMBERS}.load", path="/settings/members")
        await first.updates_until(lambda update: "olive@example.com" in json.dumps(update.get("delta", {}).get(MEMBERS, {})))
        await first.updates_until(lambda update: INVITATIONS in update.get("delta", {}))  # the last of what the page loads
        await first.close()

        second = ReflexSocket(application, token=first.token)
        await second.connect()
        await second.send(HYDRATE, path="/settings/members")
        updates = await second.updates_until(redirects_to_login)
        assert "olive" not in json.dumps(updates).lower()
        await second.close()

    converse(application, talk)


def test_who_has_to_set_up_a_second_factor_reaches_only_the_page_about_it(
    application: Any, member: Callable[..., Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.kernel.settings import get_settings

    monkeypatch.setenv("PLUMBLINE_REQUIRE_SECOND_FACTOR", "true")
    get_settings.cache_clear()
    olive = member(UserRole.OWNER, password=PASSWORD)
    open_states = (SECOND_FACTOR, OWN_PASSWORD)
    closed = [name for name in handler_names() if name not in OPEN and not name.startswith(open_states)]

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=olive.headers["Cookie"])
        await socket.connect()
        for name in closed:
            update = await socket.call(name, {"form": {}, "value": True, "text": "x"}, path="/settings/members")
            events = update.get("events", [])
            assert [event["payload"].get("path") for event in events] == ["/settings/sign-in-security"], f"{name}: {update}"
        await socket.send(f"{SECOND_FACTOR}.load", path="/settings/sign-in-security")
        updates = await socket.updates_until(lambda update: "is_required" in state_of([update], SECOND_FACTOR))
        assert state_of(updates, SECOND_FACTOR)["is_required"] is True
        await socket.close()

    try:
        converse(application, talk)
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_the_session_cookie_is_never_sent_to_the_page(application: Any, member: Callable[..., Member]) -> None:
    olive = member(UserRole.OWNER)

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=olive.headers["Cookie"])
        await socket.connect()
        await socket.send(HYDRATE, path="/settings/members")
        updates = await socket.updates_until(
            lambda update: "members" in state_of([update], MEMBERS) and state_of([update], MEMBERS)["members"] != []
        )
        assert olive.headers["Cookie"].partition("=")[2] not in json.dumps(updates)
        await socket.close()

    converse(application, talk)


def test_a_viewer_cannot_change_a_role_by_calling_the_handler(application: Any, member: Callable[..., Member]) -> None:
    olive, vera = member(UserRole.OWNER), member(UserRole.VIEWER)

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=vera.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{MEMBERS}.change_role", {"user_id": vera.user.id, "role": "owner"}, path="/settings/members")
        updates = await socket.updates_until(lambda update: "refusal" in state_of([update], MEMBERS))
        shown = state_of(updates, MEMBERS)
        assert shown["refusal"] == "Owner role required"
        assert {row["role"] for row in shown["members"] if row["id"] == vera.user.id} == {"viewer"}
        assert olive.user.id in {row["id"] for row in shown["members"]}
        await socket.close()

    converse(application, talk)


def test_a_key_of_one_project_cannot_be_revoked_from_another_projects_page(application: Any, member: Callable[..., Member]) -> None:
    edda = member(UserRole.EDITOR)
    with session_scope() as session:
        here, there = make_project(session, slug="here"), make_project(session, slug="there")
        key, _token = make_ingest_key(session, there)
        foreign_id, own_slug = key.id, here.slug

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=edda.headers["Cookie"])
        await socket.connect()
        page = {"path": f"/p/{own_slug}/keys", "slug": own_slug}
        await socket.send(f"{KEYS}.load", **page)
        loaded = await socket.updates_until(lambda update: state_of([update], LOADED).get("phase") == "ready")
        assert state_of(loaded, KEYS).get("keys", []) == []
        await socket.send(f"{KEYS}.ask_revoke", {"key_id": foreign_id}, **page)
        await socket.send(f"{KEYS}.revoke", **page)
        answer = await socket.updates_until(lambda update: bool(update.get("events")))
        assert "not found" in json.dumps(answer[-1]).lower()
        await socket.close()

    converse(application, talk)
    with session_scope(write=False) as session:
        assert session.get(type(key), foreign_id).revoked_at is None


def test_a_project_that_is_not_there_gives_nothing(application: Any, member: Callable[..., Member]) -> None:
    edda = member(UserRole.EDITOR)

    async def talk() -> None:
        socket = ReflexSocket(application, cookie=edda.headers["Cookie"])
        await socket.connect()
        await socket.send(f"{KEYS}.load", path="/p/elsewhere/keys", slug="elsewhere")
        updates = await socket.updates_until(lambda update: state_of([update], LOADED).get("phase") == "missing")
        assert state_of(updates, KEYS).get("keys", []) == []
        await socket.close()

    converse(application, talk)


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({}, False),
        ({"origin": "http://plumbline.test"}, False),
        ({"origin": "https://plumbline.test"}, False),  # a proxy in front speaks HTTPS
        ({"origin": "http://plumbline.test.elsewhere.example"}, True),
        ({"origin": "http://elsewhere.example"}, True),
        ({"origin": "null"}, True),
    ],
)
def test_a_page_of_another_site_cannot_open_the_socket(
    application: Any, database_url: str, headers: dict[str, str], is_refused: bool
) -> None:
    async def talk() -> None:
        socket = ReflexSocket(application, headers=headers)
        await socket.connect()
        assert socket.refused is is_refused
        await socket.close()

    converse(application, talk)
