"""Watching a project: overview, catalogue, event, inbox, heatmap, live tail and scans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import OpenPage, Person, Sessions
from tests.e2e.observed_project import SLUG, fill, run_scan, send
from tests.e2e.server import RunningServer

BASE = f"/p/{SLUG}"
PAGES = {
    "overview": BASE,
    "events": f"{BASE}/events",
    "inbox": f"{BASE}/inbox",
    "heatmap": f"{BASE}/heatmap",
    "live": f"{BASE}/live",
    "scans": f"{BASE}/scans",
}


@dataclass(frozen=True)
class Observed:
    """A project with figures, and the key that sends into it."""

    server: RunningServer
    key: str

    def send(self, *names: str) -> None:
        send(self.server, self.key, [{"service": "shop", "operation": name} for name in names])


@pytest.fixture(scope="module")
def observed(server: RunningServer, owner: Person, sessions: Sessions, browser: Browser) -> Iterator[Observed]:
    key = server.ingest_key(SLUG)
    fill(server, key)
    context = browser.new_context(base_url=server.url)
    context.add_cookies([{"name": "plumbline_session", "value": sessions.cookie(owner), "url": server.url}])
    run_scan(context.new_page())
    context.close()
    yield Observed(server, key)


def settle(page: Page) -> None:
    """Wait until the page left its loading state."""
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", list(PAGES))
def test_every_page_is_accessible_in_both_modes(
    name: str,
    scheme: str,
    open_page: OpenPage,
    owner: Person,
    observed: Observed,
    check_accessibility: Callable[[Page], None],
) -> None:
    page = open_page(PAGES[name], owner, scheme=scheme)
    settle(page)
    check_accessibility(page)


@pytest.mark.parametrize("name", list(PAGES))
def test_no_page_is_wider_than_a_phone(name: str, open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(PAGES[name], owner, width=390, height=844)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", list(PAGES))
def test_an_unknown_project_is_told_on_every_page(name: str, open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(PAGES[name].replace(SLUG, "nowhere"), owner)
    expect(page.get_by_role("heading", name="There is no such project")).to_be_visible()


@pytest.mark.parametrize("name", list(PAGES))
def test_somebody_not_signed_in_is_led_to_the_sign_in_page(name: str, open_page: OpenPage) -> None:
    page = open_page(PAGES[name])
    expect(page).to_have_url(re.compile(r"/login\?next="))


def test_the_overview_shows_figures_chart_and_top_events(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(BASE, owner)
    expect(page.get_by_text("Planned events", exact=True)).to_be_visible()
    expect(page.locator(".recharts-surface").first).to_be_visible()
    top = page.get_by_role("region", name="Events with the most volume in 48 hours")
    expect(top.get_by_role("link", name="order_placed")).to_be_visible()
    page.get_by_role("button", name="30 days").click()
    expect(page).to_have_url(re.compile(r"days=30"))
    page.reload()
    expect(page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")


def test_a_project_without_data_shows_the_way_to_the_first_event(open_page: OpenPage, server: RunningServer, owner: Person) -> None:
    server.ingest_key("untouched")
    page = open_page("/p/untouched", owner)
    expect(page.get_by_role("heading", name="Send an event")).to_be_visible()
    expect(page.get_by_role("region", name="Command that sends one event")).to_contain_text(f"{server.url}/v1/events")
    page.get_by_role("main").get_by_role("link", name="Ingest keys").click()
    expect(page).to_have_url(re.compile(r"/p/untouched/keys$"))


def test_search_filter_and_sort_of_the_catalogue_survive_a_reload(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/events", owner)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Search events").fill("order")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=order"))
    page.get_by_label("Search events").fill("")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Event", exact=True).click()
    expect(page.get_by_role("columnheader", name="Event", exact=True)).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Event", exact=True).click()
    expect(rows.first).to_contain_text("page_viewed")
    page.reload()
    expect(rows.first).to_contain_text("page_viewed")
    page.get_by_label("Status", exact=True).select_option("live")
    expect(page.get_by_role("heading", name="No event matches")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Status", exact=True)).to_have_value("live")


def test_the_chart_of_an_event_has_a_table_with_the_same_points(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/events", owner)
    page.get_by_role("link", name="order_placed").click()
    expect(page.get_by_role("heading", name="order_placed", level=1)).to_be_visible()
    figure = page.get_by_role("figure")
    expect(figure).to_have_attribute("aria-label", re.compile(r"^order_placed from .* CET? to .*: [\d,]+ in all"))
    page.get_by_role("tab", name="Table").click()
    table = page.get_by_role("region", name="The chart's points as a table")
    expect(table.locator("tbody tr")).to_have_count(7 * 24)
    expect(table.locator("tbody tr").first).to_contain_text(re.compile(r"\w{3} \d+ \w{3}, \d\d:00–\d\d:00 CES?T"))
    expect(table.get_by_text("drop", exact=True).first).to_be_attached()


def test_the_hole_in_the_orders_is_an_incident(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/inbox?direction=drop&scope=event", owner)
    incident = page.get_by_role("list", name="Incidents").get_by_role("listitem").filter(has_text="order_placed").first
    expect(incident).to_contain_text(re.compile(r"\u2212\d+\s%.vs expected \d+"))
    expect(incident).to_contain_text(re.compile(r"\d\d:00 CES?T"))
    incident.get_by_role("button", name="order_placed").click()
    expect(incident.get_by_role("figure")).to_be_visible()
    incident.get_by_role("link", name="Open event").click()
    expect(page).to_have_url(re.compile(r"/events/[0-9a-f-]{36}$"))


def test_inbox_filters_survive_a_reload(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/inbox", owner)
    page.get_by_role("button", name="Drops").click()
    expect(page).to_have_url(re.compile(r"direction=drop"))
    page.get_by_role("button", name="7 days").click()
    expect(page).to_have_url(re.compile(r"direction=drop&days=7"))
    page.reload()
    expect(page.get_by_role("button", name="Drops")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")


def test_the_heatmap_follows_the_chosen_series(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/heatmap", owner)
    expect(page.locator(".heat td")).to_have_count(7 * 24)
    page.get_by_label("Series").select_option(label="Event: order_placed")
    expect(page).to_have_url(re.compile(r"scope=event%3A"))
    expect(page.locator(".heat caption")).to_contain_text("Event: order_placed")


def test_records_arrive_by_themselves_and_each_once(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/live", owner)
    expect(page.get_by_text("Following")).to_be_visible()
    name = f"arrived_{uuid4().hex[:8]}"
    observed.send(name)
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Flagged")
    expect(row).to_contain_text("not in plan")
    later = f"later_{uuid4().hex[:8]}"
    observed.send(later)
    expect(page.get_by_role("row").filter(has_text=later)).to_have_count(1)
    expect(row).to_have_count(1)


def test_a_paused_tail_stands_still_and_catches_up(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/live", owner)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    held = f"held_{uuid4().hex[:8]}"
    observed.send(held)
    marker = f"seen_{uuid4().hex[:8]}"
    other = open_page(f"{BASE}/live", owner)
    observed.send(marker)
    expect(other.get_by_role("row").filter(has_text=marker)).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text=held)).to_have_count(0)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("row").filter(has_text=held)).to_have_count(1)


def test_a_record_is_shown_in_full_and_the_verdict_filter_survives_a_reload(
    open_page: OpenPage, owner: Person, observed: Observed
) -> None:
    name = f"shown_{uuid4().hex[:8]}"
    observed.send(name)
    page = open_page(f"{BASE}/live?verdict=flagged", owner)
    expect(page.get_by_role("button", name="Flagged")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("region", name="Record as JSON")).to_contain_text(f'"operation": "{name}"')
    page.get_by_role("button", name="Close record").click()
    expect(page.get_by_role("region", name="Record as JSON")).to_have_count(0)


def test_the_palette_is_worked_by_keys_alone(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(BASE, owner)
    settle(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or go to")).to_be_focused()
    page.keyboard.type("heat")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/heatmap$"))
    expect(page.get_by_role("heading", name="Heatmap", level=1)).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("order_pl")
    palette = page.get_by_role("listbox", name="Destinations")
    expect(palette.get_by_role("option", name=re.compile("order_placed"))).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/events/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", name="order_placed", level=1)).to_be_visible()


def test_the_shortcuts_sheet_opens_and_closes_by_keys_and_the_keys_work(
    open_page: OpenPage, owner: Person, observed: Observed
) -> None:
    page = open_page(BASE, owner)
    settle(page)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(re.compile(r"/inbox$"))


def test_on_a_phone_the_rail_is_a_drawer(open_page: OpenPage, owner: Person, observed: Observed) -> None:
    page = open_page(f"{BASE}/events", owner, width=390, height=844)
    settle(page)
    page.get_by_role("button", name="Open navigation").click()
    drawer = page.get_by_role("dialog", name="Navigation")
    drawer.get_by_role("link", name="Inbox").click()
    expect(page).to_have_url(re.compile(r"/inbox$"))
    expect(drawer).to_be_hidden()
