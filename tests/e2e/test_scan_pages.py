"""Setting up a scan: its query with a preview, a dry run, a run with its page, and what others may see."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, Sessions
from tests.e2e.observed_project import send
from tests.e2e.server import RunningServer

QUERY = "SELECT source, name, time, properties FROM events"
SLOW = 60_000
VIEWER_ZONE = ZoneInfo("Europe/Berlin")
"""Where the browser of these tests stands; date pickers speak of its clock."""


@pytest.fixture
def slug(server: RunningServer, owner: Person, sessions: Sessions) -> str:
    """A project of its own for each test, with some events."""
    name = f"scans-{uuid4().hex[:8]}"
    client = httpx.Client(base_url=server.url, cookies={"plumbline_session": sessions.cookie(owner)}, timeout=30)
    answer = client.post("/api/v1/projects", json={"name": f"Scans {name}", "slug": name})
    assert answer.is_success, answer.text
    key = server.ingest_key(name)
    start = datetime.now(UTC) - timedelta(hours=5)
    events = [
        {
            "service": "shop",
            "operation": f"page_{number % 3}",
            "timestamp": (start + timedelta(minutes=number)).isoformat(),
            "custom_attributes": {"screen": f"s{number % 4}"},
        }
        for number in range(120)
    ]
    send(server, key, events)
    return name


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.blur()


def test_an_owner_sets_up_a_scan_and_watches_its_run(
    open_page: OpenPage, owner: Person, slug: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"/p/{slug}/scans", owner)
    page.get_by_role("link", name="New scan").click()
    expect(page.get_by_role("heading", level=1, name="New scan")).to_be_visible()
    fill(page, "Name", "Shop events")
    fill(page, "SQL", "SELECT 1; SELECT 2")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#base_query-error")).to_be_visible()
    fill(page, "SQL", QUERY)
    page.get_by_role("button", name="Preview").click()
    grid = page.get_by_role("region", name="Rows of the query")
    expect(grid.get_by_text("page_", exact=False).first).to_be_visible(timeout=SLOW)
    fill(page, "Event type column", "source")
    fill(page, "Name format", "{name}")
    fill(page, "Time column", "time")
    page.get_by_label("Count per").select_option("1h")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("A scan would create 3 events")).to_be_visible(timeout=SLOW)
    shoot(page, "scan-editor")
    check_accessibility(page)
    page.get_by_role("button", name="Create scan").click()
    expect(page.get_by_role("heading", level=1, name="Shop events")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", level=1, name="Scan of Shop events")).to_be_visible()
    expect(page.get_by_text("Completed")).to_be_visible(timeout=SLOW)
    shoot(page, "scan-job")
    check_accessibility(page)
    page.get_by_role("button", name="Replay a range").click()
    dialog = page.get_by_role("dialog", name="Count a range again")
    hour = datetime.now(VIEWER_ZONE).replace(minute=0, second=0, microsecond=0)
    dialog.get_by_label(f"From ({hour:%Z})").fill((hour - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M"))
    dialog.get_by_label(f"To ({hour:%Z})").fill((hour + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"))
    dialog.get_by_role("button", name="Start replay").click()
    fault = dialog.locator("#time_to-error")
    expect(fault).to_contain_text("last complete bucket")
    expect(fault).to_contain_text(f"{hour:%H}:00 {hour:%Z}")
    dialog.get_by_label(f"To ({hour:%Z})").fill(hour.strftime("%Y-%m-%dT%H:%M"))
    dialog.get_by_role("button", name="Start replay").click()
    expect(page.get_by_role("heading", level=1, name="Replay of Shop events")).to_be_visible()
    expect(page.get_by_text("Completed")).to_be_visible(timeout=SLOW)


def test_a_stored_scan_is_changed_paused_and_deleted(open_page: OpenPage, owner: Person, slug: str) -> None:
    page = open_page(f"/p/{slug}/scans", owner)
    page.get_by_role("link", name="Received events").click()
    expect(page.get_by_role("heading", level=1, name="Received events")).to_be_visible()
    fill(page, "Break down by", "source")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#metric_breakdown_columns-error")).to_be_visible()
    fill(page, "Break down by", "")
    fill(page, "Event groups", "Pages: event_name ~ ^page_")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Merge existing events by these rules")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete scan").click()
    expect(page.get_by_text("No scan is set up")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1440, "dark")])
def test_the_pages_fit_and_are_accessible(
    open_page: OpenPage, owner: Person, slug: str, width: int, scheme: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"/p/{slug}/scans/new", owner, width=width, scheme=scheme)
    expect(page.get_by_role("heading", level=1, name="New scan")).to_be_visible()
    shoot(page, f"scan-new-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    check_accessibility(page)


def test_an_editor_runs_scans_and_writes_none(open_page: OpenPage, editor: Person, slug: str) -> None:
    page = open_page(f"/p/{slug}/scans", editor)
    expect(page.get_by_role("link", name="Received events")).to_be_visible()
    expect(page.get_by_role("link", name="New scan")).to_have_count(0)
    page.get_by_role("link", name="Received events").click()
    expect(page.get_by_role("button", name="Run now")).to_be_visible()
    expect(page.get_by_label("SQL")).to_be_disabled()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.goto(f"/p/{slug}/scans/new")
    expect(page.get_by_text("Only owners set up scans")).to_be_visible()
