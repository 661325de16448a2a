"""A refused form leads the keyboard to its first fault and says it there, however often it is sent."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import OpenPage, Person

FORMS = {
    # A dialog whose name is taken.
    "branches": ("New branch", {"Name": "Main"}, "Create branch", "Name", "taken by the main branch"),
    # The second of two fields, and a first one that is right.
    "coverage": ("", {"Settling, in minutes": "30", "Lateness, in minutes": "0"}, "Save", "Lateness, in minutes", "from 1 to 1440"),
    # Two moments that contradict each other, on a page with other forms.
    "anomaly-settings": (
        "",
        {"What is planned": "Launch", "From (": "2030-01-02T00:00", "To (": "2030-01-01T00:00"},
        "Add",
        "To (",
        "must come after the start",
    ),
}


def field(page: Page, label: str) -> Locator:
    return page.get_by_label(re.compile(f"^{re.escape(label)}") if label.endswith("(") else label, exact=not label.endswith("("))


@pytest.mark.parametrize("path", FORMS)
def test_the_focus_goes_to_the_fault(path: str, open_page: OpenPage, owner: Person, slug: str) -> None:
    opener, given, send, faulty, message = FORMS[path]
    page = open_page(f"/p/{slug}/{path}", owner)
    if opener:
        page.get_by_role("button", name=opener).click()
    for label, text in given.items():
        field(page, label).fill(text)
    for _ in range(2):
        page.get_by_role("button", name=send, exact=True).click()
        fault = field(page, faulty)
        expect(fault).to_be_focused()
        expect(fault).to_have_attribute("aria-invalid", "true")
        described = [f"#{one}" for one in (fault.get_attribute("aria-describedby") or "").split() if one.endswith("-error")]
        expect(page.locator(", ".join(described))).to_contain_text(message)
        fault.blur()
    for label, text in given.items():
        expect(field(page, label)).to_have_value(text)


def test_whoever_writes_on_is_not_called_back(open_page: OpenPage, owner: Person, slug: str) -> None:
    page = open_page(f"/p/{slug}/coverage", owner)
    page.get_by_label("Lateness, in minutes").fill("0")
    page.get_by_label("Lateness, in minutes").press("Enter")
    expect(page.get_by_label("Lateness, in minutes")).to_be_focused()
    page.get_by_label("Settling, in minutes").focus()
    page.get_by_label("Settling, in minutes").press_sequentially("5", delay=50)
    expect(page.get_by_text("Lateness is a whole number of minutes from 1 to 1440")).to_be_visible()
    expect(page.get_by_label("Settling, in minutes")).to_be_focused()
