"""Audit records, the activity feed and the own audit log with its seal."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, Sessions
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer

SLUG = "audited"
PATHS = {"records": f"/p/{SLUG}/audit", "activity": f"/p/{SLUG}/activity", "log": "/settings/audit"}


def settle(page: Page, name: str = "") -> None:
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder and name:
        page.screenshot(path=f"{folder}/audit_{name}.png", full_page=True)


def record(number: int) -> dict[str, Any]:
    names = ("order.refund", "user.role_change", "export.download")
    return {
        "category": "orders" if number % 2 else "users",
        "sourceInformation": {"application": "checkout", "environment": "production"},
        "method": "POST",
        "status": "error" if number % 7 == 0 else "success",
        "level": "warning" if number % 7 == 0 else "info",
        "event": {"name": names[number % 3], "type": "write", "latency": 10 + number % 13, "totalDuration": 30 + number},
        "actor": {"origin": f"10.0.0.{number % 4}", "detail": {"user": f"u{number % 9}"}},
        "resource": {"type": "order", "id": f"o-{number}"},
        "metadata": [{"isMetric": True, "name": "amount", "value": 5.5 * number}, {"name": "reason", "value": "damaged"}],
    }


@pytest.fixture(scope="module")
def audited(server: RunningServer, owner: Person, sessions: Sessions) -> Iterator[None]:
    """Requests of one to three records, sent with a key of the project."""
    key = server.ingest_key(SLUG, "audit")
    for number in range(0, 66, 3):
        records = [record(number + more) for more in range(1 + number % 2)]
        answer = httpx.post(f"{server.url}/audit/log", json=records, headers={"api-key": key}, timeout=30)
        assert answer.status_code == 204, answer.text
    api = Api(server, sessions.cookie(owner), SLUG)
    kind = api.event_type("order")
    for name in ("Order placed", "Order refunded"):
        api.event(kind, name)
    yield


def test_records_are_narrowed_measured_and_followed(open_page: OpenPage, owner: Person, audited: None) -> None:
    page = open_page(PATHS["records"], owner)
    table = page.get_by_role("region", name="Audit records, newest first")
    expect(table.get_by_text("order.refund").first).to_be_visible(timeout=60_000)
    page.get_by_label("Metric", exact=True).select_option("amount")
    expect(page.get_by_role("figure", name="mean of amount")).to_be_visible()
    settle(page, "records_light")
    page.get_by_label("Split").select_option("event_name")
    expect(page.get_by_role("region", name="The metric by group, most values first")).to_be_visible()
    page.get_by_label("Status", exact=True).select_option("error")
    expect(table.get_by_text("success")).to_have_count(0)
    for chosen in ("status=error", "metric=amount", "group_by=event_name"):
        expect(page).to_have_url(re.compile(chosen))
    table.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Trail of")).to_be_visible()
    expect(page.get_by_role("list", name="Stages, last first").get_by_text("damaged").first).to_be_visible()
    settle(page, "trail_light")
    page.goto(f"{PATHS['records']}?page=99")
    expect(page.get_by_text("1–33 of 33 records")).to_be_visible()


def test_the_seal_of_the_own_log_is_verified_by_its_owner_only(
    open_page: OpenPage,
    owner: Person,
    editor: Person,
    audited: None,
    check_accessibility: Callable[[Page], None],
) -> None:
    page = open_page(PATHS["log"], owner)
    settle(page)
    page.get_by_text("All time", exact=True).click()
    expect(page).to_have_url(re.compile("days=all"))
    settle(page)
    page.get_by_role("button", name="Verify").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Intact: ").or_(page.get_by_text("Nothing is sealed yet"))).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Verify", exact=True)).to_be_focused()
    settle(page, "log_light")
    page.get_by_role("button", name="Details of").first.click()
    expect(page.get_by_role("dialog").get_by_label("What was noted")).to_be_visible()
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    assert download.value.suggested_filename.startswith("audit-all-")
    expect(open_page(PATHS["log"], editor).get_by_text("Owner role required")).to_be_visible()
    for name, path in PATHS.items():
        for scheme in ("light", "dark"):
            wide = open_page(path, owner, scheme=scheme)
            settle(wide, f"{name}_{scheme}_wide")
            check_accessibility(wide)
        narrow = open_page(path, owner, width=390, height=844)
        settle(narrow, f"{name}_narrow")
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
