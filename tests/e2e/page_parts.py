"""What tests of many pages wait for and look for."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def settle(page: Page) -> None:
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)


def dialog_of(page: Page, title: str) -> Locator:
    return page.get_by_role("dialog", name=title)
