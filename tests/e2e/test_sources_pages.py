"""Data sources as people add, test, browse and delete them."""

from __future__ import annotations

import os
import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person

LIST = "/settings/data-sources"
PICTURES = os.environ.get("PLUMBLINE_TEST_PICTURES", "")


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_an_owner_adds_tests_changes_and_deletes_a_source(open_page: OpenPage, owner: Person, check_accessibility) -> None:
    page = open_page(LIST, owner)
    page.get_by_role("link", name="Add data source").or_(page.get_by_role("link", name="Add your first")).first.click()
    expect(page).to_have_url(re.compile(r"/settings/data-sources/new$"))
    expect(page.get_by_label("Port")).to_have_value("8123")
    picture(page, "new")
    page.get_by_role("button", name="PostgreSQL").click()
    expect(page.get_by_label("Port")).to_have_value("5432")
    page.get_by_role("button", name="Add data source").click()
    expect(page.locator("#name-error")).to_contain_text("name")
    page.get_by_label("Name", exact=True).fill("Shop replica")
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Port").fill("1")
    page.get_by_label("Database").fill("shop")
    page.get_by_label("User").fill("reader")
    page.get_by_label("Password").fill("a secret")
    check_accessibility(page)
    page.get_by_role("button", name="Add data source").click()
    expect(page.get_by_role("heading", name="Shop replica", level=1)).to_be_visible()
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("status")).to_contain_text("refused the connection")
    expect(page.get_by_label("Password")).to_have_value("")
    assert "a secret" not in page.content()
    page.get_by_role("button", name="Show tables").click()
    expect(page.get_by_text("The host refused the connection").last).to_be_visible()
    check_accessibility(page)
    picture(page, "source")
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_role("heading", name="Shop", level=1)).to_be_visible()
    page.goto(LIST)
    expect(page.get_by_role("row", name=re.compile("Shop.*failed"))).to_be_visible()
    check_accessibility(page)
    picture(page, "list")
    page.get_by_role("link", name="Shop").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete data source").click()
    expect(page).to_have_url(re.compile(r"/settings/data-sources$"))
    expect(page.get_by_role("link", name="Shop")).to_have_count(0)


def test_the_built_in_store_passes_its_test_and_shows_its_tables(
    open_page: OpenPage, owner: Person, editor: Person, slug: str, check_accessibility
) -> None:
    page = open_page(LIST, owner)
    page.get_by_role("link", name="Built-in event store").click()
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("status")).to_contain_text("Connection successful")
    page.get_by_role("button", name="Show tables").click()
    expect(page.get_by_role("rowheader", name="events", exact=True)).to_be_visible()
    check_accessibility(page)
    picture(page, "builtin")
    narrow = open_page(LIST, editor, width=390, scheme="dark")
    expect(narrow.get_by_text("Only owners see and change")).to_be_visible()
    expect(narrow.get_by_role("link", name="Add data source")).to_have_count(0)
    assert narrow.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    check_accessibility(narrow)
    picture(narrow, "narrow")
    narrow.goto(f"{LIST}/new")
    expect(narrow.get_by_text("Owner role required")).to_be_visible()
