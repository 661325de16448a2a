"""Destinations and deliveries: a webhook is tried before it is stored, and a message that failed is sent again."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlmodel import col
from standardwebhooks.webhooks import Webhook

from app.kernel.database import engine_for, session_scope
from models.alerting import AlertDelivery, AlertDeliveryItem
from models.projects import Project
from tests.e2e.conftest import OpenPage, Person
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer
from tests.factories import make_scan_config

SLOW = 60_000
HOSTILE = "<img src=x onerror=alert(1)> paid is down"


@dataclass
class Receiver:
    """A receiver of webhooks that answers with `status`."""

    url: str = ""
    status: int = 204
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def wait_for(self, count: int) -> None:
        """Return once so many messages have come."""
        deadline = time.monotonic() + SLOW / 1000
        while len(self.received) < count:
            assert time.monotonic() < deadline, f"{len(self.received)} of {count} messages came"
            time.sleep(0.05)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/alerts"
    yield found
    server.shutdown()
    server.server_close()


def shoot(page: Page, name: str) -> None:
    """Keep pictures, wide and narrow, in both modes, where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if not folder:
        return
    usual = page.viewport_size
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size(usual)


def test_a_webhook_is_tried_before_it_is_stored_and_deleted_with_its_rules_named(
    open_page: OpenPage, owner: Person, slug: str, api: Api, receiver: Receiver, check_accessibility: Callable[[Page], None]
) -> None:
    page = open_page(f"/p/{slug}/destinations", owner)
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()
    page.get_by_role("link", name="Add the first destination").click()
    page.get_by_role("button", name="Webhook", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Ops")
    page.get_by_label("Address").fill("https://10.0.0.7/alerts")
    page.get_by_role("button", name="Send test message").click()
    expect(page.locator("#target_url-error")).to_contain_text("public address")
    receiver.status = 500
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_role("button", name="Send test message").click()
    result = page.get_by_role("status", name="Last test")
    expect(result).to_contain_text("The receiver answered with status 500")
    receiver.status = 204
    page.get_by_role("button", name="Send test message").click()
    expect(result).to_contain_text("Webhook accepted the test message")
    assert json.loads(receiver.received[-1][1])["type"] == "alert.test" and len(receiver.received) == 2
    check_accessibility(page)
    shoot(page, "destination-new")
    assert api.send("GET", "/alert-destinations") == []

    page.get_by_role("button", name="Add destination").evaluate("button => { button.click(); button.click() }")
    expect(page).to_have_url(re.compile(r"/destinations/(?!new)[0-9a-f-]{36}$"))
    expect(page.get_by_label("Address")).to_have_value("")
    expect(page.get_by_text("Stored. Leave it empty to keep it.").first).to_be_visible()
    page.get_by_role("button", name="Send test message").click()
    expect(result).to_contain_text("Webhook accepted the test message")
    receiver.wait_for(3)
    page.get_by_role("button", name="Show signing secret").click()
    secret = page.get_by_role("region", name="Signing secret").inner_text()
    headers, body = receiver.received[-1]
    Webhook(secret).verify(body, headers)
    shoot(page, "destination")

    (stored,) = api.send("GET", "/alert-destinations")  # however quickly somebody pressed twice
    api.send("POST", f"/alert-destinations/{stored['id']}/rules", {"name": "Drops of paid"})
    page.goto(f"/p/{slug}/destinations")
    expect(page.get_by_role("row", name=re.compile("Ops.*Webhook.*1 rule.*Works.*nothing yet"))).to_be_visible()
    check_accessibility(page)
    shoot(page, "destinations")
    page.get_by_role("link", name="Ops", exact=True).click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("Rule “Drops of paid”")).to_be_visible()
    page.get_by_role("button", name="Delete destination").click()
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()


def make_deliveries(server: RunningServer, slug: str, destination: dict[str, Any], rule: dict[str, Any]) -> str:
    """One delivery that never arrived and one that did; the id of the first."""
    with session_scope(engine_for(f"sqlite:///{server.data_dir / 'plumbline.db'}")) as session:
        project = session.execute(sa.select(Project).where(col(Project.slug) == slug)).scalar_one()
        scan = make_scan_config(session, project, name="Hourly")
        shared = {
            "project_id": project.id, "scan_config_id": scan.id, "destination_id": destination["id"], "rule_id": rule["id"],
            "destination_name": destination["name"], "rule_name": rule["name"], "scan_name": scan.name, "channel": "webhook",
            "matched_count": 1, "attempt_count": 5,
        }  # fmt: skip
        snapshot = {"message_format": "plain", "rendered_message": HOSTILE, "subject": "[Shop] Drops", "items": []}
        failed = AlertDelivery(
            **shared,
            status="failed",
            payload_snapshot=snapshot,
            error_message="The receiver answered with status 503",
            error_kind="status",
        )
        sent = AlertDelivery(**shared, status="sent", sent_at=failed.created_at, payload_snapshot=snapshot)
        session.add_all([failed, sent])
        session.flush()
        series = f"/p/{slug}/monitoring"
        session.add(
            AlertDeliveryItem(
                delivery_id=failed.id, scope_type="project_total", scope_ref=project.id, scope_name="Shop", direction="drop",
                bucket=failed.created_at, actual_count=10, expected_count=100, absolute_delta=90, percent_delta=90.0,
                details_path=series, monitoring_path=series,
            )
        )  # fmt: skip
        return failed.id


def test_a_message_that_never_arrived_is_retried_and_then_redelivered_under_the_same_id(
    open_page: OpenPage,
    server: RunningServer,
    owner: Person,
    slug: str,
    api: Api,
    receiver: Receiver,
    check_accessibility: Callable[[Page], None],
) -> None:
    body = {"type": "webhook", "name": "Ops", "target_url": receiver.url}
    destination = api.send("POST", "/alert-destinations", body)
    rule = api.send("POST", f"/alert-destinations/{destination['id']}/rules", {"name": "Drops of paid"})
    delivery_id = make_deliveries(server, slug, destination, rule)

    page = open_page(f"/p/{slug}/deliveries", owner)
    expect(page.get_by_role("row", name=re.compile("Dead"))).to_have_count(1)
    expect(page.get_by_role("row", name=re.compile("Sent"))).to_have_count(1)
    check_accessibility(page)
    shoot(page, "deliveries")
    page.goto(f"/p/{slug}/deliveries?page=99")  # beyond the end stands the end
    expect(page.get_by_role("row", name=re.compile("Dead"))).to_have_count(1)
    page.get_by_role("button", name="Dead", exact=True).click()
    expect(page).to_have_url(re.compile(r"state=dead"))
    expect(page.get_by_role("row", name=re.compile("Sent"))).to_have_count(0)
    page.get_by_role("row", name=re.compile("Dead")).get_by_role("link").first.click()
    state = page.get_by_role("status", name="State")
    expect(state).to_have_text("Dead")
    expect(page.get_by_role("region", name="Message as it was sent")).to_have_text(HOSTILE)
    expect(page.locator("main img")).to_have_count(0)
    check_accessibility(page)
    shoot(page, "delivery")

    page.get_by_role("button", name="Retry").click()
    expect(state).to_have_text("Sent", timeout=SLOW)
    page.get_by_role("button", name="Redeliver").click()
    expect(page.get_by_text("under the same id")).to_be_visible()
    receiver.wait_for(2)
    expect(state).to_have_text("Sent", timeout=SLOW)
    assert [headers["webhook-id"] for headers, _ in receiver.received] == [delivery_id, delivery_id]
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (f"deliveries/{delivery_id}", "deliveries", "destinations", f"destinations/{destination['id']}"):
        page.goto(f"/p/{slug}/{path}")
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator("main .loading")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto(f"/p/{slug}/deliveries?state=dead")
    expect(page.get_by_text("No delivery matches")).to_be_visible()
