"""The pages of sources and tenants, and keys of every kind made in the browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.server import RunningServer

SLUG = "sending"


@pytest.fixture(scope="module")
def sending(server: RunningServer, owner: Person) -> str:
    key = server.ingest_key(SLUG)
    now = datetime.now(UTC).isoformat()
    events = [{"service": "shop", "operation": "paid", "timestamp": now} for _ in range(40)]
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{server.url}/v1/events?wait=1", json=events, headers=headers, timeout=60)
    assert answer.json()["stored"] is True, answer.text
    return SLUG


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_sources_show_who_sends_what(
    scheme: str, width: int, open_page: OpenPage, owner: Person, sending: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"/p/{sending}/sources", owner, scheme=scheme, width=width)
    table = page.get_by_role("table", name="Sources of the last 24 hours, the busiest first")
    expect(table.get_by_role("row").filter(has_text="shop")).to_contain_text("40")
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shoot(page, f"sources-{scheme}-{width}")


def test_a_key_for_another_surface_is_made_in_the_browser(open_page: OpenPage, owner: Person, sending: str) -> None:
    page = open_page(f"/p/{sending}/keys", owner)
    page.get_by_role("button", name="Create key").first.click()
    page.get_by_label("Name", exact=True).fill("Log shipper")
    page.get_by_label("Opens").select_option("logs")
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    expect(page.locator("#new-token")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Log shipper")).to_contain_text("logs")
    shoot(page, "keys-with-kinds")


def test_an_owner_adds_a_tenant_and_changes_its_plan(
    open_page: OpenPage, owner: Person, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page("/settings/tenants", owner)
    page.get_by_role("button", name="Add tenant").or_(page.get_by_role("button", name="Add the first tenant")).first.click()
    page.get_by_label("Name", exact=True).fill(" ")
    page.get_by_label("Domain").fill("acme.example")
    page.get_by_role("dialog").get_by_role("button", name="Add tenant").click()
    expect(page.locator("#name-error")).to_contain_text("Name must have")
    page.get_by_label("Name", exact=True).fill("Acme")
    page.get_by_label("Domain").fill("no domain")
    page.get_by_role("dialog").get_by_role("button", name="Add tenant").click()
    expect(page.locator("#domain-error")).to_have_text("Domain must be a host name")
    page.get_by_label("Domain").fill("acme.example")
    page.get_by_role("dialog").get_by_role("button", name="Add tenant").click()
    expect(page.locator("#new-token")).to_be_visible()
    page.get_by_label("Plan of Acme").select_option("pro")
    expect(page.get_by_role("row").filter(has_text="acme.example")).to_contain_text("0 of 20,000")
    check_accessibility(page)
    shoot(page, "tenants")
