"""Deciding about departures: inbox, signal, settings with their preview, releases and distribution."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, sign_up_over_http
from tests.e2e.departing_project import Departing, make_departing
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer

Axe = Callable[[Page], None]


@pytest.fixture
def departing(server: RunningServer, api: Api) -> Departing:
    return make_departing(server, api)


def look_around(open_page: OpenPage, person: Person, path: str, name: str, ready: str, check_accessibility: Axe) -> None:
    """The page fits and is accessible on a wide and a narrow screen in both modes; pictures where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    for width, scheme in ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")) if folder else ((390, "dark"),):
        page = open_page(path, person, width=width, scheme=scheme)
        expect(page.locator(ready).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        check_accessibility(page)
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True)
        page.close()


def test_an_incident_is_decided_by_keys_and_shown_in_full(
    open_page: OpenPage, owner: Person, slug: str, departing: Departing, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}/inbox?direction=drop&scope=event", owner)
    line = page.locator("[data-signal]").filter(has_text="order_placed").first
    expect(line.get_by_text("Open", exact=True)).to_be_visible()
    page.keyboard.press("j")
    expect(line.locator(".line-opener")).to_be_focused()
    page.keyboard.press("1")
    expect(line.locator(".badge", has_text="Expected")).to_be_visible()
    page.keyboard.press("u")
    expect(line.locator(".badge", has_text="Expected")).to_have_count(0)
    page.keyboard.press("a")
    expect(line.get_by_text("Acknowledged by Olive Owner")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("figure")).to_be_visible()
    page.get_by_role("button", name="Message as it was sent").click()
    expect(page.get_by_role("region", name="Message")).to_contain_text("order_placed fell to 0")
    page.get_by_role("button", name="Close").click()
    check_accessibility(page)
    page.keyboard.press("x")
    bar = page.get_by_role("group", name="Selected incidents")
    bar.get_by_role("button", name="Real").click()
    expect(line.locator(".badge", has_text="Real")).to_be_visible()
    look_around(open_page, owner, f"/p/{slug}/inbox", "inbox", "[data-signal]", check_accessibility)

    line.locator(".line-opener").focus()
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(rf"/signals/{departing.scan_id}~event~{departing.order_id}\?at="))
    expect(page.get_by_role("heading", name="order_placed", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Verdicts on this series")).to_contain_text("Real")
    expect(page.get_by_role("figure")).to_be_visible()
    path = page.url.replace(page.evaluate("location.origin"), "")
    look_around(open_page, owner, path, "signal", ".kpi-row", check_accessibility)


def test_settings_are_tried_before_they_are_saved(
    open_page: OpenPage, server: RunningServer, owner: Person, api: Api, slug: str, departing: Departing, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}/inbox", owner)
    page.get_by_role("link", name="Anomaly settings").click()
    outcome = page.get_by_role("status").filter(has_text="With these settings")
    expect(outcome).to_contain_text(re.compile(r"[1-9]\d* alarms? last week"))
    expect(page.get_by_text("looked at 4 of 4 series")).to_be_visible()
    before = outcome.inner_text()
    page.get_by_label("Sigma threshold", exact=True).fill("60")
    expect(outcome).to_contain_text("0 alarms last week")
    expect(outcome).to_contain_text(re.search(r"\d+", before)[0])  # type: ignore[index]
    page.get_by_label("Least history", exact=True).fill("150")
    expect(page.get_by_text("Min history buckets must not be larger")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_label("Least history", exact=True).fill("7")
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It counts from the next collection on.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Sigma threshold", exact=True)).to_have_value("60")
    page.get_by_label("Sigma threshold", exact=True).fill("3")
    page.get_by_role("button", name="Save").click()
    page.get_by_label("What is planned").fill("Migration")
    page.get_by_label(re.compile(r"^From \(")).fill("2030-01-01T00:00")
    page.get_by_label(re.compile(r"^To \(")).fill("2030-01-02T00:00")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("region", name="Planned events").get_by_text("Migration")).to_be_visible()
    look_around(open_page, owner, f"/p/{slug}/anomaly-settings", "settings", ".verdict-line", check_accessibility)

    viewer = sign_up_over_http(server, Person("detection-viewer@example.com", "Vera Viewer"))
    api.make_viewer(viewer.email)
    page = open_page(f"/p/{slug}/anomaly-settings", viewer)
    expect(page.get_by_text("You may look at these settings")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.goto(f"/p/{slug}/inbox")
    expect(page.locator("[data-signal]").first).to_be_visible()
    expect(page.locator(".signal-verdicts")).to_have_count(0)


def test_a_release_and_a_field_show_what_they_lost(
    open_page: OpenPage, owner: Person, slug: str, departing: Departing, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}", owner)
    page.get_by_role("link", name="Releases").click()
    lost = page.get_by_role("region", name="Scopes the newest release counts too little of")
    expect(lost.get_by_role("row", name=re.compile("order_placed"))).to_contain_text("Volume drop")
    expect(page.get_by_role("region", name="App versions, newest first")).to_contain_text("4.3.0-beta")
    look_around(open_page, owner, f"/p/{slug}/releases", "releases", ".kpi-row", check_accessibility)

    page.get_by_role("link", name="Distribution").click()
    expect(page.get_by_role("img", name=re.compile("^currency: index"))).to_be_visible()
    moved = page.get_by_role("region", name="Values that moved most")
    expect(moved.get_by_role("row", name=re.compile("PLN"))).to_be_visible()
    page.get_by_role("region", name="Buckets that moved most").get_by_role("link").nth(3).click()
    expect(page).to_have_url(re.compile(r"at="))
    page.get_by_label("Events", exact=True).select_option(label="Event type: Shop")
    expect(page).to_have_url(re.compile(r"scope=[0-9a-f-]{36}"))
    look_around(open_page, owner, f"/p/{slug}/distribution", "distribution", ".psi", check_accessibility)
