"""The main road as a newcomer walks it, on an instance of its own: sign up, project, key, events, scan, anomaly, restart."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from app.kernel.clock import SYSTEM_CLOCK
from tests.e2e.conftest import PATIENCE
from tests.e2e.observed_project import history, run_scan, send
from tests.e2e.server import RunningServer, running_server

SLUG = "corner-shop"
EMAIL, PASSWORD = "newcomer@example.com", "correct horse battery"
RESTART_SECONDS = 120


@pytest.fixture
def context(browser: Browser) -> BrowserContext:
    opened = browser.new_context(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


def sign_up(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.url}/register")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()


def create_project(page: Page, name: str) -> None:
    page.get_by_role("button", name="Create project").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()


def create_key(page: Page) -> str:
    page.get_by_role("button", name="Create the first key").click()
    page.get_by_label("Name").fill("Backend")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Create")).click()
    return page.locator("#new-token").inner_text()


def open_inbox(page: Page, server: RunningServer) -> Page:
    page.goto(f"{server.url}/p/{SLUG}/inbox")
    return page


def see_anomaly(inbox: Page) -> None:
    expect(inbox.get_by_role("main").get_by_text("order_placed").first).to_be_visible(timeout=60_000)


def web_process(server: RunningServer) -> int:
    """Process id of the `web` child of the instance."""
    supervisor = json.loads((server.data_dir / "runtime.json").read_text())["pid"]
    children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(supervisor)], capture_output=True, text=True, check=True)
    return next(int(line.split()[0]) for line in children.stdout.splitlines() if "app.web" in line)


def test_from_sign_up_to_an_anomaly_that_survives_a_restart(tmp_path: Path, context: BrowserContext) -> None:
    page = context.new_page()
    with running_server(tmp_path) as server:
        sign_up(page, server)
        create_project(page, "Corner shop")
        expect(page).to_have_url(re.compile(f"/p/{SLUG}/keys$"))
        key = create_key(page)
        inbox = open_inbox(context.new_page(), server)
        expect(inbox.get_by_text("Nothing is watched yet")).to_be_visible()
        send(server, key, history(SYSTEM_CLOCK.now()))
        run_scan(page, server.url, SLUG)
        see_anomaly(inbox)  # without being asked again
        inbox.close()
    with running_server(tmp_path) as server:
        see_anomaly(open_inbox(page, server))  # the same browser, with the cookie it had before
        page.goto(f"{server.url}/p/{SLUG}/events")
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page.get_by_role("link", name="page_viewed")).to_be_visible()


def test_a_save_cut_off_in_the_middle_loses_nothing(tmp_path: Path, context: BrowserContext) -> None:
    page = context.new_page()
    with running_server(tmp_path) as server:
        sign_up(page, server)
        page.get_by_role("button", name="Create project").first.click()
        page.get_by_label("Name").fill("Cut off")
        expect(page.get_by_label("Slug")).to_have_value("cut-off")
        os.kill(web_process(server), signal.SIGKILL)
        _wait_for_web(server)
        page.wait_for_timeout(5000)  # the page has found the other process, which knows nothing of the form
        expect(page.get_by_label("Name")).to_have_value("Cut off")
        expect(page.get_by_label("Slug")).to_have_value("cut-off")
        os.kill(web_process(server), signal.SIGKILL)
        page.get_by_role("dialog").get_by_role("button", name="Create project").click()
        _wait_for_web(server)
        cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
        deadline = time.monotonic() + RESTART_SECONDS
        while not (slugs := _slugs(server, cookies)):
            assert time.monotonic() < deadline, "the save neither arrived nor could be repeated"
            save = page.get_by_role("dialog").get_by_role("button", name="Create project")
            with suppress(PlaywrightTimeout):  # the save arrived in this moment, and the dialog goes away under the hand
                if save.count():  # the form is still there with what was typed, and saving works once the socket is back
                    assert page.get_by_label("Name").input_value(timeout=5_000) == "Cut off"
                    save.click(timeout=5_000)
            page.wait_for_timeout(1500)
        assert slugs == ["cut-off"]
        keep_a_half_typed_branch(page, server, slugs[0])
        keep_half_typed_pages(context, server, slugs[0])


def keep_a_half_typed_branch(page: Page, server: RunningServer, slug: str) -> None:
    """A dialog whose page keeps nothing itself is opened again with what stood in it; one that somebody left is not."""
    page.goto(f"{server.url}/p/{slug}/branches")
    page.get_by_role("button", name="New branch").click()
    page.get_by_label("Name").fill("left")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="New branch").click()
    expect(page.get_by_label("Name")).to_have_value("")
    page.get_by_label("Name").fill("half-typed")
    page.get_by_label("What for").fill("Nobody has said yet")
    dialog = page.get_by_role("dialog").element_handle()
    os.kill(web_process(server), signal.SIGKILL)
    _wait_for_web(server)
    page.wait_for_function("dialog => !dialog.isConnected", arg=dialog)  # the page has found the other process
    expect(page.get_by_label("Name")).to_have_value("half-typed")
    expect(page.get_by_label("What for")).to_have_value("Nobody has said yet")
    expect(page.get_by_label("What for")).to_be_focused()
    page.get_by_role("button", name="Create branch").click()
    expect(page).to_have_url(re.compile("branch="))


def keep_half_typed_pages(context: BrowserContext, server: RunningServer, slug: str) -> None:
    """A long form that is no dialog keeps what stood in it, what it was switched to as well; passwords are typed again."""
    scan, destination = context.new_page(), context.new_page()
    scan.goto(f"{server.url}/p/{slug}/scans/new")
    scan.get_by_label("Name", exact=True).fill("Half a scan")
    scan.get_by_label("SQL").fill("SELECT name, time FROM events WHERE")
    destination.goto(f"{server.url}/p/{slug}/destinations/new")
    destination.get_by_role("button", name="Jira").click()
    destination.get_by_label("Account", exact=True).fill("ana@example.com")
    destination.get_by_label("API token").fill("half-a-token")
    destination.get_by_label("Name", exact=True).fill("Board")
    destination.get_by_label("Alerts are sent here").uncheck()
    before = [page.locator("[data-draft]").element_handle() for page in (scan, destination)]
    os.kill(web_process(server), signal.SIGKILL)
    _wait_for_web(server)
    for page, form in zip((scan, destination), before, strict=True):
        page.wait_for_function("form => !form.isConnected", arg=form)
    expect(scan.get_by_label("SQL")).to_have_value("SELECT name, time FROM events WHERE")
    expect(scan.get_by_label("Name", exact=True)).to_have_value("Half a scan")
    expect(destination.get_by_role("button", name="Jira")).to_have_attribute("aria-pressed", "true")
    expect(destination.get_by_label("Account", exact=True)).to_have_value("ana@example.com")
    expect(destination.get_by_label("Name", exact=True)).to_have_value("Board")
    expect(destination.get_by_label("Alerts are sent here")).not_to_be_checked()
    expect(destination.get_by_label("API token")).to_have_value("")


def _slugs(server: RunningServer, cookies: dict[str, str]) -> list[str]:
    answer = httpx.get(f"{server.url}/api/v1/projects", cookies=cookies, timeout=30)
    assert answer.status_code == 200, answer.text
    return [project["slug"] for project in answer.json()]


def _wait_for_web(server: RunningServer) -> None:
    deadline = time.monotonic() + RESTART_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{server.url}/readyz", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the web process was not started again")
