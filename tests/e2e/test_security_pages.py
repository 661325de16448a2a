"""The pages of security over a real attack: what they show, what may be done, and that nothing comes from elsewhere."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.server import RunningServer

SLUG = "guarded"
PATH = f"/p/{SLUG}/security"
NEW_YORK, LONDON, TOR = "12.34.56.78", "81.2.69.160", "185.220.101.4"


def locate(folder: Path) -> None:
    """A location database and a list of Tor exits, put in place as the installer does."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="DBIP-City-Lite", float_type="f64")
    for network, country, city, latitude, longitude in (
        ("12.34.56.0/24", "US", "New York", 40.7128, -74.0060),
        ("81.2.69.0/24", "GB", "London", 51.5074, -0.1278),
        ("185.220.101.0/24", "DE", "Berlin", 52.5, 13.4),
    ):
        record = {"country_code": country, "city": city, "latitude": latitude, "longitude": longitude}
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(folder / "city.part"))
    (folder / "tor-exits.txt").write_text("185.220.101.4\n")
    (folder / "city.part").rename(folder / "city.mmdb")


@pytest.fixture(scope="module")
def attacked(server: RunningServer, owner: Person) -> Iterator[str]:
    """A sign-in from New York, failures from a Tor exit, a sign-in from London, and everything deleted there."""
    locate(server.data_dir / "geo")
    key = server.ingest_key(SLUG, "security")
    ana = {"id": "ana", "email": "ana@example.com"}

    def collect(event: str, actor: dict[str, str], address: str, **metadata: object) -> None:
        body = {"event": event, "actor": actor, "user_ip": address, "metadata": metadata}
        answer = httpx.post(f"{server.url}/collect", json=body, headers={"X-API-Key": key}, timeout=30)
        assert answer.status_code == 202, answer.text

    collect("auth.login_success", ana, NEW_YORK)
    for number in range(5):
        collect("auth.login_failed", {"id": f"user{number}"}, TOR)
    collect("auth.login_success", ana, LONDON, user_agent="curl/8")
    collect("data.bulk_delete", ana, LONDON, rows=4000)
    yield key


def settle(page: Page) -> None:
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)


def open_alert(page: Page, title: str) -> None:
    """Follow the alert, which is raised a moment after its event."""
    deadline = time.monotonic() + 90
    while not page.get_by_role("link", name=title).count():
        assert time.monotonic() < deadline, f"no alert {title!r}"
        page.wait_for_timeout(1000)
        page.reload()
        settle(page)
    page.get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def test_from_the_overview_over_an_alert_to_its_events(
    open_page: OpenPage, owner: Person, attacked: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"{PATH}/alerts", owner)
    open_alert(page, "Impossible travel of ana")
    expect(page.get_by_text("5,570\u00a0km", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="From New York, US to London, GB")).to_be_visible()
    expect(page.get_by_role("link", name="IP Geolocation by DB-IP")).to_be_visible()
    check_accessibility(page)
    page.get_by_role("button", name="Acknowledge").evaluate("button => { button.click(); button.click() }")
    expect(page.get_by_text("Acknowledged", exact=True)).to_be_visible()
    log = open_page(f"/settings/audit?action=security_alert.update&project={SLUG}", owner)
    expect(log.get_by_role("region", name="Entries, newest first").get_by_role("rowheader")).to_have_count(1)
    page.get_by_role("button", name="Resolve…").click()
    page.get_by_label("What was done").select_option("reset_password")
    page.get_by_label("Notes").fill("Called Ana; it was not her.")
    page.get_by_role("button", name="Resolve alert").click()
    expect(page.get_by_text("Resolved by Olive Owner on")).to_be_visible()
    expect(page.locator("p", has_text="Called Ana; it was not her.")).to_be_visible()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    page.goto(PATH)
    settle(page)
    expect(page.get_by_role("img", name="places; most from Berlin, DE")).to_be_visible()
    expect(page.get_by_role("region", name="Networks with the most failed").get_by_text("Tor", exact=True)).to_be_visible()
    check_accessibility(page)
    page.get_by_role("region", name="Actors with the most").get_by_role("link", name="ana", exact=True).click()
    events = page.get_by_role("region", name="Security events, newest first")
    expect(events.get_by_role("link", name="data.bulk_delete")).to_be_visible()
    expect(events.get_by_text("auth.login_failed")).to_have_count(0)
    check_accessibility(page)


def test_the_address_of_the_explorer_is_the_search(
    open_page: OpenPage, owner: Person, attacked: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"{PATH}/events?country=DE", owner, scheme="dark")
    settle(page)
    events = page.get_by_role("region", name="Security events, newest first")
    expect(events.get_by_role("link", name="auth.login_failed")).to_have_count(5)
    page.get_by_role("complementary", name="Facets").get_by_role("button", name="user3 1").click()
    expect(events.get_by_role("link", name="auth.login_failed")).to_have_count(1)
    page.reload()
    settle(page)
    expect(events.get_by_role("link", name="auth.login_failed")).to_have_count(1)
    check_accessibility(page)
    events.get_by_role("link", name="auth.login_failed").click()
    panel = page.get_by_role("dialog", name="auth.login_failed")
    expect(panel.get_by_text("Berlin, DE")).to_be_visible()
    expect(panel.get_by_text("Tor", exact=True)).to_be_visible()
    check_accessibility(page)
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    chip = page.get_by_role("button", name="Lift the filter Country: DE")
    chip.click()
    expect(chip).to_have_count(0)
    page.get_by_label("Event", exact=True).fill("nothing.of_the_kind")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("No event matches")).to_be_visible()


def test_an_owner_sets_the_origins_and_no_page_is_wider_than_a_phone(open_page: OpenPage, owner: Person, attacked: str) -> None:
    page = open_page(PATH, owner, width=390, height=844)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    field = page.get_by_label("Browsers may send from these origins")
    field.fill("https://app.example.com/\nftp://example.com")
    page.get_by_role("button", name="Save origins").click()
    expect(page.get_by_text("ftp://example.com is no origin such as")).to_be_visible()
    field.fill("https://app.example.com/\nhttps://*.shop.example")
    page.get_by_role("button", name="Save origins").click()
    expect(field).to_have_value("https://app.example.com\nhttps://*.shop.example")
    page.goto(f"{PATH}/alerts?status=all")
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    open_alert(page, "Impossible travel of ana")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{PATH}/events")
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_names_without_an_end_break_and_push_nothing_over_its_neighbour(
    open_page: OpenPage, owner: Person, attacked: str, server: RunningServer
) -> None:
    actor = {"id": f"service-{'x' * 200}", "email": f"{'y' * 60}@example.com"}
    body = {"event": "authz.role_changed", "actor": actor, "user_ip": NEW_YORK}
    answer = httpx.post(f"{server.url}/collect", json=body, headers={"X-API-Key": attacked}, timeout=30)
    assert answer.status_code == 202, answer.text
    page = open_page(f"{PATH}/alerts?status=all", owner)
    open_alert(page, "Critical event authz.role_changed")
    for path in (page.url, f"{PATH}/alerts?status=all", PATH, f"{PATH}/events", f"/p/{SLUG}/actors"):
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path)
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            too_wide = page.evaluate(
                "[...document.querySelectorAll('main .table')].filter(t => t.offsetWidth > t.parentElement.clientWidth + 1).length"
            )
            assert not too_wide, (path, width)


def test_an_actor_is_followed_from_the_ranking_to_own_days_alerts_and_events(
    open_page: OpenPage, owner: Person, attacked: str, server: RunningServer, check_accessibility: Callable[[Page], None]
) -> None:
    drivers = [{"feature": "data access", "value": 60, "usual": 2, "share": 0.75}]
    with closing(sqlite3.connect(server.data_dir / "plumbline.db", timeout=30)) as database, database:
        database.execute(
            "INSERT INTO security_actor_scores (project_id, day, actor_id, score, is_unusual, contributions, reason, scored_at) "
            "SELECT id, date('now'), 'ana', 99.6, 1, ?, '', datetime('now') FROM projects WHERE slug = ?",
            (json.dumps(drivers), SLUG),
        )
    page = open_page(f"/p/{SLUG}/actors", owner)
    settle(page)
    expect(page.get_by_role("row", name="ana").get_by_role("listitem").get_by_text("data access")).to_be_visible()
    check_accessibility(page)
    page.get_by_role("link", name="ana", exact=True).click()
    panel = page.get_by_role("dialog", name="ana")
    expect(panel.get_by_role("row", name="Data access").get_by_text("60")).to_be_visible()
    expect(panel.get_by_role("link", name="Impossible travel of ana")).to_be_visible()
    check_accessibility(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    panel.get_by_role("link", name="Alerts of this actor").click()
    chip = page.get_by_role("button", name="Lift the filter Actor: ana")
    expect(chip).to_be_visible()
    chip.click()
    expect(chip).to_have_count(0)


def test_the_places_of_what_was_located_outlast_the_location_database(
    open_page: OpenPage, owner: Person, server: RunningServer, attacked: str
) -> None:
    database = server.data_dir / "geo" / "city.mmdb"
    away = database.with_suffix(".away")
    page = open_page(PATH, owner)
    settle(page)
    expect(page.get_by_text("DBIP-City-Lite of")).to_be_visible()
    database.rename(away)
    try:
        deadline = time.monotonic() + 60
        while page.get_by_text("DBIP-City-Lite of").count():  # files are looked at again every few seconds
            assert time.monotonic() < deadline, "the database is still in use"
            page.wait_for_timeout(1000)
            page.reload()
            settle(page)
        expect(page.get_by_role("img", name="places; most from Berlin, DE")).to_be_visible()
        expect(page.get_by_role("region", name="Sign-ins by place").get_by_role("link", name="London, GB")).to_be_visible()
        expect(page.get_by_role("heading", name="No location database is installed")).to_have_count(0)
    finally:
        away.rename(database)
