"""An owner sets up a sign-in provider in the product, and somebody with an account enters through it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, Watched, session_cookie
from tests.e2e.server import RunningServer
from tests.oidc_provider import CLIENT_ID, StandIn, stand_in

SETTINGS = ("oidc_issuer", "oidc_client_id", "oidc_name")


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def provider(server: RunningServer, owner: Person, editor: Person) -> Iterator[StandIn]:
    person = {"sub": "edda-1", "email": editor.email, "email_verified": True}
    with stand_in(f"{server.url}/session/oidc/callback", **person) as running:
        running.secret = None
        yield running
    cookies = {"plumbline_session": session_cookie(server, owner)}
    for name in SETTINGS:
        httpx.delete(f"{server.url}/api/v1/settings/overrides/{name}", cookies=cookies, timeout=30)


def set_to(page: Page, name: str, value: str) -> None:
    page.get_by_role("button", name=f"Change {name}").click()
    page.get_by_label(f"Value of {name}").fill(value)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".setting").filter(has_text=name)).to_contain_text("changed here")


def test_a_provider_that_an_owner_set_up_lets_a_member_in(
    open_page: OpenPage,
    owner: Person,
    editor: Person,
    provider: StandIn,
    watched: Watched,
    check_accessibility: Callable[[Page], None],
) -> None:
    watched.expected.append(f"foreign request: {provider.url}/authorize")
    settings = open_page("/settings?q=oidc", owner)
    for name, value in zip(SETTINGS, (provider.url, CLIENT_ID, "Example ID"), strict=True):
        set_to(settings, name, value)

    page = open_page("/login?next=%2Fsettings%2Fmembers")
    button = page.get_by_role("link", name="Sign in with Example ID")
    expect(button).to_be_visible()
    check_accessibility(page)
    shoot(page, "sign-in-provider-light")
    dark = open_page("/login?error=sso_no_account", width=390, height=844, scheme="dark")
    expect(dark.get_by_role("alert")).to_contain_text("Ask an owner for an invitation")
    expect(dark.get_by_role("link", name="Sign in with Example ID")).to_be_visible()
    check_accessibility(dark)
    shoot(dark, "sign-in-provider-dark")

    button.click()
    expect(page).to_have_url(re.compile(r"/settings/members$"))
    expect(page.get_by_role("heading", name="Members", level=1)).to_be_visible()
    page.get_by_role("button", name="Your account").click()
    expect(page.get_by_text(editor.email).first).to_be_visible()
