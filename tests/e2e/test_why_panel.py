"""Why: a signal is asked for its explanations; unknown is an answer, and a note of somebody changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Page, expect

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from models.attachments import ChartAnnotation
from models.scans import ScanConfig
from tests.e2e.conftest import OpenPage, Person
from tests.e2e.departing_project import OUTAGE, make_departing
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer
from tests.e2e.test_monitoring_page import shoot

Axe = Callable[[Page], None]


def test_a_signal_is_unknown_until_somebody_notes_what_happened(
    open_page: OpenPage, server: RunningServer, owner: Person, slug: str, api: Api, check_accessibility: Axe
) -> None:
    departing = make_departing(server, api)
    began = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - timedelta(hours=max(OUTAGE))
    at = began.strftime("%Y-%m-%dT%H:%M:%SZ")
    page = open_page(f"/p/{slug}/signals/{departing.scan_id}~event~{departing.order_id}?at={at}", owner)
    page.get_by_role("button", name="Why did this happen?").click()
    expect(page.get_by_text("Nothing that is recorded near this signal accounts for it")).to_be_visible()
    shoot(page, "why-unknown")
    with session_scope(create_engine(f"sqlite:///{server.data_dir / 'plumbline.db'}")) as session:
        project_id = session.get_one(ScanConfig, departing.scan_id).project_id
        session.add(ChartAnnotation(project_id=project_id, bucket=began - timedelta(minutes=20), label="Payment provider down"))
    page.get_by_role("button", name="Look again").click()
    explanations = page.get_by_role("list", name="Explanations")
    expect(explanations.get_by_role("link", name="Payment provider down")).to_be_visible()
    expect(explanations).to_contain_text("20 minutes before it began")
    check_accessibility(page)
    shoot(page, "why-explained")
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "why-explained-390")
