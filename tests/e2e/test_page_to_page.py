"""From page to page inside the app: nothing is offered before it can be meant, and nothing flickers that stays."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.page_parts import dialog_of, settle
from tests.e2e.plan_api import Api

WATCH = """() => {
  window.headings = new Set();
  window.offered = 0;
  const look = () => {
    const heading = document.querySelector("main h1")?.textContent;
    if (heading) window.headings.add(`${location.pathname.split("/").pop()} ${heading}`);
    const edit = [...document.querySelectorAll("main button")].find((one) => one.textContent === "Edit");
    if (edit && !window.offered++) edit.click();
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
COUNT_LOADING = """() => {
  window.loadingCount = 0;
  const look = () => { window.loadingCount += document.querySelectorAll("main .loading").length; };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""


def test_a_page_offers_nothing_and_shows_nothing_of_before_until_its_own_load(
    open_page: OpenPage, owner: Person, slug: str, api: Api
) -> None:
    order, refund = api.event_type("order"), api.event_type("refund")
    page = open_page(f"/p/{slug}/event-types/{order['id']}", owner)
    settle(page)
    page.get_by_role("navigation").get_by_role("link", name="Event types").first.click()
    expect(page.locator("main h1")).to_have_text("Event types")
    settle(page)
    page.evaluate(WATCH)
    page.get_by_role("main").get_by_role("link", name="Refund").first.click()
    expect(page.locator("main h1")).to_have_text("Refund")
    expect(dialog_of(page, "Edit the event type").get_by_label("Display name")).to_have_value("Refund")
    shown = [one for one in page.evaluate("[...window.headings]") if one.startswith(refund["id"])]
    assert shown == [f"{refund['id']} Refund"]


def test_another_filter_does_not_empty_the_page(open_page: OpenPage, owner: Person, slug: str) -> None:
    page = open_page(f"/p/{slug}/activity", owner)
    settle(page)
    page.evaluate(COUNT_LOADING)
    page.get_by_role("group", name="Kind").get_by_role("button", name="Scans").click()
    expect(page).to_have_url(re.compile(r"kind="))
    expect(page.get_by_role("button", name="Scans")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.loadingCount") == 0


@pytest.mark.parametrize("ending", ["", "/", "?unknown=1"])
def test_every_spelling_of_an_address_comes_out_of_loading(
    open_page: OpenPage, owner: Person, slug: str, api: Api, ending: str
) -> None:
    made = api.event_type("order")
    page = open_page(f"/p/{slug}/event-types/{made['id']}{ending}", owner)
    expect(page.get_by_role("heading", name="Order", level=1)).to_be_visible()


def test_back_and_forth_each_page_comes_out_of_loading(open_page: OpenPage, owner: Person, slug: str, api: Api) -> None:
    order, refund = api.event_type("order"), api.event_type("refund")
    heading = (page := open_page(f"/p/{slug}/event-types/{order['id']}", owner)).locator("main h1")
    expect(heading).to_have_text("Order")
    page.get_by_role("navigation").get_by_role("link", name="Event types").first.click()
    page.get_by_role("main").get_by_role("link", name="Refund").first.click()
    expect(heading).to_have_text("Refund")
    for _ in range(2):
        page.go_back()
    expect(heading).to_have_text("Order")
    settle(page)
    page.evaluate("history.forward(); setTimeout(() => history.forward(), 20); setTimeout(() => history.back(), 40)")
    expect(heading).to_have_text("Event types")
    page.go_forward()
    expect(page).to_have_url(re.compile(refund["id"]))
    expect(heading).to_have_text("Refund")
    settle(page)
