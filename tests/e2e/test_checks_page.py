"""Plan checks: an owner blocks what breaks the plan, sees what was refused, previews a branch and takes the fixed events in."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer

SLOW = 60_000


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def post(server: RunningServer, key: str, *prices: object) -> dict[str, object]:
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    events = [{"service": "shop", "operation": "paid", "timestamp": at, "custom_attributes": {"price": price}} for price in prices]
    answer = httpx.post(
        f"{server.url}/v1/events?wait=1", json={"events": events}, headers={"Authorization": f"Bearer {key}"}, timeout=30
    )
    return answer.json()


@pytest.fixture
def key(server: RunningServer, slug: str, api: Api) -> str:
    """A key of a project that plans `shop/paid` with a number for its price."""
    kind = api.event_type("shop", {"name": "price", "display_name": "Price", "field_type": "number"})
    api.event(kind, "paid")
    return server.ingest_key(slug)


def test_from_a_refused_event_to_its_arrival(
    open_page: OpenPage,
    owner: Person,
    server: RunningServer,
    slug: str,
    api: Api,
    key: str,
    check_accessibility: Callable[[Page], None],
) -> None:
    page = open_page(f"/p/{slug}/checks", owner)
    expect(page.get_by_text("Nothing broke the plan")).to_be_visible()
    page.get_by_role("button", name="Block").click()
    expect(page.get_by_text("refused, one by one")).to_be_visible()
    api.send("GET", "/ingest/policy")

    deadline = datetime.now(UTC) + timedelta(seconds=90)
    while not (answer := post(server, key, "12", 5))["failed"]:  # the policy is known within seconds
        assert datetime.now(UTC) < deadline, answer
        page.wait_for_timeout(500)

    page.reload()
    row = page.get_by_role("row", name="paid")
    expect(row).to_contain_text("price is not a number", timeout=SLOW)
    row.get_by_role("button", name="paid").click()
    expect(page.get_by_role("button", name="Try these again")).to_be_visible()
    check_accessibility(page)
    shoot(page, "checks-light")

    branch = api.send("POST", "/branches", {"name": "prices as text"})
    kind = next(iter(api._client.get(f"/api/v1/projects/{slug}/event-types", params={"branch": branch["id"]}).json()))
    field = kind["field_definitions"][0]
    api.send("PATCH", f"/event-types/{kind['id']}/fields/{field['id']}", {"field_type": "string"}, branch=branch["id"])
    page.reload()
    page.get_by_label("Branch to hold recent events against").select_option(label="prices as text")
    expect(page.get_by_role("status").filter(has_text="would fit this branch")).to_be_visible(timeout=SLOW)
    changed = page.get_by_role("region", name="Verdicts that change").get_by_role("row", name="paid")
    expect(changed.filter(has_text="price is not a number")).to_contain_text("fits")
    shoot(page, "checks-preview")

    for action in ("submit", "approve"):
        api.send("POST", f"/branches/{branch['id']}/transition", {"action": action})
    api.send("POST", f"/branches/{branch['id']}/merge")
    page.goto(f"{server.url}/p/{slug}/checks")
    expect(page.get_by_text("There is no open branch.")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("row", name="paid")).to_contain_text("fits the plan by now")
    page.wait_for_timeout(15_000)  # the newest seconds are left alone
    page.get_by_role("button", name="Take in what fits by now").click()
    expect(page.get_by_text("1 event taken in")).to_be_visible(timeout=SLOW)


def test_viewers_read_and_narrow_screens_do_not_scroll_sideways(
    open_page: OpenPage, owner: Person, editor: Person, slug: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"/p/{slug}/checks", editor)
    expect(page.get_by_text("Owners can change this.")).to_be_visible()
    narrow = open_page(f"/p/{slug}/checks", owner, width=390, scheme="dark")
    expect(narrow.get_by_role("heading", level=1, name="Plan checks")).to_be_visible()
    expect(narrow.get_by_role("button", name="Block")).to_be_visible()
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessibility(narrow)
    shoot(narrow, "checks-dark-390")
