"""Plan rules in the browser: an owner sets them, sees what breaks them, and main becomes read-only once protected."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.plan_api import Api


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_rules_are_set_listed_and_protect_main(
    open_page: OpenPage, owner: Person, slug: str, api: Api, check_accessibility: Callable[[Page], None]
) -> None:
    kind = api.event_type("shop", {"name": "price", "display_name": "Price", "field_type": "number"})
    api.event(kind, "Big Sale")
    page = open_page(f"/p/{slug}/plan-rules", owner)
    expect(page.get_by_text("Main keeps every rule")).to_be_visible()

    page.get_by_label("Event names").fill("(")
    page.get_by_role("button", name="Save rules").click()
    expect(page.locator("#event_name_pattern-error")).to_be_visible()
    page.get_by_label("Event names").fill("[a-z_]+")
    page.get_by_label("Required properties").fill("user\n\nuser")
    page.get_by_label("Main changes only through branches").check()
    page.get_by_role("button", name="Save rules").click()

    expect(page.get_by_role("row").filter(has_text="Big Sale")).to_contain_text("does not follow the pattern")
    expect(page.get_by_role("row").filter(has_text="lacks the property user")).to_be_visible()
    check_accessibility(page)
    shoot(page, "rules-light")
    page.reload()
    expect(page.get_by_label("Required properties")).to_have_value("user")

    page.goto(page.url.replace("plan-rules", "events"))
    expect(page.get_by_text("Main is protected in this project")).to_be_visible()
    expect(page.get_by_role("button", name="New event")).to_have_count(0)


def test_others_read_what_breaks_the_rules_and_everybody_takes_the_code(
    open_page: OpenPage, owner: Person, editor: Person, slug: str, api: Api, check_accessibility: Callable[[Page], None]
) -> None:
    api.event(api.event_type("shop"), "sale")
    page = open_page(f"/p/{slug}/plan-rules", editor, width=390, scheme="dark")
    expect(page.get_by_text("Owners set the rules")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(page)
    shoot(page, "rules-dark-390")

    transfer = open_page(f"/p/{slug}/plan/transfer", owner)
    with transfer.expect_download() as download:
        transfer.get_by_role("link", name="Python").click()
    assert "sale" in Path(download.value.path()).read_text()
