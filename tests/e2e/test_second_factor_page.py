"""A second factor from turning it on to losing it, as people meet it in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from app.identity.second_factor import code_at, step_of
from tests.e2e.conftest import OpenPage, Person, sign_up_over_http
from tests.e2e.server import RunningServer
from tests.e2e.test_settings_pages import SLOW, shoot

SECURITY = "/settings/sign-in-security"


def test_it_is_turned_on_asked_for_at_sign_in_and_reset_by_an_owner(
    open_page: OpenPage, server: RunningServer, owner: Person, check_accessibility: Callable[[Page], None]
) -> None:
    tara = sign_up_over_http(server, Person("tara@example.com", "Tara Two"))
    page = open_page(SECURITY, tara)
    page.get_by_role("button", name="Turn on").click(timeout=SLOW)
    question = page.get_by_role("dialog")
    question.get_by_label("Password").fill("not her password")
    question.get_by_role("button", name="Go on").click()
    expect(question.get_by_role("alert")).to_have_text("The password is wrong")
    shoot(page, "second-factor-question-light")
    question.get_by_label("Password").fill(tara.password)
    question.get_by_role("button", name="Go on").click()
    expect(page.get_by_alt_text("QR code with the secret")).to_be_visible()
    secret = page.locator("#totp-secret").inner_text().replace(" ", "")
    check_accessibility(page)
    shoot(page, "second-factor-enrol-light")

    step = step_of(datetime.now(UTC))
    page.get_by_label("Enter the code").fill(code_at(secret, step))
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    check_accessibility(page)
    shoot(page, "second-factor-codes-light")
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 of 10 left")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(page.get_by_text("10 of 10 left")).to_be_visible(timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(page)
    shoot(page, "second-factor-on-dark-390")

    elsewhere = open_page("/login?next=%2Fsettings%2Fsessions", scheme="dark", width=390)
    elsewhere.get_by_label("Email").fill(tara.email)
    elsewhere.get_by_label("Password").fill(tara.password)
    elsewhere.get_by_role("button", name="Sign in", exact=True).click()
    expect(elsewhere.get_by_role("heading", name="Enter your code")).to_be_visible()
    elsewhere.get_by_label("Code").fill(code_at(secret, step))
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere.get_by_role("alert")).to_contain_text("was used already")
    check_accessibility(elsewhere)
    shoot(elsewhere, "sign-in-code-dark-390")
    elsewhere.get_by_label("Code").fill(code_at(secret, max(step + 1, step_of(datetime.now(UTC)))))
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere).to_have_url(f"{server.url}/settings/sessions")
    expect(elsewhere.get_by_role("row").filter(has_text="this browser")).to_be_visible(timeout=SLOW)

    members = open_page("/settings/members", owner)
    members.get_by_role("button", name=f"Reset the second factor of {tara.email}").click(timeout=SLOW)
    check_accessibility(members)
    shoot(members, "second-factor-reset-light")
    members.get_by_role("dialog").get_by_role("button", name="Reset second factor").click()
    expect(members.get_by_role("row", name=tara.email).get_by_text("off")).to_be_visible()
    elsewhere.goto(f"{server.url}{SECURITY}")
    expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible(timeout=SLOW)
