"""The page of logs: what it shows, how it is searched, and who may change thresholds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person
from tests.e2e.server import RunningServer

SLUG = "logged"
PATH = f"/p/{SLUG}/logs"


def log_line(moment: datetime, severity: str, message: str, service: str = "auth") -> dict[str, str]:
    return {
        "timestamp": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "server_id": "web-1",
        "service": service,
        "severity": severity,
        "message": message,
        "error_code": "E42" if severity == "ERROR" else "",
        "resource_id": "",
        "metadata": "{}",
    }


def append(server: RunningServer, key: str, name: str, rows: list[dict[str, object]]) -> None:
    answer = httpx.post(
        f"{server.url}/v0/events?name={name}&wait=true",
        content="\n".join(json.dumps(row) for row in rows),
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert answer.status_code == 200 and answer.json()["quarantined_rows"] == 0, answer.text


@pytest.fixture(scope="module")
def logged(server: RunningServer, owner: Person) -> Iterator[str]:
    """A day of lines with one bad quarter of an hour, and a threshold."""
    key = server.ingest_key(SLUG, "logs")
    now = datetime.now(UTC)
    bad = now - timedelta(hours=5)
    threshold = {
        "service": "auth",
        "severity": "ERROR",
        "threshold_per_minute": 2.5,
        "active": 1,
        "updated_at": "2026-01-01 00:00:00",
    }
    rows: list[dict[str, object]] = []
    for minutes in range(5, 23 * 60, 4):
        rows.append({**log_line(now - timedelta(minutes=minutes), "INFO", f"Session opened for user {minutes}")})
        if minutes % 12 == 1:
            rows.append({**log_line(now - timedelta(minutes=minutes), "WARN", "Slow answer of the directory", "ldap")})
    for second in range(0, 900, 10):
        rows.append({**log_line(bad + timedelta(seconds=second), "ERROR", "Token signature does not match\n  at verify(token)")})
    append(server, key, "log_anomaly_thresholds", [threshold])
    append(server, key, "system_logs", rows)
    yield key


def settle(page: Page) -> None:
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .loading")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_in_both_modes(
    scheme: str, open_page: OpenPage, owner: Person, logged: str, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(PATH, owner, scheme=scheme)
    settle(page)
    expect(page.get_by_role("img", name="lines; at most")).to_be_visible()
    check_accessibility(page)


def test_it_is_not_wider_than_a_phone(open_page: OpenPage, owner: Person, logged: str) -> None:
    page = open_page(PATH, owner, width=390, height=844)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_lines_are_found_by_text_and_severity(open_page: OpenPage, owner: Person, logged: str) -> None:
    page = open_page(PATH, owner)
    settle(page)
    lines = page.get_by_role("region", name="Log lines, newest first")
    expect(lines.get_by_text("Session opened").first).to_be_visible()
    page.get_by_label("Search messages").fill("SIGNATURE")
    expect(lines.get_by_text("Session opened")).to_have_count(0)
    expect(lines.get_by_text("Token signature").first).to_be_visible()
    page.get_by_label("Search messages").fill("nowhere to be found")
    expect(page.get_by_text("No line matches")).to_be_visible()
    page.goto(f"{page.url.split('?')[0]}?severity=WARN")
    expect(lines.get_by_text("Slow answer").first).to_be_visible()
    expect(lines.get_by_text("Token signature")).to_have_count(0)


def test_a_changed_threshold_changes_what_is_above_it(open_page: OpenPage, owner: Person, logged: str) -> None:
    page = open_page(PATH, owner)
    settle(page)
    above = page.get_by_role("region", name="Minutes with more lines than their threshold")
    expect(above.get_by_text("2.4×").first).to_be_visible()
    page.get_by_role("button", name="Change the threshold of auth ERROR").click()
    page.get_by_label("Lines per minute").fill("3")
    page.get_by_role("button", name="Save threshold").click()
    expect(above.get_by_text("2.0×").first).to_be_visible()
    page.get_by_role("button", name="Change the threshold of auth ERROR").click()
    page.get_by_label("State").select_option("off")
    page.get_by_role("button", name="Save threshold").click()
    expect(page.get_by_text("No minute was above its threshold")).to_be_visible()
    page.get_by_role("button", name="Add threshold").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Service").fill("auth")
    form.get_by_label("Severity").fill("ERROR")
    form.get_by_label("Lines per minute").fill("2.5")
    page.get_by_role("button", name="Save threshold").click()
    expect(above.get_by_text("2.4×").first).to_be_visible()


def test_an_unknown_project_is_told(open_page: OpenPage, owner: Person, logged: str) -> None:
    page = open_page(PATH.replace(SLUG, "nowhere"), owner)
    expect(page.get_by_text("There is no such project")).to_be_visible()
