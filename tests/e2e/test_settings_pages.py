"""Settings, health, sessions, the developer page and the assistant, as owners and editors meet them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Person, Sessions, session_cookie
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer

SLOW = 60_000


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def model(server: RunningServer, owner: Person, sessions: Sessions) -> Iterator[None]:
    """A model that cites the first source, or describes every event the same; the instance uses it during the test."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked = body["messages"][1]["content"]
            text = "The order is paid with it [1]. Nobody knows more." if "Question:" in asked else "Yes, it works."
            if '"event_type"' in asked:
                text = json.dumps({"description": "Sent when an order is paid.", "field_suggestions": []})
            answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    stub = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    client = httpx.Client(base_url=server.url, cookies={"plumbline_session": sessions.cookie(owner)}, timeout=30)
    chosen = {"ai_enabled": True, "ai_base_url": f"http://127.0.0.1:{stub.server_port}/v1", "ai_api_key": "for-tests-only"}
    assert client.put("/api/v1/settings/ai", json=chosen).is_success
    yield
    for name in chosen:
        assert client.delete(f"/api/v1/settings/overrides/{name}").is_success
    stub.shutdown()
    stub.server_close()


def test_an_owner_changes_a_setting_looks_at_health_and_signs_out_elsewhere(
    open_page: OpenPage, server: RunningServer, owner: Person, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page("/settings", owner)
    expect(page.get_by_text("Life of a sign-in in hours")).to_be_visible(timeout=SLOW)
    check_accessibility(page)
    shoot(page, "settings-light")
    page.get_by_label("Search settings").fill("session hours")
    expect(page).to_have_url(f"{server.url}/settings?q=session+hours")
    page.get_by_role("button", name="Change session_ttl_hours").click()
    page.get_by_label("Value of session_ttl_hours").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("greater than or equal to 1")
    page.get_by_label("Value of session_ttl_hours").fill("200")
    shoot(page, "settings-form-light")
    page.get_by_role("button", name="Save").click()
    row = page.locator(".setting").filter(has_text="session_ttl_hours")
    expect(row).to_contain_text("changed here")
    page.get_by_role("button", name="Reset session_ttl_hours").click()
    expect(row).to_contain_text("default")

    page.goto(f"{server.url}/settings/health")
    expect(page.get_by_role("status").filter(has_text="Everything works")).to_be_visible(timeout=SLOW)
    check_accessibility(page)
    shoot(page, "health-light")

    elsewhere = {"plumbline_session": session_cookie(server, owner)}
    page.goto(f"{server.url}/settings/sessions")
    expect(page.get_by_role("row").filter(has_text="this browser")).to_be_visible()
    check_accessibility(page)
    shoot(page, "sessions-light")
    page.get_by_role("button", name="Sign out everywhere else").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere else").click()
    expect(page.get_by_text("over", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Sign out everywhere else")).to_have_count(0)
    assert httpx.get(f"{server.url}/api/v1/auth/me", cookies=elsewhere, timeout=30).status_code == 401

    page.goto(f"{server.url}/settings/members")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_label("Role", exact=True)).to_have_value("viewer")  # the least right
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Invite")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Email", exact=True).fill("ivy@example.com")
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#invitation-link").inner_text()
    expect(page.get_by_role("row", name="ivy@example.com")).to_be_visible()
    check_accessibility(page)
    shoot(page, "invitations-light")
    guest = open_page(link)
    expect(guest.get_by_text("ivy@example.com")).to_be_visible(timeout=SLOW)
    check_accessibility(guest)
    shoot(guest, "invitation-light")
    guest.get_by_label("Password").fill("a long password of hers")
    guest.get_by_role("button", name="Join").click()
    expect(guest).to_have_url(f"{server.url}/home")


def test_the_assistant_answers_with_sources_and_suggests_a_description(
    open_page: OpenPage,
    owner: Person,
    server: RunningServer,
    slug: str,
    api: Api,
    model: None,
    check_accessibility: Callable[[Page], None],
) -> None:
    kind = api.event_type("shop", {"name": "price", "display_name": "Price", "field_type": "number"})
    event = api.event(kind, "order_paid")

    page = open_page("/settings?q=ai_", owner)
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text("Yes, it works.")).to_be_visible(timeout=SLOW)
    shoot(page, "assistant-settings-light")

    page.goto(f"{server.url}/p/{slug}/ask")
    page.get_by_label("Question").fill("order paid")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("The order is paid with it")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Nobody knows more")).to_have_count(0)
    check_accessibility(page)
    shoot(page, "ask-light")
    page.get_by_role("link", name="[1]").click()
    expect(page).to_have_url(f"{server.url}/p/{slug}/events/{event['id']}")

    page.get_by_role("button", name="Suggest descriptions").click()
    page.get_by_role("button", name="Take the description of order_paid").click(timeout=SLOW)
    expect(page.locator(".page-note")).to_have_text("Sent when an order is paid.")

    page.keyboard.press("Control+k")
    page.get_by_label("Search or go to", exact=True).last.fill("price")
    expect(page.get_by_role("option", name="Price Field · Shop")).to_be_visible()
    shoot(page, "palette-light")


def test_the_developer_page_names_this_server_and_narrow_screens_and_editors_are_served(
    open_page: OpenPage,
    owner: Person,
    editor: Person,
    server: RunningServer,
    slug: str,
    check_accessibility: Callable[[Page], None],
) -> None:
    page = open_page(f"/p/{slug}/developer", editor)
    expect(page.get_by_text(f"{server.url}/v1/events")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="OpenTelemetry").click()
    expect(page.get_by_text("OTEL_EXPORTER_OTLP_ENDPOINT")).to_be_visible()
    check_accessibility(page)
    shoot(page, "developer-light")
    page.goto(f"{server.url}/settings")
    expect(page.get_by_text("You may not see this")).to_be_visible()
    page.goto(f"{server.url}/p/{slug}/ask")
    expect(page.get_by_text("The assistant is off")).to_be_visible()
    shoot(page, "ask-off-light")

    narrow = open_page("/settings", owner, width=390, scheme="dark")
    for path, heading in (
        ("/settings", "Settings"),
        ("/settings/health", "Health"),
        ("/settings/sessions", "Sessions"),
        (f"/p/{slug}/developer", "Developer"),
        (f"/p/{slug}/ask", "Ask the plan"),
    ):
        narrow.goto(f"{server.url}{path}")
        expect(narrow.get_by_role("heading", level=1, name=heading)).to_be_visible(timeout=SLOW)
        expect(narrow.locator(".loading")).to_have_count(0, timeout=SLOW)
        narrow.wait_for_timeout(800)  # the last rows of a page that fills step by step
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 390, path
        check_accessibility(narrow)
        shoot(narrow, f"{heading.split()[0].lower()}-dark-390")
