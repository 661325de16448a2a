"""A forgotten password from the sign-in page to a changed one, as people meet it in a browser; this instance has no mail server."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, sign_up_over_http
from tests.e2e.server import RunningServer
from tests.e2e.test_settings_pages import SLOW, shoot

FRESH = "tall grass in may"


def test_an_owner_hands_over_a_link_and_the_password_chosen_with_it_is_changed_again(
    open_page: OpenPage, server: RunningServer, owner: Person, check_accessibility: Callable[[Page], None]
) -> None:
    paul = sign_up_over_http(server, Person("paul@example.com", "Paul Password"))
    page = open_page("/login", width=390, scheme="dark")
    page.get_by_role("link", name="Forgot your password?").click(timeout=SLOW)
    expect(page.get_by_text("plumbline user reset-password EMAIL")).to_be_visible(timeout=SLOW)
    check_accessibility(page)
    shoot(page, "forgot-password-dark-390")

    members = open_page("/settings/members", owner)
    members.get_by_role("button", name=f"Reset link for the password of {paul.email}").click(timeout=SLOW)
    link = members.locator("#reset-link").inner_text()
    check_accessibility(members)
    shoot(members, "reset-link-light")

    page.goto(link)
    expect(page.get_by_text(paul.email)).to_be_visible(timeout=SLOW)
    check_accessibility(page)
    shoot(page, "reset-password-dark-390")
    page.get_by_label("Password").fill(FRESH)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed. Sign in with it.")).to_be_visible(timeout=SLOW)
    check_accessibility(page)
    shoot(page, "sign-in-after-reset-dark-390")
    page.get_by_label("Email").fill(paul.email)
    page.get_by_label("Password").fill(FRESH)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible(timeout=SLOW)

    page.goto(f"{server.url}/settings/sign-in-security")
    page.get_by_role("button", name="Change password").click(timeout=SLOW)
    question = page.get_by_role("dialog")
    question.get_by_label("Current password").fill("not the password")
    question.get_by_label("New password").fill("another one entirely")
    question.get_by_role("button", name="Change password").click()
    expect(question.get_by_text("The password is wrong")).to_be_visible()
    check_accessibility(page)
    shoot(page, "change-password-dark-390")
    question.get_by_label("Current password").fill(FRESH)
    question.get_by_role("button", name="Change password").click()
    expect(question).to_be_hidden()
    shoot(page, "sign-in-security-dark-390")
