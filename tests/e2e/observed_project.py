"""A project with two weeks of hourly events, sent, scanned and judged the way a customer's would be."""

from __future__ import annotations

import math
import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.server import RunningServer

SLUG = "observed"
DAYS = 14
QUIET_HOURS = range(30, 33)
SCAN_TIMEOUT = 180_000


def send(server: RunningServer, key: str, events: list[dict[str, object]]) -> None:
    """Send the events in batches; when it returns, all of them are stored."""
    for start in range(0, len(events), 1000):
        is_last = start + 1000 >= len(events)  # batches are stored in their order
        answer = httpx.post(
            f"{server.url}/v1/events",
            params={"wait": "1"} if is_last else {},
            json={"events": events[start : start + 1000]},
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        assert answer.status_code in (200, 202), answer.text


def history(now: datetime) -> list[dict[str, object]]:
    """`order_placed` with a daily shape and a hole of three hours a day ago; `page_viewed` evenly."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    events: list[dict[str, object]] = []
    for back in range(1, DAYS * 24 + 1):
        start = hour - timedelta(hours=back)
        orders = 0 if back in QUIET_HOURS else round(24 + 8 * math.sin(start.hour / 24 * 2 * math.pi)) + back % 3
        for name, count in (("order_placed", orders), ("page_viewed", 14 + back % 2)):
            for index in range(count):
                moment = start + timedelta(seconds=index * 60)
                events.append({"service": "shop", "operation": name, "timestamp": moment.isoformat()})
    return events


def fill(server: RunningServer, key: str) -> None:
    """Send the history."""
    send(server, key, history(datetime.now(UTC)))


def run_scan(page: Page, origin: str = "", slug: str = SLUG) -> None:
    """Press "Run now" on the scans page until a run has counted what was sent; the scheduler's own first run may find nothing."""
    counted = re.compile("[1-9][\\d,]* events counted")
    deadline = time.monotonic() + SCAN_TIMEOUT / 1000
    page.goto(f"{origin}/p/{slug}/scans")
    runs = page.get_by_role("region", name="Latest runs")
    while runs.get_by_text(counted).count() == 0:
        assert time.monotonic() < deadline, "no run counted what was sent"
        page.get_by_role("button", name="Run now").click()
        with suppress(AssertionError):
            expect(runs.get_by_text(counted).first).to_be_visible(timeout=10_000)
