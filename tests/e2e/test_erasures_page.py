"""Erasures: an owner erases a person whose event is stored, and takes the proof."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from app.erasure.certificate import verify
from tests.e2e.conftest import OpenPage, Person
from tests.e2e.server import RunningServer

SLOW = 60_000


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_person_is_erased_and_the_proof_holds(
    open_page: OpenPage, owner: Person, server: RunningServer, slug: str, check_accessibility: Callable[[Page], None]
) -> None:
    key = server.ingest_key(slug)
    event = {"service": "shop", "operation": "paid", "timestamp": datetime.now(UTC).isoformat(), "user_id": "u-4711"}
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.post(f"{server.url}/v1/events?wait=1", json={"events": [event]}, headers=headers, timeout=30).is_success

    page = open_page(f"/p/{slug}/erasures", owner)
    expect(page.get_by_text("Nobody was erased from this project")).to_be_visible(timeout=SLOW)
    shoot(page, "erasures-empty-light")
    page.get_by_label("User id").fill(" ")
    page.get_by_role("button", name="Erase…").click()
    expect(page.locator("#erase-user-error")).to_have_text("Type the id of the person")
    page.get_by_label("User id").fill("u-4711")
    page.get_by_role("button", name="Erase…").dblclick()
    question = page.get_by_role("dialog")
    question.get_by_label("Type the project's name").fill("something else")
    question.get_by_role("button", name="Erase for good").click()
    expect(question.get_by_role("alert")).to_contain_text(slug)
    shoot(page, "erasures-question-light")
    question.get_by_label("Type the project's name").fill(slug)
    question.get_by_role("button", name="Erase for good").click()

    row = page.get_by_role("row").filter(has_text="none left")
    expect(row).to_contain_text("1 event; none left", timeout=SLOW)
    check_accessibility(page)
    shoot(page, "erasures-light")
    with page.expect_download() as download:
        row.get_by_role("link", name="Certificate").click()
    found = verify(Path(download.value.path()).read_bytes())
    assert (found.fault, found.certificate["before"]["event"]) == ("", 1)
    assert "u-4711" not in json.dumps(dict(found.certificate))

    narrow = open_page(f"/p/{slug}/erasures", owner, width=390, height=844, scheme="dark")
    expect(narrow.get_by_text("none left")).to_be_visible(timeout=SLOW)
    check_accessibility(narrow)
    shoot(narrow, "erasures-dark-390")
    if os.environ.get("PLUMBLINE_TEST_SHOTS"):
        for width, scheme in ((1440, "light"), (1440, "dark"), (390, "dark")):
            health = open_page("/settings/health", owner, width=width, scheme=scheme)
            expect(health.get_by_text("Everything works")).to_be_visible(timeout=SLOW)
            shoot(health, f"health-{scheme}-{width}")
