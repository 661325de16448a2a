"""Threat models: written with a live count on what is stored, switched on and off, and firing on what comes next."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.server import RunningServer

SLUG = "modelled"
PATH = f"/p/{SLUG}/security/threat-models"
LONG = 60_000


def collect(server: RunningServer, key: str, actor: str, rows: int) -> None:
    body = {"event": "data.export", "actor": {"id": actor}, "user_ip": "203.0.113.9", "metadata": {"rows": rows}}
    answer = httpx.post(f"{server.url}/collect", json=body, headers={"X-API-Key": key}, timeout=30)
    assert answer.status_code == 202, answer.text


@pytest.fixture(scope="module")
def exported(server: RunningServer, owner: Person) -> Iterator[str]:
    """Four large exports of one person and a small one of another."""
    key = server.ingest_key(SLUG, "security")
    for _ in range(4):
        collect(server, key, "ana", 5_000)
    collect(server, key, "bob", 5)
    yield key


def settle(page: Page) -> None:
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("PLUMBLINE_TEST_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"threat-models-{name}.png"), full_page=True)


def wait_for_alert(page: Page, title: str) -> None:
    """The list of alerts with the alert in it, which comes a moment after its events."""
    deadline = time.monotonic() + 90
    page.goto(f"/p/{SLUG}/security/alerts")
    settle(page)
    while not page.get_by_text(title).count() and time.monotonic() < deadline:
        page.reload()
        settle(page)
    expect(page.get_by_text(title).first).to_be_visible()


def write_exports(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Many large exports")
    page.get_by_label("Events named").fill("data.*")
    page.get_by_label("How many").fill("3")
    page.get_by_label("Count together events of").select_option("actor")
    expect(page.get_by_role("status").get_by_text(re.compile(r"alerts? in the last 7 days"))).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Add condition to the first step").click()
    page.get_by_label("Field of condition 1").fill("metadata.rows")
    page.get_by_label("Comparison of condition 1").select_option("gte")
    page.get_by_label("Value of condition 1").fill("9000")
    expect(page.get_by_role("status").get_by_text("0 alerts")).to_be_visible(timeout=LONG)
    page.get_by_label("Value of condition 1").fill("1000")
    expect(page.get_by_role("status").get_by_text(re.compile(r"[47] of \d events fit"))).to_be_visible(timeout=LONG)
    expect(page.get_by_role("list", name="Newest of these alerts").get_by_role("link", name="ana")).to_be_visible()


def test_a_model_is_tried_saved_switched_and_fires(
    open_page: OpenPage, owner: Person, server: RunningServer, exported: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(PATH, owner)
    settle(page)
    expect(page.get_by_text("No threat models")).to_be_visible()
    page.get_by_role("link", name="Add model").first.click()
    expect(page.get_by_label("Events named")).to_be_visible()
    write_exports(page)
    check_accessibility(page)
    shoot(page, "builder-light")
    page.get_by_role("button", name="Save model").click()
    table = page.get_by_role("region", name="Threat models by name")
    expect(table.get_by_text("3 × data.* where metadata.rows is at least 1000 within 10 min, by the same actor")).to_be_visible(
        timeout=LONG
    )
    shoot(page, "list-light")
    for _ in range(3):
        collect(server, exported, "eve", 7_000)
    wait_for_alert(page, "Many large exports")
    page.goto(PATH)
    table.get_by_label("Many large exports is on").click()
    expect(table.get_by_text("Off")).to_be_visible(timeout=LONG)
    table.get_by_role("link", name="Many large exports").click()
    expect(page.get_by_label("Value of condition 1")).to_have_value("1000")
    page.get_by_label("It only fires when another event follows").click()
    expect(page.get_by_text("A sequence is always critical.")).to_be_visible(timeout=LONG)
    page.get_by_label("Events named").first.fill("UPPER CASE!")
    expect(page.get_by_role("status").get_by_text("An event pattern has")).to_be_visible(timeout=LONG)
    page.get_by_role("link", name="Cancel").click()
    table.get_by_role("button", name="Remove Many large exports").click()
    page.get_by_role("button", name="Remove model").click()
    expect(page.get_by_text("No threat models")).to_be_visible(timeout=LONG)


def test_it_works_on_a_phone_in_the_dark_and_tells_an_unknown_project(
    open_page: OpenPage, owner: Person, exported: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"{PATH}?edit=new", owner, width=390, height=844, scheme="dark")
    settle(page)
    write_exports(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(page)
    shoot(page, "builder-dark-390")
    page.goto(PATH.replace(SLUG, "nowhere"))
    expect(page.get_by_text("There is no such project")).to_be_visible()
