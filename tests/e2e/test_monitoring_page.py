"""Monitoring: the series of a scope with its breakdown, app versions and annotations."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage
from models.projects import Project
from tests.e2e.conftest import OpenPage, Person, sign_up_over_http
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer
from tests.factories import make_scan_config

Axe = Callable[[Page], None]


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for them."""
    folder = os.environ.get("PLUMBLINE_TEST_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def counted(server: RunningServer, api: Api) -> str:
    """Two days of an event, split by country; the event's id."""
    kind = api.event_type("shop")
    event_id = str(api.event(kind, "paid", status="live")["id"])
    floor = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR)
    with session_scope(create_engine(f"sqlite:///{server.data_dir / 'plumbline.db'}")) as session:
        config = make_scan_config(session, session.get_one(Project, kind["project_id"]), name="Received")
        config.collected_until, config.metric_breakdown_columns = floor, ["country"]
        for ago in range(1, 49):
            bucket = floor - timedelta(hours=ago)
            session.add(MetricCoverage(scan_config_id=config.id, bucket=bucket, total_count=100, matched_count=100))
            for scope, ref in (("event", event_id), ("event_type", str(kind["id"]))):
                series = {"scan_config_id": config.id, "scope_type": scope, "scope_ref": ref, "bucket": bucket}
                session.add(MetricBucket(**series, count=100))
                for value, count in (("DE", 75), ("FR", 25)):
                    session.add(
                        MetricBreakdown(**series, breakdown_column="country", breakdown_value=value, is_other=False, count=count)
                    )
    return event_id


def test_a_reader_goes_from_the_total_to_an_event_and_annotates_it(
    open_page: OpenPage, owner: Person, slug: str, counted: str, check_accessibility: Axe
) -> None:
    page = open_page(f"/p/{slug}", owner)
    page.get_by_role("link", name="Monitoring").click()
    expect(page.get_by_role("heading", level=2, name="Project total")).to_be_visible()
    page.get_by_label("Series", exact=True).select_option(value=f"event/{counted}")
    page.wait_for_url(f"**/monitoring?series=event%2F{counted}&days=7")
    expect(page.get_by_role("link", name="Open the event")).to_be_visible()
    values = page.get_by_role("region", name="Counts per value")
    expect(values.get_by_role("row", name="DE")).to_contain_text("3,600")
    expect(values.get_by_role("row", name="FR")).to_contain_text("25")
    page.reload()
    expect(page.get_by_role("link", name="Open the event")).to_be_visible()

    page.get_by_label("What happened").fill("Release 2.0")
    page.get_by_label(re.compile(r"^When \(")).fill((SYSTEM_CLOCK.now() - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Add annotation").click()
    marks = page.get_by_role("region", name="Annotations on this chart")
    expect(marks.get_by_text("Release 2.0")).to_be_visible()
    check_accessibility(page)
    shoot(page, "monitoring-light")
    marks.get_by_role("button", name="Delete Release 2.0").click()
    expect(page.get_by_text("No annotation in this range")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "dark")])
def test_the_page_fits_and_is_accessible(
    open_page: OpenPage, owner: Person, slug: str, counted: str, check_accessibility: Axe, width: int, scheme: str
) -> None:
    page = open_page(f"/p/{slug}/monitoring?series=event/{counted}", owner, width=width, scheme=scheme)
    expect(page.get_by_role("region", name="Counts per value").get_by_text("DE")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    check_accessibility(page)
    shoot(page, f"monitoring-{scheme}-{width}")


def test_nothing_counted_and_an_unknown_event_are_said(open_page: OpenPage, owner: Person, slug: str) -> None:
    page = open_page(f"/p/{slug}/monitoring", owner)
    expect(page.get_by_text("Nothing was counted in this range")).to_be_visible()
    page.goto(f"/p/{slug}/monitoring?series=event/00000000-0000-4000-8000-000000000000")
    expect(page.get_by_text("There is no such series")).to_be_visible()


def test_a_viewer_reads_the_chart_and_writes_no_annotation(
    open_page: OpenPage, server: RunningServer, slug: str, api: Api, counted: str
) -> None:
    viewer = sign_up_over_http(server, Person("monitoring-viewer@example.com", "Vera Viewer"))
    api.make_viewer(viewer.email)
    page = open_page(f"/p/{slug}/monitoring?series=event/{counted}", viewer)
    expect(page.get_by_text("No annotation in this range")).to_be_visible()
    expect(page.get_by_role("button", name="Add annotation")).to_have_count(0)
